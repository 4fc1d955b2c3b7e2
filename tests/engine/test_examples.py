"""Each directory of `examples/`, and the project that `kubefate init` writes, deployed by the real engine."""

import json
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from engine.federation_rig import FederationRig, changed
from engine.sites import SiteClient
from engine.support import KUBEFATE, REPOSITORY, Project

EXAMPLES = REPOSITORY / "examples"


def take(project: Project, source: Path) -> None:
    """Let the project be exactly what is in a directory."""
    shutil.rmtree(project.directory)
    shutil.copytree(source, project.directory)


def test_every_example_has_a_test() -> None:
    assert {path.name for path in EXAMPLES.iterdir() if path.is_dir()} == {"own-program"}


def test_own_program(new_project: Callable[[], Project], site_client: Callable[[str], SiteClient]) -> None:
    ours, other = new_project(), new_project()
    take(ours, EXAMPLES / "own-program")
    take(other, EXAMPLES / "own-program")
    other.replace("__main__.py", "PARTY_ID = 9999", "PARTY_ID = 10000")
    other.replace("__main__.py", "peer-10000.json", "peer-9999.json")
    parties = {ours: "party-9999", other: "party-10000"}
    for project, site in parties.items():
        project.create("dev")
        project.run("config", "set", "context", site, "--stack", "dev", check=True)
        project.run("config", "set", "namespace", project.namespace(site), "--stack", "dev", check=True)
        project.up("dev")
    # Neither has the other's address yet, so nothing but the endpoint is there.
    assert not site_client("party-9999").apps.list_namespaced_deployment(ours.namespace("party-9999")).items
    ours.write("peer-10000.json", json.dumps(other.outputs("dev")["peer"]))
    made = ours.up("dev")
    assert changed(made.changes).keys() == {"create"}
    routes = site_client("party-9999").core.read_namespaced_config_map("nginx-routes", ours.namespace("party-9999"))
    host = other.outputs("dev")["peer"]["endpoint"]["host"]
    assert any(host in text for text in routes.data.values())
    ours.preview("dev", "--expect-no-changes")
    for project, site in parties.items():
        project.destroy("dev")
        names = {item.metadata.name for item in site_client(site).core.list_namespace().items}
        assert project.namespace(site) not in names


def test_what_init_writes_can_be_deployed(rig: FederationRig) -> None:
    project = rig.project
    shutil.rmtree(project.directory)
    project.directory = project.directory.with_name("a federation")
    project.stacks = project.directory / "stacks"
    command = [str(KUBEFATE), "init", str(project.directory)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert f"cd {shlex.quote(str(project.directory))}" in said
    # What its message asks for: name each unit's cluster.
    for file in [*project.stacks.glob("parties/*.yaml"), *project.stacks.glob("exchange.yaml")]:
        project.replace(str(file.relative_to(project.directory)), "    # context:", "    context:")
    project.own_namespaces()
    check = [str(KUBEFATE), "check"]
    checked = subprocess.run(check, cwd=project.directory, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert changed(project.up("federation").changes).keys() == {"create"}
    assert set(project.outputs("federation")["units"]) == {"exchange", "9999", "10000"}
    project.preview("federation", "--expect-no-changes")
