"""Projects that the real engine deploys to the shared simulated sites. Fixtures are in conftest.py."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from engine.steps import Events

from kubefate_pulumi.simulator.home import backend_url
from kubefate_pulumi.simulator.manager import Simulator

REPOSITORY = Path(__file__).resolve().parents[2]
KUBEFATE = Path(sys.executable).with_name("kubefate")
"""The command that people use."""
PROGRAM = "from kubefate_pulumi.program import run\n\nrun()\n"
TIMEOUT_SECONDS = 120
SOON = 60.0
"""Seconds in which what is waited for must be so."""
_ENDED_WITHIN = 10


@dataclass(frozen=True)
class Result:
    """One finished `pulumi` command."""

    code: int
    stdout: str
    stderr: str
    event_log: Path

    @cached_property
    def events(self) -> Events:
        """What the engine did; empty for commands other than up, preview, refresh and destroy."""
        return Events.read(self.event_log)

    @property
    def changes(self) -> dict[str, int]:
        """Number of resources by operation."""
        return self.events.changes


class Project:
    """A Pulumi project with stacks, plugins' home and backend of its own.

    Attributes:
        directory: where Pulumi.yaml is.
        stacks: the directory of the files that people write.
        suffix: ends the names of this project's namespaces, and of no other test's.
        environment: the variables of every command.
    """

    def __init__(self, simulator: Simulator, directory: Path, suffix: str) -> None:
        self.directory = directory / "project"
        self.stacks = self.directory / "stacks"
        self.suffix = suffix
        self.environment = engine_environment(simulator, directory)
        self._logs = directory / "events"
        self._logs.mkdir()
        self._started: list[subprocess.Popen[str]] = []
        self._count = 0
        self.write("Pulumi.yaml", _project_file())
        self.program(PROGRAM)

    def program(self, text: str) -> None:
        """Set the program."""
        self.write("program/__main__.py", text)

    def copy_stacks(self) -> None:
        """Take the files of the repository's `stacks/`, with namespaces of this project's own."""
        shutil.copytree(REPOSITORY / "stacks", self.stacks, dirs_exist_ok=True)
        self.own_namespaces()

    def own_namespaces(self) -> None:
        """Let the namespace in every unit's file end in the suffix; the default is `fate-<unit>-<suffix>`."""
        for file in [self.stacks / "exchange.yaml", *sorted(self.stacks.glob("parties/*.yaml"))]:
            if file.is_file():
                text = file.read_text(encoding="utf-8")
                found = re.search(r"^namespace: *(\S+)$", text, re.MULTILINE)
                name = found.group(1) if found else f"fate-{file.stem}"
                if not name.endswith(f"-{self.suffix}"):
                    line = f"namespace: {name}-{self.suffix}"
                    text = text.replace(found.group(0), line) if found else f"{text.rstrip()}\n{line}\n"
                    file.write_text(text, encoding="utf-8")

    def namespace(self, unit: str | int) -> str:
        """Return the name that `own_namespaces` gives to the namespace of a unit without one."""
        return f"fate-{unit}-{self.suffix}"

    def write(self, path: str, text: str) -> Path:
        """Write a file of the project, as `stacks/parties/9999.yaml`."""
        file = self.directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def replace(self, path: str, old: str, new: str) -> None:
        """Replace a text that must be in the file."""
        text = (self.directory / path).read_text(encoding="utf-8")
        assert old in text, f"{path} has no {old!r}"
        self.write(path, text.replace(old, new))

    def run(self, *words: str, check: bool = False, timeout: float = TIMEOUT_SECONDS) -> Result:
        """Run `pulumi WORDS` in the project to its end; at the time limit all of it is killed.

        Raises:
            AssertionError: `check` is set and the command failed.
            subprocess.TimeoutExpired: it took too long.
        """
        process = self.start(*words)
        try:
            stdout, stderr = process.communicate(timeout=timeout)
        except BaseException:
            end_session(process.pid)
            raise
        finally:
            self._started.remove(process)
        result = Result(process.returncode, stdout, stderr, self._log())
        assert not check or result.code == 0, f"pulumi {' '.join(words)}: {result.code}\n{stdout}\n{stderr}"
        return result

    def start(self, *words: str) -> "subprocess.Popen[str]":
        """Start `pulumi WORDS` in a session of its own; `events()` reads what it has done so far."""
        self._count += 1
        log = ["--event-log", str(self._log())] if words[0] in OPERATIONS else []
        process = subprocess.Popen(
            ["pulumi", *words, *log, "--non-interactive", "--color=never"],
            cwd=self.directory,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._started.append(process)
        return process

    def events(self) -> Events:
        """Return the events that the last command has logged until now."""
        return Events.read(self._log())

    def create(self, stack: str) -> None:
        """Make a stack, unless it exists; its settings file may exist already."""
        self.run("stack", "select", stack, "--create", check=True)

    def up(self, stack: str, *words: str, check: bool = True) -> Result:
        """Run `pulumi up`, making the stack first where it is new."""
        self.create(stack)
        return self.run("up", "--stack", stack, "--yes", "--skip-preview", *words, check=check)

    def preview(self, stack: str, *words: str, check: bool = True) -> Result:
        """Run `pulumi preview`, making the stack first where it is new."""
        self.create(stack)
        return self.run("preview", "--stack", stack, *words, check=check)

    def preview_json(self, stack: str) -> dict[str, Any]:
        """Return the document of `pulumi preview --json`."""
        found: dict[str, Any] = json.loads(self.preview(stack, "--json").stdout)
        return found

    def refresh(self, stack: str, *words: str, check: bool = True) -> Result:
        """Run `pulumi refresh`."""
        return self.run("refresh", "--stack", stack, "--yes", "--skip-preview", *words, check=check)

    def destroy(self, stack: str, *words: str, check: bool = True) -> Result:
        """Run `pulumi destroy`."""
        return self.run("destroy", "--stack", stack, "--yes", "--skip-preview", *words, check=check)

    def export(self, stack: str) -> dict[str, Any]:
        """Return the stack's state as it is stored: secrets are encrypted."""
        found: dict[str, Any] = json.loads(self.run("stack", "export", "--stack", stack, check=True).stdout)
        return found

    def outputs(self, stack: str, *, secrets: bool = False) -> dict[str, Any]:
        """Return the stack's outputs; secrets are shown as `[secret]` unless asked for."""
        words = ["--show-secrets"] if secrets else []
        found = self.run("stack", "output", "--json", "--stack", stack, *words, check=True)
        outputs: dict[str, Any] = json.loads(found.stdout)
        return outputs

    def end(self) -> None:
        """End whatever `start` started and is still there, with all its children."""
        for process in self._started:
            end_session(process.pid)
            process.communicate()
        self._started.clear()

    def _log(self) -> Path:
        return self._logs / f"{self._count}.json"


OPERATIONS = ("up", "preview", "refresh", "destroy")


def engine_environment(simulator: Simulator, directory: Path) -> dict[str, str]:
    """Return the environment of an engine whose home and stacks are in the directory; it makes both.

    The plugins are those of the simulator. What Pulumi and Kubernetes would take from the user's environment is left
    out.
    """
    given = simulator.environment()
    home, backend = directory / "pulumi-home", directory / "backend"
    (home / "plugins").mkdir(parents=True)
    backend.mkdir()
    for plugin in Path(given["PULUMI_HOME"], "plugins").iterdir():
        if plugin.is_dir():
            # The engine takes no link for a plugin's directory, but one for its program.
            (home / "plugins" / plugin.name).mkdir()
            for program in plugin.iterdir():
                (home / "plugins" / plugin.name / program.name).symlink_to(program)
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PULUMI_", "KUBE"))}
    return {
        **own,
        **given,
        "PULUMI_HOME": str(home),
        "PULUMI_BACKEND_URL": backend_url(backend),
        # Without it the engine does not know `--event-log`.
        "PULUMI_DEBUG_COMMANDS": "true",
    }


def wait_until(condition: Callable[[], Any], what: str) -> None:
    """Wait until the condition holds."""
    deadline = time.monotonic() + SOON
    while not condition():
        assert time.monotonic() < deadline, f"not so: {what}"
        time.sleep(0.1)


def end_session(leader: int) -> None:
    """Kill all processes of a session, also those whose parent has ended."""
    deadline = time.monotonic() + _ENDED_WITHIN
    while found := session_members(leader):
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        assert time.monotonic() < deadline, f"processes {found} cannot be killed"
        time.sleep(0.02)


def session_members(leader: int) -> list[int]:
    """Return the processes of a session that have not ended."""
    found = []
    for directory in Path("/proc").iterdir():
        if directory.name.isdigit():
            with contextlib.suppress(OSError):
                # After the name, which is in parentheses: state, parent, process group, session.
                fields = (directory / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
                if int(fields[3]) == leader and fields[0] not in "ZX":
                    found.append(int(directory.name))
    return found


def write_files(project: Project, files: Mapping[str, str]) -> None:
    """Write files of a project, path to text."""
    for path, text in files.items():
        project.write(path, text)


def _project_file() -> str:
    # Pulumi's own language host, where it is installed, looks for the environment; the simulator's has one.
    return (
        "name: kubefate\n"
        f"runtime: {{name: python, options: {{virtualenv: {json.dumps(sys.prefix)}}}}}\n"
        "main: program\n"
        "stackConfigDir: stacks\n"
    )
