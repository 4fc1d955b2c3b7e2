"""The engine tests' own tools: what they report is what happened."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pulumi
import pytest
from engine.inline import InlineStack
from engine.sites import SiteClient, Thing
from engine.steps import ops
from engine.support import Project, session_members
from kubernetes.client import V1Namespace, V1ObjectMeta
from pulumi_kubernetes import Provider
from pulumi_kubernetes.core.v1 import ConfigMap, Namespace

from kubefate_pulumi.simulator.manager import Simulator


def test_inline_stack_reports_steps_outputs_and_errors(
    simulator: Simulator, inline_stack: Callable[..., InlineStack], all_objects: Callable[..., set[Thing]], suffix: str
) -> None:
    before = all_objects("exchange", suffix)
    kubeconfig = str(simulator.merged_kubeconfig)
    data = {"key": "old"}

    def program() -> None:
        provider = Provider(
            "site", kubeconfig=kubeconfig, context="exchange", enable_config_map_mutable=True, cluster_identifier="x"
        )
        options = pulumi.ResourceOptions(provider=provider)
        namespace = Namespace("namespace", metadata={"name": f"inline-{suffix}"}, opts=options)
        ConfigMap("map", metadata={"name": "map", "namespace": namespace.metadata["name"]}, data=data, opts=options)
        pulumi.export("name", namespace.metadata["name"])

    stack = inline_stack(program)
    first = stack.up().check()
    assert first.outputs == {"name": f"inline-{suffix}"}
    assert ("create", "map") in ops(first.events.changed)
    made = all_objects("exchange", suffix) - before
    assert {"Namespace", "ConfigMap", "ServiceAccount"} <= {each.kind for each in made}

    assert stack.up().check().events.changed == []
    data["key"] = "new"
    step = stack.up().check().events.of("map")
    assert (step.op, step.detailed) == ("update", {"data.key": "update"})

    def broken() -> None:
        program()
        raise ValueError("this is broken")

    assert "this is broken" in (stack.up(broken).error or "")
    stack.destroy().check()
    assert all_objects("exchange", suffix) == before


def test_project_runs_the_engine(project: Project) -> None:
    project.program("import pulumi\npulumi.export('it', pulumi.Config().require('units'))\n")
    assert project.up("party-9999").changes == {"create": 1}
    assert project.outputs("party-9999") == {"it": "[9999]"}
    assert project.preview_json("party-9999")["changeSummary"] == {"same": 1}
    assert project.export("party-9999")["deployment"]["resources"][0]["type"] == "pulumi:pulumi:Stack"
    project.program("import pulumi\nraise pulumi.RunError('no such thing')\n")
    failed = project.up("party-9999", check=False)
    assert failed.code != 0
    # The second line is the engine's own, as with Pulumi's official language host.
    assert failed.events.errors.splitlines()[0] == "no such thing"
    assert "Traceback" not in failed.events.errors
    project.destroy("party-9999")


def test_project_ends_all_that_it_started(project: Project) -> None:
    project.program("import time, pathlib\npathlib.Path('started').touch()\ntime.sleep(600)\n")
    project.create("party-9999")
    engine = project.start("preview", "--stack", "party-9999")
    deadline = time.monotonic() + 30
    while not list(project.directory.rglob("started")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert len(session_members(engine.pid)) > 1
    with pytest.raises(subprocess.TimeoutExpired):
        engine.wait(0.1)
    project.end()
    assert session_members(engine.pid) == []


def test_namespaces_are_the_projects_own(project: Project, suffix: str) -> None:
    text = (project.stacks / "parties" / "9999.yaml").read_text(encoding="utf-8")
    assert f"\nnamespace: fate-9999-{suffix}\n" in text
    project.own_namespaces()
    assert (project.stacks / "parties" / "9999.yaml").read_text(encoding="utf-8") == text
    project.write("stacks/parties/10000.yaml", "namespace: ours\nsite: {kubernetes: {}}\n")
    project.own_namespaces()
    assert (
        Path(project.stacks, "parties", "10000.yaml")
        .read_text(encoding="utf-8")
        .startswith(f"namespace: ours-{suffix}\n")
    )


def test_listing_leaves_other_tests_out(site_client: Callable[[str], SiteClient], suffix: str) -> None:
    client = site_client("exchange")
    other = suffix[::-1] + "-other"
    client.core.create_namespace(V1Namespace(metadata=V1ObjectMeta(name=other)))
    try:
        assert other in {each.namespace or each.name for each in client.objects()}
        assert other not in {each.namespace or each.name for each in client.objects(within=f"x{suffix}")}
    finally:
        client.core.delete_namespace(other)


USER = """
import sys, time
from pathlib import Path
from engine.sites import kept_simulator
with kept_simulator(Path(sys.argv[1]), Path(sys.argv[2])) as simulator:
    simulator.up(["alpha"])
    print("up", flush=True)
    time.sleep(600)
"""


def test_sites_go_with_their_last_user_however_it_ends(tmp_path: Path) -> None:
    state, lock = tmp_path / "state", tmp_path / "lock"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    users = [
        subprocess.Popen([sys.executable, "-c", USER, str(state), str(lock)], stdout=subprocess.PIPE, env=environment)
        for _ in range(2)
    ]
    try:
        for user in users:
            assert user.stdout is not None
            assert user.stdout.readline() == b"up\n"
        keepers = [child for user in users for child in _keepers(user.pid)]
        assert len(keepers) == len(users)
        users[0].kill()
        users[0].wait()
        time.sleep(1)
        assert Simulator(state).status()["sites"][0]["ready"] is True, "the other user still has it"
        for keeper in keepers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(keeper, signal.SIGTERM)
    finally:
        for user in users:
            user.kill()
            user.communicate()
    try:
        deadline = time.monotonic() + 30
        while state.exists():
            assert time.monotonic() < deadline
            time.sleep(0.1)
    finally:
        Simulator(state).down()
    assert [pid for pid in keepers if _runs_in(pid, state)] == []


def _keepers(parent: int) -> list[int]:
    """Return the keepers among the processes that the process started."""
    command = ["ps", "-ww", "-o", "pid=", "-o", "args=", "--ppid", str(parent)]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    return [int(line.split()[0]) for line in found.stdout.splitlines() if "sys.stdin.read" in line]


def _runs_in(pid: int, state: Path) -> bool:
    try:
        return str(state).encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
