"""Where the real programs are on this machine."""

from collections.abc import Callable
from pathlib import Path

from dataplane.programs.cache import ProgramError
from dataplane.programs.debian import debian_home
from dataplane.programs.maven import maven_home
from dataplane.programs.python_home import notebook_home, pulsar_client_home, spark_home

HOMES: dict[str, Callable[[], Path]] = {
    "pulsar": lambda: maven_home("pulsar"),
    "pulsar-client": pulsar_client_home,
    "hadoop": lambda: maven_home("hadoop"),
    "spark": spark_home,
    "notebook": notebook_home,
    "mariadb": lambda: debian_home("mariadbd", "mariadb-install-db", "mariadb", "mysqladmin"),
    "trafficserver": lambda: debian_home("traffic_server", "traffic_manager", "traffic_ctl"),
}


def ensure(name: str) -> Path:
    """Return the home of a program, fetching it once where it is not of Debian.

    `pulsar` and `hadoop` have jars in `lib`; `pulsar-client` is a directory for `PYTHONPATH`; `spark` is Spark's
    own directory; `notebook` is a Python environment for one path (`python_home.VENV`); `mariadb` and
    `trafficserver` are `/usr`.

    Raises:
        ProgramError: it cannot be had; the message says why and what to do.
    """
    if name not in HOMES:
        raise ProgramError(f"no program is named {name}; there are {', '.join(HOMES)}")
    return HOMES[name]()


if __name__ == "__main__":
    for program in HOMES:
        print(program, ensure(program))
