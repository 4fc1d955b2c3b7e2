"""Background processes, their pid files and the files around them."""

import os
import signal
import stat
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubefate_pulumi.simulator.files import write_private
from kubefate_pulumi.simulator.locks import exclusive
from kubefate_pulumi.simulator.ports import free_ports
from kubefate_pulumi.simulator.process import Process, stop

ENVIRONMENT = {"PATH": "/usr/bin:/bin"}


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    made = Process("part", tmp_path / "run", tmp_path / "logs")
    yield made
    stop([made], 0)


def test_a_process_is_started_once_and_ends_when_asked(process: Process) -> None:
    process.start(["sleep", "60"], ENVIRONMENT)
    first = process.pid()
    process.start(["sleep", "60"], ENVIRONMENT)
    assert first is not None
    assert process.pid() == first
    assert os.getsid(first) == first
    stop([process], 5)
    assert not process.running()
    assert process.pid() is None


def test_a_process_that_ignores_the_request_is_killed(process: Process) -> None:
    process.start(["/bin/sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 0.1; done"], ENVIRONMENT)
    deadline = time.monotonic() + 5
    while "deaf" not in process.log_tail():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    stop([process], 0.2)
    assert not process.running()


def test_a_pid_that_belongs_to_another_program_now_is_left_alone(process: Process) -> None:
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        process.pid_file.parent.mkdir()
        process.pid_file.write_text(f"{stranger.pid}\n")
        assert not process.running()
        process.signal(signal.SIGKILL)
        stop([process], 0)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_process_that_died_is_seen_and_can_be_started_again(process: Process) -> None:
    process.start(["/bin/sh", "-c", "echo last words; exit 3"], ENVIRONMENT)
    assert process.wait(5)
    assert process.log_tail() == "last words"
    process.start(["sleep", "60"], ENVIRONMENT)
    assert process.running()


def test_private_files_are_for_their_owner_and_are_replaced_whole(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "secret"
    write_private(file, "one")
    write_private(file, b"two")
    assert file.read_text() == "two"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [each.name for each in file.parent.iterdir()] == ["secret"]


def test_only_one_holds_the_lock(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    order: list[str] = []
    waits = threading.Event()

    def second() -> None:
        with exclusive(lock, waits.set):
            order.append("second")

    with exclusive(lock):
        thread = threading.Thread(target=second)
        thread.start()
        assert waits.wait(5)
        order.append("first")
    thread.join(5)
    assert order == ["first", "second"]


def test_free_ports_are_distinct() -> None:
    assert len(set(free_ports(20))) == 20
