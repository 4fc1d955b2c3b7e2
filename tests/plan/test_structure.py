"""How the units of one stack hang together: endpoints first, no workload waits for another unit, one router each."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from plan.graph import reached
from plan.programs import plan_of, write_federation
from plan.recorder import Plan, Registration

WORKLOADS = {"Deployment", "StatefulSet", "DaemonSet", "Job", "Pod"}
NAMESPACES = ("fate-exchange", "fate-9999", "fate-10000")


def waits_for(items: tuple[Registration, ...]) -> set[tuple[str, str]]:
    """Return pairs of workloads of different units of which the first waits for the second."""
    edges = {item.urn: item.dependencies for item in items}
    workloads = {item.urn: item for item in items if item.is_object and item.kind in WORKLOADS}
    return {
        (item.name, workloads[other].name)
        for urn, item in workloads.items()
        for other in reached(edges, urn) & workloads.keys()
        if workloads[other].namespace != item.namespace
    }


def test_no_workload_waits_for_another_unit_s_workload(repository_plan: Plan) -> None:
    assert waits_for(repository_plan.registrations) == set()


def test_a_workload_that_waits_for_another_unit_is_seen(repository_plan: Plan) -> None:
    mysql = repository_plan.object("fate-9999", "StatefulSet", "mysql")
    flow = repository_plan.object("fate-10000", "StatefulSet", "python")
    routes = repository_plan.object("fate-10000", "ConfigMap", "nginx-routes")
    changed = {
        flow.urn: replace(flow, dependencies=flow.dependencies | {routes.urn}),
        routes.urn: replace(routes, dependencies=routes.dependencies | {mysql.urn}),
    }
    items = tuple(changed.get(item.urn, item) for item in repository_plan.registrations)
    assert waits_for(items) == {("party-10000-python", "party-9999-mysql")}


def test_routes_hold_the_addresses_of_their_next_hops_only(repository_plan: Plan) -> None:
    addresses = {unit: about["host"] for unit, about in repository_plan.outputs["units"].items()}
    assert len(set(addresses.values())) == 3
    for unit, address in addresses.items():
        routes = repository_plan.object(f"fate-{unit}", "ConfigMap", "nginx-routes")
        named = {other for other, its in addresses.items() if re.search(rf"\b{re.escape(its)}\b", routes.visible)}
        assert named == ({"9999", "10000"} if unit == "exchange" else {"exchange"}), address


def test_in_direct_topology_peers_are_the_next_hops(tmp_path: Path) -> None:
    plan = plan_of(write_federation(tmp_path, topology="direct", parties=(1, 2, 3)))
    addresses = {unit: about["host"] for unit, about in plan.outputs["units"].items()}
    for unit in ("1", "2", "3"):
        text = plan.object(f"fate-{unit}", "ConfigMap", "nginx-routes").visible
        named = {other for other, its in addresses.items() if re.search(rf"\b{re.escape(its)}\b", text)}
        assert named == {"1", "2", "3"} - {unit}


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_every_object_is_under_its_own_site_s_provider(namespace: str, repository_plan: Plan) -> None:
    unit = namespace.removeprefix("fate-")
    providers = {item.provider.split("::")[3] for item in repository_plan.objects(namespace)}
    assert providers == {f"{unit}-site"}


def test_every_child_is_parented_and_named_after_its_unit(repository_plan: Plan) -> None:
    for item in repository_plan.registrations:
        if item.type.startswith("pulumi:providers:"):
            continue
        assert item.parent, item.urn
        if item.type != "kubefate:index:Federation":
            assert re.match(r"(exchange|party-\d+)(-|$)", item.name), item.urn


def test_tokens_are_ours(repository_plan: Plan) -> None:
    components = {item.type for item in repository_plan.registrations if not item.custom}
    assert all(re.fullmatch(r"kubefate:index:[A-Z][A-Za-z]+", token) for token in components)


def test_one_public_service_for_each_unit(repository_plan: Plan) -> None:
    public = [
        (item.namespace, item.object_name)
        for item in repository_plan.registrations
        if item.is_object and item.kind == "Service" and item.inputs["spec"]["type"] != "ClusterIP"
    ]
    assert sorted(public) == [("fate-10000", "nginx-public"), ("fate-9999", "nginx-public"), ("fate-exchange", "nginx")]


def test_pod_security(repository_plan: Plan) -> None:
    enforced = {
        item.object_name: item.inputs["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
        for item in repository_plan.registrations
        if item.is_object and item.kind == "Namespace"
    }
    assert enforced == {"fate-exchange": "restricted", "fate-9999": "baseline", "fate-10000": "baseline"}


def test_every_pod_has_the_least_rights(repository_plan: Plan) -> None:
    for item in repository_plan.registrations:
        if not item.is_object or item.kind not in WORKLOADS:
            continue
        pod = item.inputs["spec"]["template"]["spec"]
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in (*pod["containers"], *pod.get("initContainers", ())):
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert "limits" in container["resources"], item.name


def test_the_exchange_stays_up_while_a_node_is_drained(repository_plan: Plan) -> None:
    deployment = repository_plan.object("fate-exchange", "Deployment", "nginx").inputs["spec"]
    assert deployment["replicas"] == 2
    assert deployment["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
    budget = repository_plan.object("fate-exchange", "PodDisruptionBudget", "nginx").inputs["spec"]
    assert budget["maxUnavailable"] == 1
    assert budget["selector"]["matchLabels"] == deployment["selector"]["matchLabels"]


def test_a_plan_is_the_same_every_time(tmp_path: Path) -> None:
    root = write_federation(tmp_path)

    def shape(plan: Plan) -> set[tuple[str, frozenset[str]]]:
        return {(item.urn, item.dependencies) for item in plan.registrations}

    assert shape(plan_of(root)) == shape(plan_of(root))
