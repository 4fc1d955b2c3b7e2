"""Long-lived processes that outlive the command which started them.

A process holds an exclusive lock on its pid file, which it inherited from its starter. So whether it runs is
whether the lock is held, and a pid that the system has given to another program in the meantime is never taken
for it.
"""

import contextlib
import fcntl
import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path

from kubefate_pulumi.simulator.errors import SimulatorError

LOG_TAIL_LINES = 12


class Process:
    """One named background process with a pid file and a log file."""

    def __init__(self, name: str, run_directory: Path, log_directory: Path) -> None:
        self.name = name
        self.pid_file = run_directory / f"{name}.pid"
        self.log_file = log_directory / f"{name}.log"

    def start(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start the process in a session of its own; nothing happens when it runs already."""
        self.pid_file.parent.mkdir(parents=True, exist_ok=True)
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(self.pid_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            # Empty while locked means "starting": the pid of the one before must not be read as the new one's.
            os.ftruncate(lock, 0)
            with self.log_file.open("ab") as log:
                subprocess.Popen(
                    # The shell writes its pid, then becomes the program: should we be killed right here, the
                    # process can still be found.
                    ["/bin/sh", "-c", 'echo $$ >"$0"; exec "$@"', str(self.pid_file), *command],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=dict(environment),
                    start_new_session=True,
                    pass_fds=(lock,),
                )
        finally:
            os.close(lock)

    def running(self) -> bool:
        """Tell whether the process runs."""
        try:
            descriptor = os.open(self.pid_file, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        else:
            return False
        finally:
            os.close(descriptor)

    def pid(self) -> int | None:
        """Return the pid of the running process, or None when it does not run."""
        deadline = time.monotonic() + 5
        while self.running():
            text = self.pid_file.read_text(encoding="utf-8").strip()
            if text:
                return int(text)
            if time.monotonic() > deadline:
                raise SimulatorError(f"{self.pid_file} is locked by a process that never wrote its pid into it.")
            time.sleep(0.01)
        return None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process, if it runs."""
        pid = self.pid()
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def wait(self, seconds: float) -> bool:
        """Wait until the process has ended; return whether it has."""
        deadline = time.monotonic() + seconds
        while self.running():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def log_tail(self, lines: int = LOG_TAIL_LINES) -> str:
        """Return the last lines of the log."""
        try:
            with self.log_file.open(encoding="utf-8", errors="replace") as log:
                return "".join(deque(log, lines)).rstrip()
        except FileNotFoundError:
            return ""


def stop(processes: Sequence[Process], grace: float) -> None:
    """End the processes: all are asked at once, and what is left after `grace` seconds is killed."""
    for process in processes:
        process.signal(signal.SIGTERM)
    deadline = time.monotonic() + grace
    for process in processes:
        if not process.wait(max(0.0, deadline - time.monotonic())):
            process.signal(signal.SIGKILL)
            if not process.wait(5):
                raise SimulatorError(f"{process.name} (pid {process.pid()}) cannot be killed.")
