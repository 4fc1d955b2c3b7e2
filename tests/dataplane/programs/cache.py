"""A directory that is made once, beside the simulator's tools, and then only read."""

import hashlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from kubefate_pulumi.simulator.locks import exclusive
from kubefate_pulumi.simulator.paths import cache_directory

TAIL_LINES = 15


class ProgramError(RuntimeError):
    """A program could not be had; the message says which, why, and what to do."""


def once(name: str, inputs: Sequence[Path], make: Callable[[Path], None]) -> Path:
    """Return the cached directory of `name` and these input files, making it first where it is missing.

    Two processes do not make it at once, and a directory that is half made is never found.

    Args:
        name: What it holds; part of its path.
        inputs: Files that decide what it holds.
        make: Fills the empty directory that it is given. It is moved afterwards.
    """
    digest = hashlib.sha256(b"\0".join(path.name.encode() + b"\0" + path.read_bytes() for path in inputs)).hexdigest()
    target = cache_directory() / f"program-{name}-{digest[:16]}"
    if target.is_dir():
        return target
    with exclusive(cache_directory() / f"program-{name}.lock", lambda: progress(f"Waiting for {name}")):
        if target.is_dir():
            return target
        progress(f"Fetching {name} for the tests (once)")
        scratch = Path(tempfile.mkdtemp(prefix=f".program-{name}-", dir=target.parent))
        try:
            make(scratch)
            scratch.chmod(0o755)
            scratch.rename(target)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return target


def progress(line: str) -> None:
    """Tell the person who waits."""
    print(line, file=sys.stderr, flush=True)


def run(what: str, command: Sequence[str], *, cwd: Path | None = None, seconds: float = 900) -> None:
    """Run a command of the making.

    Raises:
        ProgramError: it is not installed, took too long, or failed; the message shows its last lines.
    """
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
            check=False,
        )
    except FileNotFoundError:
        raise ProgramError(f"{what}: {command[0]} is not installed; `make programs` installs it") from None
    except subprocess.TimeoutExpired:
        raise ProgramError(f"{what}: {command[0]} did not end within {seconds:.0f} s") from None
    if done.returncode:
        tail = "\n".join(f"  {line}" for line in done.stdout.splitlines()[-TAIL_LINES:])
        raise ProgramError(f"{what}: {command[0]} failed; its last lines:\n{tail}")
