"""A container as a process: its file system by bubblewrap, its user by setpriv.

The process is the first one of its own pid namespace, as in a container: a signal that it does not handle does nothing
to it, and when it ends everything it started ends.
"""

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dataplane.kubelet.cage import Cage
from dataplane.kubelet.images import PATH, Image
from dataplane.kubelet.security import Identity

_USR_LINKS = ("bin", "lib", "lib64", "sbin")
_HOST_ETC = (
    "ssl",
    "alternatives",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "java-17-openjdk",
    "localtime",
    "protocols",
    "services",
)
"""Of this machine's `/etc`, what programs below `/usr` cannot do without."""


@dataclass(frozen=True)
class Bind:
    """A path of this machine at a path of the container."""

    source: Path
    target: str
    read_only: bool


@dataclass(frozen=True)
class Sandbox:
    """Everything that a container's process is put into.

    Attributes:
        directory: a new one for this start of the container, for files that are made for it.
        network: name of the pod's network namespace.
        hostname: the pod's.
        image: what runs.
        identity: as whom.
        binds: the pod's mounts, shorter paths first, and `/etc/hosts` and the like.
        environment: all variables, the image's too; the process that becomes the container is started with them.
        workdir: where the process starts.
    """

    directory: Path
    network: str
    hostname: str
    image: Image
    identity: Identity
    binds: tuple[Bind, ...]
    environment: Mapping[str, str]
    workdir: str

    def command(self, cage: Cage, words: list[str]) -> list[str]:
        """Make the container's own files, and return the command for `Cage.start` that becomes it."""
        self.directory.mkdir(parents=True)
        return [
            "bwrap",
            "--die-with-parent",
            "--unshare-pid",
            "--unshare-ipc",
            "--unshare-uts",
            "--unshare-cgroup-try",
            "--as-pid-1",
            "--hostname",
            self.hostname,
            *self._root(cage),
            "--chdir",
            self.workdir,
            "--",
            *self.identity.command(words),
        ]

    def _root(self, cage: Cage) -> list[str]:
        words = ["--ro-bind", "/usr", "/usr", "--proc", "/proc", "--dev", "/dev"]
        for name in _USR_LINKS:
            if Path("/", name).is_symlink():
                words += ["--symlink", f"usr/{name}", f"/{name}"]
        for name in _HOST_ETC:
            if Path("/etc", name).exists():
                words += _bind(Path("/etc", name), f"/etc/{name}", read_only=True)
        for path, mode in (("/tmp", "1777"), ("/var/tmp", "1777"), ("/run", "0755"), ("/root", "0700")):
            words += ["--perms", mode, "--dir", path]
        # The machine's own programs are none of the image's.
        words += ["--tmpfs", "/usr/local", "--dir", "/usr/local/bin", "--dir", "/usr/local/sbin"]
        words += self._image(cage)
        for bind in self.binds:
            words += _bind(bind.source, bind.target, read_only=bind.read_only)
        if self.identity.read_only_root:
            words += ["--remount-ro", "/usr/local", "--remount-ro", "/"]
        return words

    def _image(self, cage: Cage) -> list[str]:
        words: list[str] = []
        for at, tree in enumerate(self.image.trees):
            source = self._overlay(cage, at, tree.host) if tree.writable else tree.host
            words += _bind(source, tree.path, read_only=not tree.writable)
        for at, directory in enumerate(self.image.directories):
            own = self.directory / f"directory-{at}"
            own.mkdir()
            own.chmod(directory.mode)
            shutil.chown(own, directory.user, directory.group)
            words += _bind(own, directory.path, read_only=self.identity.read_only_root)
        texts = {**accounts(self.image), **self.image.files}
        for at, (path, text) in enumerate(texts.items()):
            file = self.directory / f"file-{at}"
            file.write_text(text)
            file.chmod(0o755 if text.startswith("#!") else 0o644)
            words += _bind(file, path, read_only=True)
        return words

    def _overlay(self, cage: Cage, at: int, lower: Path) -> Path:
        """Mount a copy of a directory to write into: each start of a container has the image's files as they were."""
        place = self.directory / f"overlay-{at}"
        upper, work, merged = (place / name for name in ("upper", "work", "merged"))
        for each in (upper, work, merged):
            each.mkdir(parents=True)
        upper.chmod(lower.stat().st_mode & 0o7777)
        cage.run(
            "mount", "-t", "overlay", "-o", f"lowerdir={lower},upperdir={upper},workdir={work}", "overlay", str(merged)
        )
        return merged


def _bind(source: Path, target: str, *, read_only: bool) -> list[str]:
    # bubblewrap makes missing parents for root alone; an image's are open to all.
    parents = [str(each) for each in reversed(Path(target).parents) if str(each) != "/"]
    words = [word for each in parents for word in ("--dir", each)]
    return [*words, "--ro-bind" if read_only else "--bind", str(source), target]


def accounts(image: Image) -> dict[str, str]:
    """Return `/etc/passwd` and what belongs to it."""
    users = {"root": (0, 0), **image.users, "nobody": (65534, 65534)}
    passwd = [
        f"{name}:x:{uid}:{gid}:{name}:{'/root' if uid == 0 else '/'}:/bin/sh" for name, (uid, gid) in users.items()
    ]
    return {
        "/etc/passwd": _text(passwd),
        "/etc/group": _text(f"{name}:x:{gid}:" for name, (_, gid) in {**users, "nogroup": users["nobody"]}.items()),
        "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    }


def full_environment(image: Image, given: Mapping[str, str], identity: Identity, hostname: str) -> dict[str, str]:
    """Return a container's whole environment: the runtime's, the image's, the pod's."""
    home = "/root" if identity.user == 0 else "/"
    return {"PATH": PATH, "HOSTNAME": hostname, "HOME": home, **image.env, **given}


def _text(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
