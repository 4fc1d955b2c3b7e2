"""Runs an image's program as a container: its files at its paths, its user, no capabilities, its own processes.

The network namespace is shared by the containers of one `Network` and by nothing else, so ports never collide.
Needs bubblewrap and, for the image's users and for namespaces, root.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from dataplane.kubelet.images import Image

PATIENCE = 120.0
"""Seconds until a wait is given up; only a failing test waits so long."""

LINKS = {"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64"}
ETC = ("alternatives", "ssl", "java-17-openjdk", "ld.so.cache", "protocols", "services")
PASSWD = "root:x:0:0::/root:/bin/bash\nmysql:x:999:999::/nonexistent:/bin/false\nnobody:x:65534:65534::/:/bin/false\n"
GROUP = "root:x:0:\nmysql:x:999:\nnogroup:x:65534:\n"


@dataclass
class Container:
    """One running program.

    Attributes:
        name: For messages.
        root: Directory of its layer and its log.
        process: The bubblewrap process; it ends with the program.
        pid: The program's, outside. It is process 1 inside.
        env: Its variables.
        user: Its user and group.
    """

    name: str
    root: Path
    process: subprocess.Popen[bytes]
    pid: int
    env: Mapping[str, str]
    user: tuple[int, int]

    @property
    def log_text(self) -> str:
        return (self.root / "log").read_text(errors="replace")

    def running(self) -> bool:
        return self.process.poll() is None

    def enter(self, command: Sequence[str], seconds: float = PATIENCE) -> subprocess.CompletedProcess[str]:
        """Run a command inside, as an exec probe does; its variables and user are the container's."""
        names = ["--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wd"]
        inside = ["nsenter", f"--target={self.pid}", *names, f"--setuid={self.user[0]}", f"--setgid={self.user[1]}"]
        return subprocess.run(
            [*inside, "--", *command], env=self.env, capture_output=True, text=True, timeout=seconds, check=False
        )

    def stop(self, grace: float = 0.0) -> int:
        """End it as a pod is ended: asked first, if there is a grace period, then killed; return its status."""
        if self.running() and grace:
            os.kill(self.pid, signal.SIGTERM)
            try:
                return self.process.wait(timeout=grace)
            except subprocess.TimeoutExpired:
                pass
        if self.running():
            os.kill(self.pid, signal.SIGKILL)
        return self.process.wait(timeout=PATIENCE)


@dataclass
class Network:
    """A network namespace with a loopback, and the names that its containers know.

    Attributes:
        root: Directory of the containers' files.
        holder: Process that keeps the namespace; it ends with its standard input, so with us.
        names: Host name to address.
    """

    root: Path
    holder: subprocess.Popen[bytes]
    names: dict[str, str] = field(default_factory=dict)
    containers: list[Container] = field(default_factory=list)

    def run(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Run a client in the namespace, outside of any container."""
        return subprocess.run([*self._enter(), *command], capture_output=True, text=True, timeout=PATIENCE, check=False)

    def popen(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        """Start a program of this machine in the namespace; who starts it ends it."""
        silent = subprocess.DEVNULL
        return subprocess.Popen([*self._enter(), *command], stdin=silent, stdout=silent, stderr=silent)

    def python(self, code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Python code in the namespace."""
        return self.run([sys.executable, "-c", code, *arguments])

    def http(self, url: str, *options: str) -> str:
        """Return an answer's status and body, as `200 text`, or the client's error."""
        command = ["curl", "--silent", "--show-error", "--max-time", "20", "--write-out", "\n%{http_code}"]
        done = self.run([*command, *options, url])
        body, _, code = done.stdout.rpartition("\n")
        return f"{code} {body}" if not done.returncode else f"failed {done.stderr}"

    def start(
        self,
        name: str,
        image: Image,
        *,
        command: Sequence[str] = (),
        args: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        files: Mapping[str, str] | None = None,
        volumes: Mapping[str, Path] | None = None,
        user: tuple[int, int] | None = None,
        host: str | None = None,
        address: str = "127.0.0.1",
    ) -> Container:
        """Start a container.

        Args:
            name: For messages and the directory.
            image: What it runs.
            command: The pod's; takes the place of the image's entrypoint and command.
            args: The pod's; takes the place of the image's command.
            env: Variables of the pod.
            files: Text at a path, read-only, group-readable: a ConfigMap's or Secret's key.
            volumes: Directory at a path, written to.
            user: Numbers of user and group; the image's by default.
            host: Its host name; the name by default.
            address: The pod's address: what it finds its host name to be.
        """
        root = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.root))
        root.chmod(0o755)
        user = user or image.ids()
        # Of two at one path the pod's counts; parents come before what is in them.
        mounts = _layer(root, image) | _files(root, files or {}, user)
        mounts |= {path: ["--bind", str(source)] for path, source in (volumes or {}).items()}
        program = [*(command or image.entrypoint), *(args or (() if command else image.cmd))]
        report, report_end = os.pipe()
        arguments = [
            *self._enter(),
            "bwrap",
            *_base(root, self.names | {host or name: address}),
            *(word for path, words in sorted(mounts.items()) for word in (*_parents(path), *words, path)),
            *("--hostname", host or name, "--chdir", image.workdir, "--info-fd", str(report_end)),
            *_as_user(user),
            *program,
        ]
        variables = {**image.env, **(env or {})}
        with (root / "log").open("wb") as log:
            process = subprocess.Popen(
                arguments,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=(report_end,),
                start_new_session=True,
            )
        os.close(report_end)
        with os.fdopen(report) as stream:
            text = stream.read()
        if not text:
            process.wait(timeout=PATIENCE)
            raise AssertionError(f"{name} did not start: {(root / 'log').read_text(errors='replace')}")
        container = Container(name, root, process, int(json.loads(text)["child-pid"]), variables, user)
        self.containers.append(container)
        return container

    def wait(self, what: str, done: Callable[[], bool], seconds: float = PATIENCE) -> None:
        """Wait until something is so; every container must live meanwhile."""
        end = time.monotonic() + seconds
        while not done():
            ended = [container for container in self.containers if not container.running()]
            if ended or time.monotonic() > end:
                logs = "\n".join(f"== {each.name}\n{each.log_text[-3000:]}" for each in ended or self.containers)
                raise AssertionError(f"{'ended' if ended else 'not'}: {what}\n{logs}")
            time.sleep(0.1)

    def remove(self, container: Container, grace: float = 0.0) -> int:
        """Stop a container and forget it."""
        self.containers.remove(container)
        return container.stop(grace)

    def _enter(self) -> list[str]:
        return ["nsenter", f"--target={self.holder.pid}", "--net", "--"]


