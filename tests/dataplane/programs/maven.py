"""Java programs from Maven: the jars that a committed pom.xml names, each checked against a committed hash."""

import hashlib
import sys
import tempfile
from pathlib import Path

from dataplane.programs.cache import ProgramError, once, run

POMS = Path(__file__).parent / "poms"
SETTINGS = POMS / "settings.xml"
HASHES = "jars.sha256"


def maven_home(name: str) -> Path:
    """Return a directory whose `lib` has all jars of the pom.xml in `poms/<name>`.

    Raises:
        ProgramError: Maven failed, or a jar is not the one that was written down.
    """
    return once(name, maven_inputs(name), lambda directory: fetch(name, directory / "lib"))


def maven_inputs(name: str) -> list[Path]:
    """Return the files that decide what `fetch` brings."""
    return [POMS / name / "pom.xml", POMS / name / HASHES, SETTINGS]


def fetch(name: str, directory: Path) -> None:
    """Bring all jars of the pom.xml in `poms/<name>` into a new directory.

    Raises:
        ProgramError: as `maven_home`.
    """
    _resolve(name, directory)
    _check(name, directory)


def _resolve(name: str, target: Path) -> None:
    # The user's own settings stay in force: ours are the global ones.
    options = ["--batch-mode", "--strict-checksums", "--global-settings", str(SETTINGS), "--file"]
    goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={target}"]
    run(name, ["mvn", *options, str(POMS / name / "pom.xml"), *goal])


def _check(name: str, directory: Path) -> None:
    found, expected = _hashes(directory), (POMS / name / HASHES).read_text()
    if found == expected:
        return
    lines = sorted(set(found.splitlines()) ^ set(expected.splitlines()))
    files = sorted({line.split("  ")[1] for line in lines})
    raise ProgramError(f"{name}: jars differ from {POMS / name / HASHES}: {', '.join(files)}")


def _hashes(directory: Path) -> str:
    return "".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in sorted(directory.glob("*.jar"))
    )


def _write_hashes(name: str) -> None:
    """Write down what Maven gives now: run after a change of a pom.xml, as `python -m dataplane.programs.maven`."""
    with tempfile.TemporaryDirectory() as scratch:
        _resolve(name, Path(scratch, "lib"))
        (POMS / name / HASHES).write_text(_hashes(Path(scratch, "lib")))


if __name__ == "__main__":
    for program in sys.argv[1:]:
        _write_hashes(program)
