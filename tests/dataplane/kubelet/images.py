"""The table of images: which real programs stand for an image on this machine, and where the image has them.

To add one, make an `Image` and put it into a `Table`:

    pulsar = Image(
        repository="federatedai/pulsar",
        program="Pulsar 3.0.7 from Maven",
        trees=(Tree(cache / "pulsar", "/pulsar", writable=True),),
        user="10000:0",
        users={"pulsar": (10000, 0)},
        env={"JAVA_HOME": "/usr/lib/jvm/java-17-openjdk-amd64"},
        adaptions=("Maven's classes in place of the image's distribution",),
    )
    table = standard_images().with_image(pulsar)

A container starts with `/usr` of this machine, an `/etc` with little in it, and the image's `trees` and `files`. Then
come the pod's mounts, at the paths that the pod names. A mount below a tree needs the tree to be `writable`, or to have
a file or directory there already. Everything that is not as in the image must be said in `adaptions`: it is printed
once for each harness. An image that is in no table is an error.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from dataplane.kubelet.errors import KubeletError

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Tree:
    """A file or directory of this machine, and where the container has it.

    Attributes:
        host: path on this machine.
        path: path in the container.
        writable: each start of the container gets a copy to write into (an overlay), as of an image's own files.
    """

    host: Path
    path: str
    writable: bool = False


@dataclass(frozen=True)
class Directory:
    """An empty directory that the image has, with mode and owner."""

    path: str
    mode: int = 0o755
    user: int = 0
    group: int = 0


@dataclass(frozen=True)
class Image:
    """What one image repository is here.

    Attributes:
        repository: the image's name without registry, tag and digest (`nginx`, `federatedai/pulsar`).
        program: what really runs, with its version where that matters.
        trees: files and directories of this machine; later ones cover earlier ones.
        files: path in the container to text, for wrappers and small files; a text that starts with `#!` is executable.
        directories: empty directories that the image has.
        entrypoint: the image's ENTRYPOINT.
        cmd: the image's CMD, which a pod's `command` replaces together with the entrypoint, and `args` alone.
        env: the image's ENV.
        user: the image's USER, as in a Dockerfile: `name`, `uid`, `uid:gid`; empty is root.
        users: users in `/etc/passwd` besides root and nobody: name to uid and gid. Home is `/`.
        workdir: the image's WORKDIR.
        adaptions: every difference from the image, one sentence each.
        stand_in: the program is not the image's at all; its name must say so.
    """

    repository: str
    program: str
    trees: tuple[Tree, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    directories: tuple[Directory, ...] = ()
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    users: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    workdir: str = "/"
    adaptions: tuple[str, ...] = ()
    stand_in: bool = False

    def __post_init__(self) -> None:
        if self.stand_in and "stand-in" not in self.program:
            raise ValueError(f"{self.repository}: {self.program!r} must be called a stand-in")

    def ids(self) -> tuple[int, int]:
        """Return user and group that the image's processes have by themselves.

        Raises:
            KubeletError: the image names a user that it does not have.
        """
        user, _, group = (self.user or "0").partition(":")
        known = {"root": (0, 0), **self.users}
        if user in known:
            uid, gid = known[user]
        elif user.isdigit():
            uid, gid = int(user), next((gid for uid, gid in known.values() if uid == int(user)), 0)
        else:
            raise KubeletError(f"image {self.repository}: no user {user!r}")
        return uid, int(group) if group else gid

    def said(self) -> list[str]:
        """Return what people must be told of this entry."""
        lines = [f"image {self.repository}: {'STAND-IN: ' if self.stand_in else ''}{self.program}"]
        return [*lines, *(f"image {self.repository}: adapted: {each}" for each in self.adaptions)]


class Table:
    """Images by repository."""

    def __init__(self, images: Iterable[Image]) -> None:
        self._images = {each.repository: each for each in images}

    def with_image(self, *images: Image) -> "Table":
        """Return a table that has these, too; they replace those of the same repository."""
        return Table([*self._images.values(), *images])

    def changed(self, repository: str, **changes: object) -> "Table":
        """Return a table with one entry changed: for controls."""
        return self.with_image(replace(self._images[repository], **changes))  # type: ignore[arg-type]

    def find(self, reference: str) -> Image:
        """Return the entry for an image reference, by its name: registry, tag and digest do not count.

        A registry of the user's replaces the repository, too (`registry:` in our files), so the last part of the name
        is enough.

        Raises:
            KubeletError: the table has none; the message names the image.
        """
        name = repository(reference)
        if name in self._images:
            return self._images[name]
        last = name.rpartition("/")[2]
        found = [each for key, each in self._images.items() if key.rpartition("/")[2] == last]
        if len(found) == 1:
            return found[0]
        raise KubeletError(f"image {reference}: the table has no program for {name!r} (dataplane.kubelet.images)")


def repository(reference: str) -> str:
    """Return an image reference without tag and digest."""
    name = reference.partition("@")[0]
    head, slash, last = name.rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}"
