"""Directories whose files change together: Kubernetes' atomic writer (`pkg/volume/util/atomic_writer.go`).

The files are in a directory of the time of writing, `..data` points to it, and a link of each first name points into
`..data`. New content gets a new directory; one rename of `..data` puts all of it in force.
"""

import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from dataplane.kubelet.errors import KubeletError

DATA = "..data"


@dataclass(frozen=True)
class Projection:
    """One file: its content and its mode, which the process' umask does not change."""

    content: bytes
    mode: int


def write(directory: Path, payload: Mapping[str, Projection], group: int | None) -> bool:
    """Make a directory show just these files, path to content.

    Args:
        directory: the volume.
        payload: relative paths (`a`, `a/b`) to files.
        group: who owns the files besides root, and may read them: `fsGroup`.

    Returns:
        Whether anything was changed.

    Raises:
        KubeletError: a path leads out of the volume.
    """
    for path in payload:
        _check(path)
    directory.mkdir(parents=True, exist_ok=True)
    _own(directory, 0o755 if group is None else 0o2755, group)
    old = directory / DATA
    if old.is_symlink() and _same(old.resolve(), payload):
        return False
    stale = old.resolve() if old.is_symlink() else None
    fresh = _fresh(directory, payload, group)
    for name in {path.partition("/")[0] for path in payload}:
        link = directory / name
        if not link.is_symlink():
            link.symlink_to(f"{DATA}/{name}")
    swap = directory / f"{DATA}_tmp"
    swap.unlink(missing_ok=True)
    swap.symlink_to(fresh.name)
    swap.rename(old)
    _remove_stale(directory, payload, stale)
    return True


def _check(path: str) -> None:
    parts = path.split("/")
    if path.startswith("/") or ".." in parts or parts[0].startswith(".."):
        raise KubeletError(f"a volume's file cannot be at {path!r}")


def _same(current: Path, payload: Mapping[str, Projection]) -> bool:
    # By content alone, as Kubernetes does.
    files = {str(each.relative_to(current)): each for each in current.rglob("*") if each.is_file()}
    return files.keys() == payload.keys() and all(
        each.read_bytes() == payload[path].content for path, each in files.items()
    )


def _fresh(directory: Path, payload: Mapping[str, Projection], group: int | None) -> Path:
    stamp = datetime.now(UTC).strftime("..%Y_%m_%d_%H_%M_%S.")
    fresh = directory / f"{stamp}{secrets.randbelow(10**10):010}"
    fresh.mkdir()
    for path, projection in payload.items():
        file = fresh / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(projection.content)
        _own(file, projection.mode | (0 if group is None else 0o440), group)
    for each in [fresh, *(path for path in fresh.rglob("*") if path.is_dir())]:
        _own(each, 0o755 if group is None else 0o2755, group)
    return fresh


def _own(path: Path, mode: int, group: int | None) -> None:
    if group is not None:
        shutil.chown(path, group=group)
    path.chmod(mode)


def _remove_stale(directory: Path, payload: Mapping[str, Projection], stale: Path | None) -> None:
    names = {path.partition("/")[0] for path in payload}
    for link in directory.iterdir():
        if link.is_symlink() and not link.name.startswith("..") and link.name not in names:
            link.unlink()
    if stale is not None:
        shutil.rmtree(stale)
