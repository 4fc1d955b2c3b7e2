"""The engine, the language host and the plugins: what a program's author sees."""

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from engine.support import KUBEFATE, Project, Result

from kubefate_pulumi.simulator import tools
from kubefate_pulumi.simulator.manager import Simulator

STACK = "trial"


@pytest.fixture
def trial(new_project: Callable[[], Project]) -> Project:
    made = new_project()
    made.stacks.mkdir()
    made.create(STACK)
    return made


def preview(project: Project, program: str, *words: str) -> Result:
    project.program(program)
    return project.run("preview", "--stack", STACK, *words)


def texts(result: Result, severity: str) -> list[str]:
    return [text for kind, text in result.events.diagnostics if kind == severity]


FACTS = """
import os, sys
import pulumi
import neighbour

config = pulumi.Config()
print("to stdout")
print("to stderr", file=sys.stderr)
pulumi.log.warn("careful")
facts = {
    "main": __name__, "argv": sys.argv, "cwd": os.getcwd(), "root": pulumi.get_root_directory(),
    "project": pulumi.get_project(), "stack": pulumi.get_stack(), "organization": pulumi.get_organization(),
    "dry": pulumi.runtime.is_dry_run(), "plain": config.require("plain"), "neighbour": neighbour.VALUE,
    "host": [path for path in sys.path if path.endswith("simulator")],
    "passed": os.environ["PASSED"],
}
pulumi.export("facts", facts)
pulumi.export("secret", config.require_secret("secret"))
"""


def test_a_program_sees_what_it_would_see_with_the_official_host(trial: Project) -> None:
    trial.write("program/neighbour.py", "VALUE = 7\n")
    trial.program(FACTS)
    trial.run("config", "set", "plain", "seen", "--stack", STACK, check=True)
    trial.run("config", "set", "secret", "hush", "--secret", "--stack", STACK, check=True)
    trial.environment["PASSED"] = "on"
    done = trial.up(STACK)
    assert {"to stdout", "to stderr"} <= set(texts(done, "info") + texts(done, "info#err"))
    assert "careful" in "".join(texts(done, "warning"))
    assert trial.outputs(STACK) == {
        "facts": {
            "main": "__main__",
            "argv": ["."],
            "cwd": str(trial.directory / "program"),
            "root": str(trial.directory),
            "project": "kubefate",
            "stack": STACK,
            "organization": "organization",
            "dry": False,
            "plain": "seen",
            "neighbour": 7,
            "host": [],
            "passed": "on",
        },
        "secret": "[secret]",
    }
    assert trial.outputs(STACK, secrets=True)["secret"] == "hush"
    assert "hush" not in json.dumps(trial.export(STACK))
    # The same process never serves two runs of a program: nothing may be left over from the first.
    planned = trial.preview_json(STACK)
    assert planned["changeSummary"] == {"same": 1}


IMPORT = "import pulumi\n"


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("raise pulumi.RunError('said plainly')", "said plainly"),
        ("pulumi.Config().require('absent')", "Missing required configuration variable 'kubefate:absent'"),
    ],
)
def test_an_error_for_the_user_has_no_traceback(trial: Project, program: str, message: str) -> None:
    done = preview(trial, IMPORT + program)
    assert done.code != 0
    assert message in done.events.errors
    assert "Traceback" not in done.stdout + done.stderr + done.events.errors


@pytest.mark.parametrize(
    ("program", "last"),
    [
        ("import neighbour; neighbour.fail()", "ValueError: from the neighbour"),
        ("pulumi.Output.from_input(1).apply(lambda _: 1 / 0)", "ZeroDivisionError: division by zero"),
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
    ],
)
def test_any_other_error_has_the_users_traceback_only(trial: Project, program: str, last: str) -> None:
    trial.write("program/neighbour.py", "def fail():\n    raise ValueError('from the neighbour')\n")
    done = preview(trial, IMPORT + program)
    assert done.code != 0
    error = done.events.errors
    assert error.startswith("Program failed with an unhandled exception:\nTraceback (most recent call last):")
    assert error.rstrip().endswith(last)
    assert str(trial.directory / "program") in error
    assert "language_exec" not in error
    assert "runpy" not in error
    assert "exit code" not in error


def test_an_exit_code_of_the_program_is_a_failure(trial: Project) -> None:
    done = preview(trial, IMPORT + "raise SystemExit(3)")
    assert done.code != 0
    assert "program exited with non-zero exit code: 3" in done.events.errors
    assert preview(trial, IMPORT).code == 0


def test_a_missing_program_is_named(trial: Project) -> None:
    (trial.directory / "program" / "__main__.py").unlink()
    done = trial.run("preview", "--stack", STACK)
    assert done.code != 0
    assert "unable to find main python program `__main__.py`" in done.events.errors


def test_debug_messages_show_when_asked_for(trial: Project) -> None:
    program = IMPORT + "pulumi.log.debug('very detailed')"
    assert "very detailed" not in preview(trial, program).stdout
    assert "very detailed" in preview(trial, program, "--debug").stdout


DYNAMIC = """
import pulumi
from pulumi import dynamic

class Provider(dynamic.ResourceProvider):
    def create(self, props):
        return dynamic.CreateResult("made", {**props, "twice": props["value"] * 2})

class Thing(dynamic.Resource):
    twice: pulumi.Output[int]

    def __init__(self, name):
        super().__init__(Provider(), name, {"value": 21, "twice": None})

pulumi.export("twice", Thing("thing").twice)
"""


def test_dynamic_providers_work(trial: Project) -> None:
    trial.program(DYNAMIC)
    trial.up(STACK)
    assert trial.outputs(STACK) == {"twice": 42}
    trial.destroy(STACK)


def test_an_engine_that_is_killed_leaves_no_program_behind(trial: Project, tmp_path: Path) -> None:
    started = tmp_path / "started"
    trial.program(f"import pathlib, time\npathlib.Path({str(started)!r}).write_text('x')\ntime.sleep(60)\n")
    process = trial.start("preview", "--stack", STACK)
    _wait(started.exists)
    programs = _running(str(trial.directory))
    assert programs, "the program's command line names its directory"
    process.kill()
    _wait(lambda: not _running(str(trial.directory)))


def test_tools_are_told_with_version_path_and_source(simulator: Simulator) -> None:
    done = subprocess.run([KUBEFATE, "tools", "--json"], capture_output=True, text=True, check=True)
    found: dict[str, dict[str, Any]] = {each["name"]: each for each in json.loads(done.stdout)["tools"]}
    assert set(found) == {
        "engine", "language host", "dynamic provider", "kubernetes plugin", "kubernetes", "etcd", "kwok"
    }  # fmt: skip
    assert all(Path(each["path"]).is_file() and each["version"] for each in found.values())
    assert found["kubernetes"]["version"] == tools.KUBERNETES_VERSION
    assert found["kubernetes plugin"]["version"] == tools.plugin_version()
    linked = simulator.home.kubernetes_plugin().resolve()
    assert linked == Path(found["kubernetes plugin"]["path"]).resolve()
    assert bool(simulator.home.stand_ins()) == (found["kubernetes plugin"]["source"] == "stand-in")


def _running(text: str) -> list[str]:
    lines = subprocess.run(["ps", "-ewwo", "pid,args"], capture_output=True, text=True, check=True).stdout.splitlines()
    return [line for line in lines if text in line and "exec" in line]


def _wait(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
