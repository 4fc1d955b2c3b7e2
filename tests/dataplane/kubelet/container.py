"""One running container: its process, its output, its end."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dataplane.kubelet.cage import PATH, Cage, descendants, wait_for
from dataplane.kubelet.sandbox import Sandbox

_START_SECONDS = 10.0
_KILL_SECONDS = 10.0
_CONTAINER_DEPTH = 3
"""Pid namespaces that a container's process is in: the machine's, the cage's, its own."""

_MAKERS = ("bwrap", "setpriv")


class Log:
    """What a container wrote, over all its restarts; one file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    @property
    def text(self) -> str:
        """Everything until now."""
        return self.path.read_text(errors="replace")

    def pipe(self, user: int, group: int) -> int:
        """Return the writing end of a pipe into the log; the caller closes it.

        As a container runtime does, it gives the pipe to the container's user, so that `/dev/stdout` can be opened.
        """
        reading, writing = os.pipe()
        os.fchown(writing, user, group)
        threading.Thread(target=self._copy, args=(reading,), daemon=True).start()
        return writing

    def _copy(self, reading: int) -> None:
        with os.fdopen(reading, "rb", buffering=0) as source, self.path.open("ab", buffering=0) as log:
            while chunk := source.read(65536):
                log.write(chunk)


@dataclass
class Running:
    """A started container.

    Attributes:
        sandbox: what it is in.
        process: the one that becomes the container, seen from this machine.
        started_at: when, on the monotonic clock.
    """

    cage: Cage
    sandbox: Sandbox
    process: "subprocess.Popen[bytes]"
    started_at: float = field(default_factory=time.monotonic)

    @classmethod
    def start(cls, cage: Cage, sandbox: Sandbox, words: list[str], log: Log) -> "Running":
        """Start a container; return when it runs its own program, or has ended already."""
        output = log.pipe(sandbox.identity.user, sandbox.identity.group)
        try:
            command = sandbox.command(cage, words)
            process = cage.start(command, sandbox.network, output, sandbox.environment)
        finally:
            os.close(output)
        running = cls(cage, sandbox, process)
        wait_for(lambda: running.exit_code() is not None or _begun(running.pid), _START_SECONDS, lambda: log.text)
        return running

    @property
    def pid(self) -> int:
        """The container's first process as this machine counts; 0 when there is none."""
        for pid in descendants(self.process.pid):
            numbers = _namespace_pids(pid)
            if len(numbers) >= _CONTAINER_DEPTH and numbers[-1] == 1:
                return pid
        return 0

    def exit_code(self) -> int | None:
        """Return the exit code, 128 and the number if a signal ended it; None while it runs."""
        code = self.process.poll()
        return code if code is None or code >= 0 else 128 - code

    def signal(self, number: int) -> None:
        """Send the container's first process a signal."""
        if pid := self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def end(self, seconds: float) -> bool:
        """Ask the container to end, and kill it when the time is over; tell whether it ended by itself."""
        self.signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=max(seconds, 0))
        except subprocess.TimeoutExpired:
            self.kill()
            return False
        return True

    def kill(self) -> None:
        """Kill the container with all its processes."""
        self.signal(signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=_KILL_SECONDS)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def execute(self, words: Sequence[str], seconds: float) -> tuple[int, str]:
        """Run a command in the container as its user; return exit code and output.

        A command that takes longer is killed: its code is 124, as with `timeout`.
        """
        pid = self.pid
        if not pid:
            return 126, "the container does not run"
        inside = [
            "nsenter",
            f"--target={pid}",
            *(f"--{kind}" for kind in ("mount", "pid", "net", "ipc", "uts")),
            f"--wdns={self.sandbox.workdir}",
            "--",
            *self.sandbox.identity.command(list(words)),
        ]
        process = subprocess.Popen(
            inside,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={"PATH": PATH, **self.sandbox.environment},
            start_new_session=True,
        )
        try:
            output, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return 124, f"took longer than {seconds:g} s"
        return process.returncode, output.decode(errors="replace")


def _begun(pid: int) -> bool:
    """Tell whether a container's first process has become what it is for."""
    try:
        return bool(pid) and Path(f"/proc/{pid}/comm").read_text().strip() not in _MAKERS
    except OSError:
        return False


def _namespace_pids(pid: int) -> list[int]:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return []
    return [int(number) for line in lines if line.startswith("NSpid:") for number in line.split()[1:]]
