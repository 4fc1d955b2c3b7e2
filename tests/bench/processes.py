"""The processes of a router, as the kernel tells."""

import os
import re
import resource
import signal
from contextlib import suppress
from pathlib import Path

from rig.routers import Router


def resident_kibibytes(made: Router) -> int:
    """Return the resident memory of a router's nginx processes, master and workers."""
    assert made.process is not None
    total = 0
    for directory in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if os.getpgid(int(directory.name)) == made.process.pid:
                status = (directory / "status").read_text()
                name, size = re.search(r"Name:\s+(\S+)", status), re.search(r"VmRSS:\s+(\d+)", status)
                total += int(size[1]) if name and size and name[1] == "nginx" else 0
    return total


def allow_open_files() -> None:
    """Let this process and its children open as many files as the system allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def hang_up(made: Router) -> None:
    """Tell nginx to reload, as the start script does."""
    os.kill(int((made.root / "run" / "nginx.pid").read_text()), signal.SIGHUP)
