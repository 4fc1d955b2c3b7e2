"""One `pulumi up` for a whole federation: from nothing, again, with members that come, go and move, and away again."""

import json
import re
from itertools import chain
from typing import Any

from engine.federation_rig import TWO, FederationRig, changed
from plan.graph import reached

THREE = {**TWO, 9998: "party-10000"}
WORKLOADS = ("Deployment", "StatefulSet")


def addresses(rig: FederationRig) -> dict[str, str]:
    units = rig.project.outputs("federation")["units"]
    return {unit: about["host"] for unit, about in units.items()}


def holds(files: dict[str, str], address: str) -> bool:
    return any(re.search(rf"(?<![\d.]){re.escape(address)}(?![\d.])", text) for text in files.values())


def state_dependencies(state: dict[str, Any]) -> dict[str, set[str]]:
    return {
        item["urn"]: {
            *item.get("dependencies", ()),
            *chain.from_iterable(item.get("propertyDependencies", {}).values()),
        }
        for item in state["deployment"]["resources"]
    }


def steps_by_member(steps: dict[str, str], party: int) -> tuple[dict[str, str], dict[str, str]]:
    """Return the steps of one party, and all others without the stack's and the federation's own."""
    own = {name: op for name, op in steps.items() if name.startswith((f"party-{party}", f"{party}-"))}
    rest = {name: op for name, op in steps.items() if name not in own and not name.startswith("kubefate-")}
    return own, {name: op for name, op in rest.items() if name != "fraud"}


def test_from_nothing_to_a_federation_and_back(rig: FederationRig) -> None:
    rig.federation(TWO)
    before = rig.objects()
    assert changed(rig.project.up("federation").changes).keys() == {"create"}
    # One run from nothing, no address in any file: the exchange knows both parties, the parties the exchange.
    known = addresses(rig)
    assert len(set(known.values())) == 3
    assert not any(host in file.read_text() for host in known.values() for file in rig.project.stacks.rglob("*.yaml"))
    exchange = rig.routes("exchange", "exchange")
    assert holds(exchange, known["9999"])
    assert holds(exchange, known["10000"])
    for party, site in TWO.items():
        routes = rig.routes(site, party)
        assert holds(routes, known["exchange"])
        assert not holds(routes, known[str(next(other for other in TWO if other != party))])
    # The addresses are those that the sites gave.
    service = rig.client("party-9999").get(f"/api/v1/namespaces/{rig.project.namespace(9999)}/services/nginx-public")
    assert service["status"]["loadBalancer"]["ingress"][0]["ip"] == known["9999"]
    # Nothing to do a second time, neither from the state nor after a look at the sites.
    rig.project.preview("federation", "--expect-no-changes")
    rig.project.preview("federation", "--refresh", "--expect-no-changes")
    assert changed(rig.project.up("federation").changes) == {}
    # Away again, and nothing of ours is left on any site.
    assert rig.objects() - before
    rig.project.destroy("federation")
    assert rig.objects() - before == set()


def test_no_workload_of_one_unit_waits_for_another_unit_s(rig: FederationRig) -> None:
    rig.federation(TWO)
    rig.project.up("federation")
    edges = state_dependencies(rig.project.export("federation"))

    def unit_of(urn: str) -> str:
        return re.match(r"exchange|party-\d+", urn.rsplit("::", maxsplit=1)[-1])[0]  # type: ignore[index]

    workloads = {urn for urn in edges if urn.split("::")[2].rsplit(":", 1)[-1] in WORKLOADS}
    assert len(workloads) == 21
    foreign = {
        (urn, other) for urn in workloads for other in reached(edges, urn) & workloads if unit_of(urn) != unit_of(other)
    }
    assert foreign == set()
    # The control: routes do depend on the other units' public Services, so the edges are really there.
    routes = next(urn for urn in edges if urn.endswith("::exchange-nginx-routes"))
    assert {"party-9999-public-service", "party-10000-public-service"} <= {
        urn.split("::")[-1] for urn in reached(edges, routes)
    }


