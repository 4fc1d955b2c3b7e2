"""Builds the Go tools, once, into the cache."""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kubefate_pulumi.simulator.errors import SimulatorError
from kubefate_pulumi.simulator.locks import exclusive
from kubefate_pulumi.simulator.paths import cache_directory, tool_sources

Progress = Callable[[str], None]
"""Takes one line for the user."""

TAIL_LINES = 25


@dataclass(frozen=True)
class GoTool:
    """One program that is built from one of the Go modules in `tools/`.

    Attributes:
        module: the module's directory.
        binary: the program's file name.
        package: what `go build` is given.
        stamps: link-time values, `import/path.variable` to text.
        title: what the program is, for progress lines.
        minutes: how long a cold build takes on two cores.
    """

    module: str
    binary: str
    package: str
    stamps: tuple[tuple[str, str], ...]
    title: str
    minutes: int

    def flags(self) -> list[str]:
        """Return the flags of `go build`; the module files are taken as they are committed."""
        stamps = " ".join(f"-X {variable}={value}" for variable, value in self.stamps)
        return ["-mod=readonly", "-trimpath", "-buildvcs=false", f"-ldflags=-s -w {stamps}".rstrip()]

    def key(self) -> str:
        """Return a hash of all that decides how the program comes out."""
        source = tool_sources() / self.module
        digest = hashlib.sha256()
        for file in sorted(path for path in source.rglob("*") if _is_source(path)):
            digest.update(f"{file.relative_to(source)}\0{file.stat().st_size}\0".encode())
            digest.update(file.read_bytes())
        digest.update("\0".join([self.package, *self.flags(), os.uname().sysname, os.uname().machine]).encode())
        return digest.hexdigest()[:16]

    def path(self) -> Path:
        """Return where the built program is, or will be."""
        return cache_directory() / f"{self.module}-{self.key()}" / self.binary

    def built(self) -> bool:
        """Tell whether the program is in the cache."""
        return self.path().is_file()


def ensure(tool: GoTool, progress: Progress) -> Path:
    """Return the program's path, building it first when the cache has no program of these sources.

    Two processes do not build the same program at once: the second waits and takes what the first built.

    Raises:
        SimulatorError: Go is missing or too old, or the compiler failed; the message shows its last lines.
    """
    target = tool.path()
    if target.is_file():
        return target
    go = _find_go(tool)
    lock = cache_directory() / f"{tool.module}.lock"
    with exclusive(lock, lambda: progress(f"Waiting for another process that builds {tool.title}")):
        if target.is_file():
            return target
        minutes = "a minute" if tool.minutes == 1 else f"{tool.minutes} minutes"
        progress(f"Building {tool.title} (once, about {minutes} on two cores)")
        _build(go, tool, target)
    return target


def _is_source(path: Path) -> bool:
    """Tell a source from a test and from what a developer's `go build` left behind."""
    return path.is_file() and not path.name.endswith("_test.go") and not os.access(path, os.X_OK)


def _build(go: str, tool: GoTool, target: Path) -> None:
    """Build into a directory beside the target and rename it, so that a half-built program is never found."""
    target.parent.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{tool.module}-", dir=target.parent.parent))
    try:
        command = [go, "build", *tool.flags(), "-o", str(scratch / tool.binary), tool.package]
        result = subprocess.run(
            command,
            cwd=tool_sources() / tool.module,
            env=_go_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode:
            tail = "\n".join(f"  {line}" for line in result.stderr.splitlines()[-TAIL_LINES:])
            raise SimulatorError(f"Building {tool.title} failed; the compiler's last lines:\n{tail}")
        scratch.chmod(0o755)
        shutil.rmtree(target.parent, ignore_errors=True)
        scratch.rename(target.parent)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _go_environment() -> dict[str, str]:
    # GOFLAGS of the user could undo -mod=readonly; a workspace of the user could replace our modules.
    return {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "", "GOTOOLCHAIN": "local", "GOWORK": "off"}


def _find_go(tool: GoTool) -> str:
    """Return the path of a Go that is new enough for the module."""
    needed = _needed_go(tool_sources() / tool.module / "go.mod")
    remedy = f"Install Go {needed} or newer and put it on PATH."
    go = shutil.which("go")
    if go is None:
        raise SimulatorError(f"{tool.title} has to be built once, and `go` is not on PATH. {remedy}")
    answer = subprocess.run(
        [go, "env", "GOVERSION"], env=_go_environment(), capture_output=True, text=True, check=False
    )
    found = answer.stdout.strip().removeprefix("go").split(" ")[0].split("-")[0]
    if answer.returncode or _numbers(found) < _numbers(needed):
        raise SimulatorError(f"{tool.title} needs Go {needed}; {go} is {found or 'not usable'}. {remedy}")
    return go


def _needed_go(mod_file: Path) -> str:
    found = re.search(r"^go (\S+)$", mod_file.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise SimulatorError(f"{mod_file} names no Go version.")
    return found.group(1)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])
