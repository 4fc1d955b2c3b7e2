"""What was interrupted is completed by the next `up`, as docs/recovery.md says; nothing is lost or made twice."""

import base64
import json
import os
import signal
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from engine.federation_rig import TWO, FederationRig, changed
from engine.support import end_session

from kubefate_pulumi.simulator.manager import Simulator

ADOPT = {"PULUMI_K8S_UPSERT_EXISTING_OBJECTS": "true", "PULUMI_K8S_ENABLE_PATCH_FORCE": "true"}
"""What docs/recovery.md says: for one `up`, take over objects that were made but not recorded."""


def uids(rig: FederationRig) -> dict[tuple[str, str], str]:
    """Return the unique ids of everything with a fixed name that we made."""
    found = {}
    for unit, site in {"exchange": "exchange", **{str(party): site for party, site in TWO.items()}}.items():
        base = f"namespaces/{rig.project.namespace(unit)}"
        for path in ("api/v1/{}/configmaps", "api/v1/{}/services", "api/v1/{}/secrets", "apis/apps/v1/{}/statefulsets"):
            for item in rig.client(site).get("/" + path.format(base))["items"]:
                if item["metadata"]["name"] != "kube-root-ca.crt":
                    found[site, f"{path}/{item['metadata']['name']}"] = item["metadata"]["uid"]
    return found


def up_that_adopts(rig: FederationRig) -> None:
    rig.project.environment.update(ADOPT)
    rig.project.up("federation")
    for name in ADOPT:
        del rig.project.environment[name]
    # The providers remember how they were configured; without the two variables they are as before.
    settled = changed(rig.project.up("federation").changes)
    assert settled in ({}, {"update": 3})


@pytest.mark.parametrize("resources", [12, 70])
def test_the_engine_is_killed_in_the_middle(rig: FederationRig, resources: int) -> None:
    rig.federation(TWO)
    running = rig.up_until(resources)
    end_session(running.pid)
    rig.project.end()
    before = uids(rig)
    assert before or resources < 70, "there is nothing to compare"
    refused = rig.project.up("federation", check=False)
    assert refused.code != 0
    assert "locked" in refused.stdout + refused.stderr

    rig.project.run("cancel", "--stack", "federation", "--yes", check=True)
    up_that_adopts(rig)
    after = uids(rig)
    assert {key: after[key] for key in before} == before, "an object was made a second time"
    rig.project.preview("federation", "--expect-no-changes", "--diff")
    urns = [item["urn"] for item in rig.project.export("federation")["deployment"]["resources"]]
    assert len(urns) == len(set(urns))
    rig.project.refresh("federation", "--clear-pending-creates")
    assert not rig.project.export("federation")["deployment"].get("pending_operations")
    rig.project.preview("federation", "--expect-no-changes")


def test_a_site_goes_away_in_the_middle(rig: FederationRig, simulator: Simulator) -> None:
    """A site that is not reached: a clear error, the state is whole, and the next `up` completes."""
    away = f"away-{rig.project.suffix}"
    simulator.up([away])
    rig.federation({9999: "party-9999", 10000: away})
    running = rig.up_until(30)
    simulator.down([away], keep=True)
    out, err = running.communicate(timeout=120)
    assert running.returncode != 0, out
    assert "Traceback" not in out + err
    assert "unreachable" in out + err or "connection refused" in out + err
    # Nothing is lost: what is in the state is still there, and there is no lock left.
    assert rig.project.export("federation")["deployment"]["resources"]
    simulator.up([away])
    up_that_adopts(rig)
    rig.project.preview("federation", "--expect-no-changes", "--diff")
    assert changed(rig.project.up("federation").changes) == {}
    simulator.down([away])


def excerpts(texts: list[str], needle: str) -> list[tuple[int, str]]:
    """Return the surroundings of a needle in each text that holds it, by the number of the text."""
    found = [(number, text.find(needle), text) for number, text in enumerate(texts)]
    return [(number, text[max(0, at - 150) : at + 40]) for number, at, text in found if at >= 0]


def test_canaries_are_nowhere_in_clear(rig: FederationRig) -> None:
    """Plan, progress, events, logs and state of the real engine show no secret; the Secrets in the site hold them."""
    rig.federation(TWO)
    canaries = {name: f"canary-{name}-5b1d" for name in ("mysql-password", "mysql-root-password", "fateboard-password")}
    rig.project.create("federation")
    for name, value in canaries.items():
        words = ("config", "set", "--secret", f"9999-{name}", value, "--stack", "federation")
        rig.project.run(*words, check=True)
    shown = []
    for done in (
        rig.project.run("preview", "--stack", "federation", "--diff", check=True),
        rig.project.run("preview", "--stack", "federation", "--json", check=True),
        rig.project.run("up", "--stack", "federation", "--yes", "--diff", check=True),
        rig.project.run("stack", "export", "--stack", "federation", check=True),
        rig.project.run("stack", "output", "--stack", "federation", "--json", check=True),
    ):
        shown.append(done.stdout + done.stderr)
        # The SDK's debug messages hold what it sends; the engine shows them with --debug only.
        events = [event for event in done.events.all if event.get("diagnosticEvent", {}).get("severity") != "debug"]
        shown.append(json.dumps(events))
    for file in rig.project.directory.rglob("*.yaml"):
        shown.append(file.read_text(encoding="utf-8"))
    backend = Path(urlsplit(rig.project.environment["PULUMI_BACKEND_URL"]).path)
    shown += [file.read_text(encoding="utf-8") for file in backend.rglob("*.json*") if file.is_file()]
    assert [
        excerpt for needle in (*canaries.values(), "BEGIN PRIVATE KEY") for excerpt in excerpts(shown, needle)
    ] == []
    # The control: they are in use.
    secret = rig.client("party-9999").get(f"/api/v1/namespaces/{rig.project.namespace(9999)}/secrets/mysql-credentials")
    assert base64.b64decode(secret["data"]["password"]).decode() == canaries["mysql-password"]
    maps = rig.client("party-9999").get(f"/api/v1/namespaces/{rig.project.namespace(9999)}/configmaps")
    assert not any(value in json.dumps(maps) for value in canaries.values())
    assert (
        canaries["mysql-password"]
        in rig.project.run("config", "get", "9999-mysql-password", "--stack", "federation", check=True).stdout
    )


def test_ctrl_c_leaves_a_state_that_goes_on(rig: FederationRig) -> None:
    rig.federation(TWO)
    running = rig.up_until(20)
    os.killpg(running.pid, signal.SIGINT)
    running.communicate(timeout=60)
    assert running.returncode != 0
    rig.project.up("federation")
    rig.project.preview("federation", "--expect-no-changes")