@contextmanager
def network(names: Mapping[str, str] | None = None) -> Iterator[Network]:
    """Make a network; everything in it ends with it."""
    root = Path(tempfile.mkdtemp(prefix="kfp-"))
    root.chmod(0o755)
    # As container runtimes have it, low ports are nobody's privilege.
    low = "echo 0 > /proc/sys/net/ipv4/ip_unprivileged_port_start"
    script = f"ip link set lo up && {low} && echo ready && exec cat > /dev/null"
    holder = subprocess.Popen(
        ["unshare", "--net", "--", "sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    made = Network(root, holder, dict(names or {}))
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"ready\n", "no network namespace: are you root?"
        yield made
    finally:
        for container in made.containers:
            container.stop()
        holder.kill()
        holder.communicate()
        shutil.rmtree(root, ignore_errors=True)


def _base(root: Path, names: Mapping[str, str]) -> list[str]:
    words = ["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--as-pid-1", "--die-with-parent"]
    words += [
        "--ro-bind",
        "/usr",
        "/usr",
        "--tmpfs",
        "/usr/local",
        "--proc",
        "/proc",
        "--dev",
        "/dev",
        "--tmpfs",
        "/tmp",
        "--chmod",
        "1777",
        "/tmp",
    ]
    for name, target in LINKS.items():
        words += ["--symlink", target, f"/{name}"]
    words += ["--perms", "0755", "--dir", "/etc"]
    for name in ETC:
        words += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    hosts = "127.0.0.1 localhost\n" + "".join(f"{address} {name}\n" for name, address in names.items())
    texts = {"passwd": PASSWD, "group": GROUP, "hosts": hosts, "nsswitch.conf": "hosts: files\n"}
    for name, text in texts.items():
        (root / f"etc-{name}").write_text(text)
        words += ["--ro-bind", str(root / f"etc-{name}"), f"/etc/{name}"]
    return words


def _parents(path: str) -> list[str]:
    """Return the words that make the directories above a path; by itself bubblewrap lets root alone into them."""
    above = [str(parent) for parent in reversed(Path(path).parents)][1:]
    return [word for directory in above for word in ("--perms", "0755", "--dir", directory)]


def _layer(root: Path, image: Image) -> dict[str, list[str]]:
    """Return the mounts of an image's files, with fresh copies of what is written to."""
    mounts = {}
    for number, tree in enumerate(image.trees):
        source = tree.host
        if tree.writable:
            source = root / f"tree-{number}"
            shutil.copytree(tree.host, source)
        mounts[tree.path] = ["--bind" if tree.writable else "--ro-bind", str(source)]
    for number, directory in enumerate(image.directories):
        own = root / f"directory-{number}"
        own.mkdir()
        own.chmod(directory.mode)
        os.chown(own, directory.user, directory.group)
        mounts[directory.path] = ["--bind", str(own)]
    return mounts


def _files(root: Path, files: Mapping[str, str], user: tuple[int, int]) -> dict[str, list[str]]:
    mounts = {}
    for number, (path, text) in enumerate(files.items()):
        file = root / f"file-{number}"
        file.write_text(text)
        os.chown(file, 0, user[1])
        file.chmod(0o440)
        mounts[path] = ["--ro-bind", str(file)]
    return mounts


def _as_user(user: tuple[int, int]) -> list[str]:
    """Return the words that drop to the user, with no capability and none to gain."""
    keep = ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--cap-add", "CAP_SETPCAP"]
    drop = [f"--reuid={user[0]}", f"--regid={user[1]}", "--clear-groups"]
    return [*keep, "--", "setpriv", *drop, "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs", "--"]
