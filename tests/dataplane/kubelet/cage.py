"""Where everything runs: a pid namespace and a mount namespace of the harness' own, and network namespaces in them.

The first process of the pid namespace reads a pipe that only the test process holds open. When the test process is
gone, however that came, the pipe ends, the first process ends, and the kernel kills all others; mounts and network
namespaces exist in that mount namespace only and go with it. So nothing is named on the machine, and nothing is left.
"""

import ctypes
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, TypeVar

from dataplane.kubelet.errors import KubeletError

Answer = TypeVar("Answer")
_CLONE_NEWNET = 0x40000000
_PATIENCE = 10.0
_SBIN = "/usr/sbin:/sbin:/usr/local/sbin"
PATH = f"{os.environ.get('PATH', '/usr/bin:/bin')}:{_SBIN}"
"""Where the programs are that the harness itself uses; Debian's users do not have the system's on their PATH."""

# The cage counts its own processes. `/run` is made empty: `ip netns` and memory volumes put things there.
_FIRST = """
set -e
mount -t proc proc /proc
mount -t tmpfs -o mode=755 kubelet /run
mkdir /run/netns
echo up
exec cat > /dev/null
"""


# Outlives the test process if that is killed, for as long as it takes to remove the directory.
_AROUND = 'unshare --pid --mount --propagation=private --fork --kill-child -- sh -c "$1"; rm -rf -- "$2"'


class Cage:
    """The namespaces of one harness, and its directory; `close` ends everything in them, and removes it.

    Attributes:
        directory: for files; a new one.
        first: the first process of the pid namespace, as this machine counts.
    """

    def __init__(self) -> None:
        if os.geteuid() != 0:
            raise KubeletError("the data-plane tests make namespaces and mounts: run them as root")
        self.directory = Path(tempfile.mkdtemp(prefix="kubelet-"))
        # Containers' users walk through it, and see what is theirs.
        self.directory.chmod(0o711)
        self._outer = subprocess.Popen(
            ["sh", "-c", _AROUND, "cage", _FIRST, str(self.directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"PATH": PATH},
            start_new_session=True,
        )
        assert self._outer.stdout is not None
        if self._outer.stdout.readline() != b"up\n":
            self.close()
            raise KubeletError("no namespaces of its own: does the kernel allow `unshare --pid --mount`?")
        (unshare,) = children(self._outer.pid)
        (self.first,) = children(unshare)

    def close(self) -> None:
        """End every process in the cage, and remove its directory."""
        assert self._outer.stdin is not None
        assert self._outer.stdout is not None
        self._outer.stdin.close()
        self._outer.stdout.close()
        try:
            self._outer.wait(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            # `--kill-child`: the first process goes with its parent.
            for unshare in children(self._outer.pid):
                os.kill(unshare, signal.SIGKILL)
            self._outer.wait()

    def command(self, words: Sequence[str], network: str | None = None) -> list[str]:
        """Return the command that runs a command in the cage, and in one of its network namespaces."""
        own = ["nsenter", f"--target={self.first}", "--pid", "--mount"]
        if network is not None:
            own.append(f"--net={self.network_file(network)}")
        return [*own, "--", *words]

    def run(self, *words: str, network: str | None = None, stdin: str = "") -> str:
        """Run a command in the cage to its end and return its output.

        Raises:
            KubeletError: it failed; the message is what it said.
        """
        done = subprocess.run(
            self.command(words, network),
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            env={"PATH": PATH},
            start_new_session=True,
        )
        if done.returncode:
            raise KubeletError(f"{' '.join(words)}: exit code {done.returncode}: {done.stderr.strip()}\n{stdin}")
        return done.stdout

    def start(
        self,
        words: Sequence[str],
        network: str | None = None,
        output: IO[bytes] | int = subprocess.DEVNULL,
        environment: Mapping[str, str] | None = None,
    ) -> "subprocess.Popen[bytes]":
        """Start a command in the cage; its output goes to a file, or nowhere."""
        return subprocess.Popen(
            self.command(words, network),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={"PATH": PATH} if environment is None else dict(environment),
            start_new_session=True,
        )

    def network_file(self, network: str) -> Path:
        """Return the file of a network namespace, as this process sees it."""
        return Path(f"/proc/{self.first}/root/run/netns/{network}")

    def path(self, path: Path) -> Path:
        """Return a path of the cage as this process sees it: memory file systems are mounted in the cage only."""
        return Path(f"/proc/{self.first}/root{path}")

    def within(self, network: str, call: Callable[[], Answer]) -> Answer:
        """Call something in a network namespace: what it connects to, it reaches from there.

        It runs in a thread of its own, as the namespace is a thread's. Names are still those of this machine: use
        addresses.
        """
        result: list[Answer] = []
        failure: list[BaseException] = []

        def body() -> None:
            try:
                enter(self.network_file(network))
                result.append(call())
            except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
                failure.append(error)

        thread = threading.Thread(target=body, name=f"in {network}", daemon=True)
        thread.start()
        thread.join()
        if failure:
            raise failure[0]
        return result[0]


def enter(network: Path) -> None:
    """Move the calling thread into a network namespace for good."""
    libc = ctypes.CDLL(None, use_errno=True)
    with network.open("rb") as file:
        if libc.setns(file.fileno(), _CLONE_NEWNET):
            number = ctypes.get_errno()
            raise OSError(number, f"{network}: {os.strerror(number)}")


def children(pid: int) -> list[int]:
    """Return the child processes of a process, none when it is gone."""
    found: list[int] = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    except OSError:
        return []
    return found


def descendants(pid: int) -> list[int]:
    """Return all processes below a process, parents first."""
    found = children(pid)
    for each in list(found):
        found += descendants(each)
    return found


def wait_for(done: Callable[[], bool], seconds: float, what: Callable[[], str]) -> None:
    """Poll until something holds.

    Raises:
        KubeletError: it did not in time; the message is what `what` says then.
    """
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise KubeletError(f"waited {seconds:g} s: {what()}")
        time.sleep(0.05)