def test_a_third_party_joins_and_leaves(rig: FederationRig) -> None:
    rig.federation(TWO)
    rig.project.up("federation")
    rig.federation(THREE)
    newcomer, rest = steps_by_member(rig.steps(), 9998)
    assert set(newcomer.values()) == {"create"}
    routes = {f"{unit}-nginx-routes": "update" for unit in ("exchange", "party-9999", "party-10000")}
    # The one unit that calls the newcomer's address.
    routes["exchange-nginx-network"] = "update"
    assert rest == routes
    rig.project.up("federation")
    known = addresses(rig)
    assert holds(rig.routes("exchange", "exchange"), known["9998"])
    assert not holds(rig.routes("party-9999", 9999), known["9998"])

    rig.federation(TWO)
    leaver, rest = steps_by_member(rig.steps(), 9998)
    assert set(leaver.values()) == {"delete"}
    assert rest == routes
    rig.project.up("federation")
    assert not holds(rig.routes("exchange", "exchange"), known["9998"])


def test_a_changed_address_reaches_every_table_that_names_it_and_nothing_else(rig: FederationRig) -> None:
    rig.federation(TWO)
    rig.project.up("federation")
    old = addresses(rig)["9999"]
    status = {"status": {"loadBalancer": {"ingress": [{"ip": "198.51.100.77"}]}}}
    rig.client("party-9999").core.patch_namespaced_service_status("nginx-public", rig.project.namespace(9999), status)
    # Without a look at the sites nobody knows.
    rig.project.preview("federation", "--expect-no-changes")
    found = rig.project.up("federation", "--refresh")
    # The routes, and the policy that says where the exchange may go.
    assert {step.name for step in found.events.changed} == {"exchange-nginx-routes", "exchange-nginx-network"}
    assert changed(found.changes) == {"update": 2}, found.stdout
    assert holds(rig.routes("exchange", "exchange"), "198.51.100.77")
    assert not holds(rig.routes("exchange", "exchange"), old)
    assert not holds(rig.routes("party-10000", 10000), "198.51.100.77")
    rig.project.preview("federation", "--expect-no-changes")


def test_direct_topology_needs_no_exchange(rig: FederationRig) -> None:
    rig.federation(TWO, topology="direct")
    rig.project.up("federation")
    known = addresses(rig)
    assert set(known) == {"9999", "10000"}
    assert holds(rig.routes("party-9999", 9999), known["10000"])
    assert holds(rig.routes("party-10000", 10000), known["9999"])
    rig.project.preview("federation", "--expect-no-changes")


def test_each_organisation_deploys_its_own_stack(rig: FederationRig) -> None:
    rig.federation(TWO)
    (rig.project.stacks / "Pulumi.federation.yaml").unlink()
    stacks = {"exchange": "exchange", "party-9999": "9999", "party-10000": "10000"}
    for stack, unit in stacks.items():
        rig.stack_file(stack, [unit if unit == "exchange" else int(unit)])
    # Nobody has published anything: an error that says who must publish what, before anything is made.
    refused = rig.project.up("party-9999", check=False)
    text = refused.stdout + refused.stderr
    assert refused.code != 0
    assert "Traceback" not in text
    assert '"pulumi stack output peer -s party-10000 > stacks/peers/10000.yaml"' in text
    assert "endpoints_only" in text
    # The first round publishes the endpoints.
    for stack, unit in stacks.items():
        rig.stack_file(stack, [unit if unit == "exchange" else int(unit)], endpoints_only=True)
        rig.project.up(stack)
        rig.publish(stack, unit)
    # The second deploys the rest, in any order.
    for stack, unit in stacks.items():
        rig.stack_file(stack, [unit if unit == "exchange" else int(unit)])
        assert "delete" not in changed(rig.project.up(stack).changes)
    peers = {
        unit: json.loads((rig.project.stacks / f"peers/{unit}.yaml").read_text())["endpoint"]["host"]
        for unit in stacks.values()
    }
    assert holds(rig.routes("exchange", "exchange"), peers["9999"])
    assert holds(rig.routes("party-9999", 9999), peers["exchange"])
    for stack in stacks:
        rig.project.preview(stack, "--expect-no-changes")
        assert "PRIVATE KEY" not in json.dumps(rig.project.outputs(stack)["peer"])
