"""The network policies of a planned federation, decided for every pair of pods, against the flows that FATE needs."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import yaml
from dataplane.policies.evaluator import Cluster, all_pairs
from plan.programs import plan_of, write_federation
from plan.recorder import Plan, Registration

from kubefate_pulumi.fate import wire

NAMESPACES = ("fate-exchange", "fate-9999", "fate-10000")
SPARK_PORTS = {7100, 7199, 7200, 7299}
NEEDED = {
    ("python", "mysql"): {3306},
    ("python", "spark-master"): {7077},
    ("python", "spark-worker"): {7200, 7299},
    ("python", "namenode"): {9000},
    ("python", "datanode"): {9864, 9866},
    ("python", "pulsar"): {6650, 8080},
    ("python", "nginx"): {9300, 9310},
    ("spark-worker", "spark-master"): {7077},
    ("spark-worker", "python"): SPARK_PORTS,
    ("spark-worker", "spark-worker"): {7200, 7299},
    ("spark-worker", "namenode"): {9000},
    ("spark-worker", "datanode"): {9866},
    ("spark-worker", "pulsar"): {6650},
    ("spark-master", "spark-worker"): {7078},
    ("spark-master", "python"): {7100, 7199},
    ("datanode", "namenode"): {9000},
    ("datanode", "datanode"): {9866, 9867},
    ("fateboard", "python"): {9380},
    ("client", "python"): {9380},
    ("nginx", "python"): {9360, 9380},
    ("nginx", "pulsar"): {6651},
    ("nginx", "nginx"): {9443, 6651},
    ("pulsar", "nginx"): {6650},
}
"""Ports by caller and called, from the flow table of the version's specification and Spark's and Hadoop's own
documentation: written a second time here, since it is what `fate.wire` is checked against. A router reaches routers of
other namespaces, where units share a cluster."""
OUTSIDE = "203.0.113.9"


def pods(plan: Plan, namespace: str, addresses: Iterator[int]) -> Iterator[dict[str, Any]]:
    """Yield two pods of each workload, as its controller would make them."""
    for item in plan.objects(namespace):
        if item.kind in {"Deployment", "StatefulSet"}:
            template = item.inputs["spec"]["template"]
            for number in range(2):
                yield {
                    "apiVersion": "v1",
                    "kind": "Pod",
                    "metadata": {
                        **template["metadata"],
                        "name": f"{item.object_name}-{number}",
                        "namespace": namespace,
                    },
                    "spec": template["spec"],
                    "status": {"podIP": f"10.1.0.{next(addresses)}", "phase": "Running"},
                }


def manifest(item: Registration) -> dict[str, Any]:
    return dict(item.inputs)


def cluster_of(plan: Plan, *namespaces: str) -> Cluster:
    addresses = count(1)
    objects: list[dict[str, Any]] = []
    for namespace in namespaces:
        objects += pods(plan, namespace, addresses)
        objects += [manifest(i) for i in plan.objects(namespace) if i.kind in {"Namespace", "NetworkPolicy"}]
    return Cluster.of(objects)


def allowed(cluster: Cluster) -> dict[tuple[str, str, str, str], set[int]]:
    """Return the TCP ports that are open, by namespace and part of caller and called; both pods of a part agree."""
    found: dict[tuple[str, str, str, str], set[int]] = {}
    for flow in all_pairs(cluster):
        if flow.verdict and flow.protocol == "TCP" and flow.port != 53:
            source, end = flow.source, flow.destination
            assert not isinstance(source, str)
            assert not isinstance(end, str)
            key = (source.namespace, source.labels["fateMoudle"], end.namespace, end.labels["fateMoudle"])
            found.setdefault(key, set()).add(flow.port)
    return found


def needed(*namespaces: str) -> dict[tuple[str, str, str, str], set[int]]:
    inside = {
        (each, *pair, each): ports for each in namespaces for pair, ports in NEEDED.items() if each != "fate-exchange"
    }
    found = {(each, source, each, end): ports for (each, source, end, _), ports in inside.items()}
    for one in namespaces:
        for other in namespaces:
            found[one, "nginx", other, "nginx"] = {9443, 6651}
    return found


def test_in_one_cluster_exactly_the_needed_flows_are_open(repository_plan: Plan) -> None:
    cluster = cluster_of(repository_plan, *NAMESPACES)
    # Two pods of each of ten parts of two parties, and the exchange's.
    assert len(cluster.pods) == 42
    assert allowed(cluster) == needed(*NAMESPACES)


def test_nothing_but_routers_reaches_the_world_or_is_reached(repository_plan: Plan) -> None:
    cluster = cluster_of(repository_plan, *NAMESPACES)
    for flow in all_pairs(cluster, outside=[OUTSIDE]):
        if OUTSIDE in {flow.source, flow.destination} and flow.verdict:
            assert flow.source == OUTSIDE, flow
            assert not isinstance(flow.destination, str)
            assert flow.destination.labels["fateMoudle"] == "nginx", flow
            assert flow.port in {9443, 6651}, flow


def test_a_router_dials_its_next_hops_and_nobody_else(repository_plan: Plan) -> None:
    hosts = {unit: about["host"] for unit, about in repository_plan.outputs["units"].items()}
    dialled = {"fate-exchange": {"9999", "10000"}, "fate-9999": {"exchange"}, "fate-10000": {"exchange"}}
    cluster = cluster_of(repository_plan, *NAMESPACES)
    for namespace, units in dialled.items():
        router = cluster.pod(namespace, "nginx-0")
        for unit, host in hosts.items():
            for port in (9443, 6651):
                assert bool(cluster.verdict(router, host, "TCP", port)) == (unit in units), (namespace, unit)
            assert not cluster.verdict(router, host, "TCP", 443)
        assert not cluster.verdict(cluster.pod("fate-9999", "python-0"), hosts["exchange"], "TCP", 9443)


def test_every_pod_may_ask_the_resolver(repository_plan: Plan) -> None:
    cluster = cluster_of(repository_plan, *NAMESPACES)
    for pod in cluster.pods:
        for protocol in ("UDP", "TCP"):
            assert cluster.verdict(pod, "169.254.20.10", protocol, 53)
            assert not cluster.verdict(pod, OUTSIDE, protocol, 53)


def test_a_page_is_open_only_where_it_is_published(tmp_path: Path, repository_plan: Plan) -> None:
    shut = cluster_of(repository_plan, "fate-9999")
    plan = plan_of(write_federation(tmp_path, party={"ingress": {"fateboard_host": "board.example.org"}}))
    open_ = cluster_of(plan, "fate-9999")
    assert not shut.verdict(OUTSIDE, shut.pod("fate-9999", "fateboard-0"), "TCP", 8080)
    assert open_.verdict(OUTSIDE, open_.pod("fate-9999", "fateboard-0"), "TCP", 8080)
    assert not open_.verdict(OUTSIDE, open_.pod("fate-9999", "client-0"), "TCP", 20000)


def test_a_peer_that_has_a_name_is_reached_at_any_address(tmp_path: Path) -> None:
    file = write_federation(tmp_path, topology="direct") / "stacks/parties/10000.yaml"
    exposure = {"type": "NodePort", "address": "fate.example.org", "control_port": 30443, "data_port": 30651}
    file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), "exposure": exposure}))
    plan = plan_of(tmp_path)
    cluster = cluster_of(plan, "fate-9999", "fate-10000")
    router = cluster.pod("fate-9999", "nginx-0")
    assert cluster.verdict(router, OUTSIDE, "TCP", 30443)
    assert not cluster.verdict(router, OUTSIDE, "TCP", 9443)


@pytest.mark.parametrize("name", ["mysql", "python", "default-deny"])
def test_a_policy_that_is_missing_is_seen(repository_plan: Plan, name: str) -> None:
    """The control: without one policy the set of open flows is another one, or a stray pod is reachable."""
    addresses = count(1)
    objects = list(pods(repository_plan, "fate-9999", addresses))
    stray = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "stray", "namespace": "fate-9999", "labels": {}}}
    objects.append({**stray, "spec": {"containers": []}, "status": {"podIP": "10.1.0.200", "phase": "Running"}})
    for item in repository_plan.objects("fate-9999"):
        if item.kind in {"Namespace", "NetworkPolicy"} and (item.kind, item.object_name) != ("NetworkPolicy", name):
            objects.append(manifest(item))
    broken = Cluster.of(objects)
    stray_pod = broken.pod("fate-9999", "stray")
    to_stray = broken.verdict(OUTSIDE, stray_pod, "TCP", 80)
    reached = broken.verdict(OUTSIDE, broken.pod("fate-9999", "mysql-0"), "TCP", 3306)
    assert bool(to_stray) == (name == "default-deny")
    # The namespace's own policy stands in for one that is missing: it denies.
    assert not reached
    if name != "default-deny":
        flows = broken.verdict(broken.pod("fate-9999", "python-0"), broken.pod("fate-9999", "mysql-0"), "TCP", 3306)
        assert not flows


@pytest.mark.parametrize(("unit", "parts"), [("fate-9999", wire.PARTY), ("fate-exchange", wire.EXCHANGE)])
def test_what_pods_and_services_name_is_declared(
    repository_plan: Plan, unit: str, parts: tuple[wire.Part, ...]
) -> None:
    declared = {
        part.name: {n for each in part.listeners for n in range(each.port, (each.last_port or each.port) + 1)}
        for part in parts
    }
    for item in repository_plan.objects(unit):
        if item.kind in {"Deployment", "StatefulSet"}:
            containers = item.inputs["spec"]["template"]["spec"]["containers"]
            numbers = {port["containerPort"] for each in containers for port in each.get("ports", ())}
            part = item.object_name
        elif item.kind == "Service":
            numbers = {port["targetPort"] for port in item.inputs["spec"]["ports"]}
            part = item.inputs["spec"]["selector"]["fateMoudle"]
        else:
            continue
        # The chart's Service names the NameNode's port also at the DataNodes, where nothing listens.
        assert numbers - declared[part] <= ({9000} if part == "datanode" else set()), item.object_name
