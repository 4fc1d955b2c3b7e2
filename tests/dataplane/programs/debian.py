"""Programs of Debian, which `make programs` installs."""

import os
import shutil
from pathlib import Path

from dataplane.programs.cache import ProgramError

SBIN = "/usr/sbin:/sbin:/usr/local/sbin"


def debian_home(*commands: str) -> Path:
    """Return `/usr`, once all these commands are there.

    Raises:
        ProgramError: one is missing. A test must fail then, not skip.
    """
    path = f"{os.environ.get('PATH', '')}:{SBIN}"
    missing = [command for command in commands if shutil.which(command, path=path) is None]
    if missing:
        raise ProgramError(f"not installed: {', '.join(missing)}; `make programs` installs them")
    return Path("/usr")
