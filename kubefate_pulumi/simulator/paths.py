"""Where the simulated site keeps things: its state, the cache of built tools, and the tools' sources."""

import os
from pathlib import Path

from kubefate_pulumi.simulator.errors import SimulatorError

STATE_NAME = ".kubefate"


def state_directory(given: str | os.PathLike[str] | None = None) -> Path:
    """Return the absolute path of the state directory; it need not exist.

    Args:
        given: the directory that the user named, if any. Else `KUBEFATE_STATE`, else `.kubefate` in the nearest
            parent directory that holds a Pulumi.yaml, else `.kubefate` in the current directory.
    """
    named = given or os.environ.get("KUBEFATE_STATE")
    if named:
        return Path(named).expanduser().absolute()
    current = Path.cwd()
    for directory in (current, *current.parents):
        if (directory / "Pulumi.yaml").is_file():
            return directory / STATE_NAME
    return current / STATE_NAME


def project_directory() -> Path:
    """Return the nearest directory, from the current one upwards, that holds a Pulumi.yaml.

    Raises:
        SimulatorError: there is none.
    """
    for directory in (Path.cwd(), *Path.cwd().parents):
        if (directory / "Pulumi.yaml").is_file():
            return directory
    raise SimulatorError("There is no Pulumi.yaml here or above: change into the project's directory")


def cache_directory() -> Path:
    """Return the directory of built tools: `KUBEFATE_CACHE`, else `kubefate` in the user's cache."""
    named = os.environ.get("KUBEFATE_CACHE")
    if named:
        return Path(named).expanduser().absolute()
    user_cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(user_cache).expanduser().absolute() / "kubefate"


def tool_sources() -> Path:
    """Return the directory of the Go modules: `tools` of a checkout, or the copy in an installed package.

    Raises:
        SimulatorError: neither is there.
    """
    package = Path(__file__).resolve().parent
    candidates = (package.parents[1] / "tools", package / "tools")
    for directory in candidates:
        if (directory / "site" / "go.mod").is_file():
            return directory
    raise SimulatorError(
        "The Go sources of the simulated site are not in this installation of kubefate-pulumi; "
        "install it from a wheel or a checkout that has the directory tools/."
    )
