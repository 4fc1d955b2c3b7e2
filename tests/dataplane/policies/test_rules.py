"""What the examples of the documentation leave out, rule by rule of the API reference and the concept page."""

from typing import Any

import pytest
from dataplane.policies.evaluator import Cluster, all_pairs
from dataplane.policies.objects import ObjectError, Selector
from dataplane.policies.samples import Item, block, end_of, expression, labels, namespace, pod, policy, tcp

WEB_PORTS = [{"name": "http", "containerPort": 8080}, {"name": "dns", "containerPort": 53, "protocol": "UDP"}]
BASE = [
    namespace("default"),
    namespace("other"),
    pod("web", "10.1.0.1", ports=WEB_PORTS, app="web"),
    pod("client", "10.1.0.2", node="192.168.0.2", app="client"),
    pod("client", "10.1.1.1", namespace="other", app="client"),
    pod("agent", "192.168.0.2", node="192.168.0.2", host_network=True, app="client"),
]
FROM_ALL: list[Item] = [{"namespaceSelector": {}}]
LABELLED = {"app": "web", "tier": "front"}


def cluster_of(*policies: Item, **options: Any) -> Cluster:
    return Cluster.of([*BASE, *policies], **options)


def allowed(cluster: Cluster, source: str, destination: str, port: int = 8080, protocol: str = "TCP") -> bool:
    return cluster.verdict(end_of(cluster, source), end_of(cluster, destination), protocol, port).allowed


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ({}, True),
        (labels(app="web"), True),
        (labels(app="web", tier="back"), False),
        (expression("app", "In", "web", "db"), True),
        (expression("app", "In", "db"), False),
        (expression("zone", "In", "a"), False),
        (expression("app", "NotIn", "db"), True),
        (expression("app", "NotIn", "web", "db"), False),
        (expression("zone", "NotIn", "a"), True),
        (expression("app", "Exists"), True),
        (expression("zone", "Exists"), False),
        (expression("zone", "DoesNotExist"), True),
        (expression("app", "DoesNotExist"), False),
        ({**labels(app="web"), **expression("tier", "In", "front")}, True),
        ({**labels(app="web"), **expression("tier", "In", "back")}, False),
        ({**labels(app="db"), **expression("tier", "In", "front")}, False),
    ],
)
def test_a_selector_takes_labels_that_meet_all_of_it(selector: Item, expected: bool) -> None:
    assert Selector.of(selector, "here").matches(LABELLED) is expected


@pytest.mark.parametrize(
    ("spec", "ingress", "egress"),
    [
        # neither types nor rules: about ingress
        ({}, False, True),
        ({"ingress": [{}]}, True, True),
        # an egress rule makes it about egress too, and leaves ingress closed
        ({"egress": [{"ports": [tcp(1)]}]}, False, False),
        ({"egress": [{}]}, False, True),
        # an empty list of egress rules is no egress rule
        ({"egress": []}, False, True),
        ({"policyTypes": []}, False, True),
        # types decide: rules of the other direction have no effect
        ({"policyTypes": ["Egress"], "ingress": []}, True, False),
        ({"policyTypes": ["Egress"], "ingress": [{"ports": [tcp(1)]}], "egress": [{}]}, True, True),
        ({"policyTypes": ["Ingress"], "ingress": [{}], "egress": [{"ports": [tcp(1)]}]}, True, True),
        ({"policyTypes": ["Ingress", "Egress"]}, False, False),
        ({"policyTypes": ["Ingress", "Egress"], "ingress": [{"from": [], "ports": []}]}, True, False),
        ({"policyTypes": ["Ingress", "Egress"], "ingress": None, "egress": [{"to": None}]}, False, True),
    ],
)
def test_types_and_empty_lists(spec: Item, ingress: bool, egress: bool) -> None:
    cluster = cluster_of(policy("one", labels(app="web"), **spec))

    assert allowed(cluster, "other/client", "default/web") is ingress
    assert allowed(cluster, "default/web", "other/client") is egress


def test_a_policy_is_about_its_own_namespace() -> None:
    cluster = cluster_of(policy("deny", namespace="other"))

    assert allowed(cluster, "other/client", "default/web")
    assert not allowed(cluster, "default/web", "other/client")


@pytest.mark.parametrize(
    ("source", "taken"),
    [("default/client", True), ("other/client", True), ("192.0.2.1", False), ("default/agent", False)],
)
def test_an_empty_namespace_selector_takes_pods_only(source: str, taken: bool) -> None:
    cluster = cluster_of(policy("pods", labels(app="web"), ingress=[{"from": FROM_ALL}]))

    assert allowed(cluster, source, "default/web") is taken


@pytest.mark.parametrize(("source", "taken"), [("default/client", True), ("other/client", False)])
def test_an_empty_pod_selector_takes_its_own_namespace(source: str, taken: bool) -> None:
    cluster = cluster_of(policy("pods", labels(app="web"), ingress=[{"from": [{"podSelector": {}}]}]))

    assert allowed(cluster, source, "default/web") is taken


@pytest.mark.parametrize(
    ("port", "number", "protocol", "taken"),
    [
        (tcp("http"), 8080, "TCP", True),
        (tcp("http"), 8080, "UDP", False),
        (tcp("http"), 8081, "TCP", False),
        (tcp("other"), 8080, "TCP", False),
        (tcp("dns"), 53, "TCP", False),
        ({"protocol": "UDP", "port": "dns"}, 53, "UDP", True),
        ({"port": 8080}, 8080, "TCP", True),
        ({"port": 8080}, 8080, "UDP", False),
        ({"protocol": "SCTP"}, 1, "SCTP", True),
        ({"protocol": "SCTP"}, 65535, "SCTP", True),
        ({"protocol": "SCTP"}, 1, "TCP", False),
        ({"protocol": "SCTP", "port": 9000, "endPort": 9000}, 9000, "SCTP", True),
        ({"protocol": "SCTP", "port": 9000, "endPort": 9000}, 9001, "SCTP", False),
        ({}, 8080, "TCP", True),
        ({}, 53, "UDP", False),
    ],
)
def test_ports(port: Item, number: int, protocol: str, taken: bool) -> None:
    inward = cluster_of(policy("in", labels(app="web"), ingress=[{"ports": [port]}]))
    outward = cluster_of(policy("out", labels(app="client"), policyTypes=["Egress"], egress=[{"ports": [port]}]))

    assert allowed(inward, "default/client", "default/web", number, protocol) is taken
    assert allowed(outward, "default/client", "default/web", number, protocol) is taken


def test_a_named_port_is_the_destinations_and_nobodys_outside() -> None:
    cluster = cluster_of(policy("out", policyTypes=["Egress"], egress=[{"ports": [tcp("http")]}]))

    assert allowed(cluster, "default/client", "default/web")
    assert not allowed(cluster, "default/web", "default/client")
    assert not allowed(cluster, "default/client", "192.0.2.1")


def test_a_sidecar_names_ports_and_an_init_container_does_not() -> None:
    front = pod("front", "10.1.0.9")
    front["spec"]["initContainers"] = [
        {"name": "first", "ports": [{"name": "early", "containerPort": 1}]},
        {"name": "proxy", "restartPolicy": "Always", "ports": [{"name": "late", "containerPort": 2}]},
    ]
    cluster = Cluster.of([namespace("default"), front, policy("in", ingress=[{"ports": [tcp("early"), tcp("late")]}])])

    assert allowed(cluster, "192.0.2.1", "default/front", 2)
    assert not allowed(cluster, "192.0.2.1", "default/front", 1)


def test_each_rule_is_peers_and_ports_together() -> None:
    rules = [
        {"from": [{"podSelector": labels(app="client")}], "ports": [tcp(1)]},
        {"from": [block("192.0.2.0/24")], "ports": [tcp(2)]},
    ]
    cluster = cluster_of(policy("in", labels(app="web"), ingress=rules))
    said = {
        (source, port): allowed(cluster, source, "default/web", port)
        for source in ("default/client", "192.0.2.1")
        for port in (1, 2)
    }

    assert {key for key, may in said.items() if may} == {("default/client", 1), ("192.0.2.1", 2)}


def test_replies_need_no_rule() -> None:
    answers_only = policy("server", labels(app="web"), policyTypes=["Ingress", "Egress"], ingress=[{}])
    asks_only = policy("client", labels(app="client"), policyTypes=["Ingress", "Egress"], egress=[{}])
    cluster = cluster_of(answers_only, asks_only)

    for protocol in ("TCP", "UDP", "SCTP"):
        assert allowed(cluster, "default/client", "default/web", protocol=protocol)
        assert not allowed(cluster, "default/web", "default/client", protocol=protocol)


def test_both_sides_must_allow_and_both_are_named() -> None:
    cluster = cluster_of(policy("deny", policyTypes=["Ingress", "Egress"]), name="exchange")
    verdict = cluster.verdict(cluster.pod("default", "client"), cluster.pod("default", "web"), "TCP", 8080)

    assert not verdict
    assert "egress of exchange:default/client" in verdict.reason
    assert "ingress of exchange:default/web" in verdict.reason
    assert verdict.policies == ("exchange:default/deny",)


def test_a_pod_reaches_itself_and_its_node_and_the_node_reaches_it() -> None:
    cluster = cluster_of(policy("deny", policyTypes=["Ingress", "Egress"]))

    assert allowed(cluster, "default/client", "default/client")
    assert allowed(cluster, "default/client", "10.1.0.2")
    assert allowed(cluster, "192.168.0.2", "default/client")
    assert allowed(cluster, "default/client", "192.168.0.2")
    assert allowed(cluster, "default/agent", "default/client")
    assert not allowed(cluster, "192.168.0.3", "default/client")
    assert not allowed(cluster, "192.168.0.2", "default/web")
    assert not allowed(cluster, "default/client", "192.168.0.3")


def test_pods_in_the_network_of_a_node_are_the_node() -> None:
    deny = policy("deny", policyTypes=["Ingress", "Egress"])
    by_label = policy("label", labels(app="web"), ingress=[{"from": [{"podSelector": labels(app="client")}]}])
    by_address = policy("address", labels(app="web"), ingress=[{"from": [block("192.168.0.2/32")]}])

    assert allowed(cluster_of(deny), "default/agent", "192.0.2.1")
    assert allowed(cluster_of(deny), "192.0.2.1", "default/agent")
    assert not allowed(cluster_of(deny), "default/agent", "default/web")
    assert not allowed(cluster_of(by_label), "default/agent", "default/web")
    assert allowed(cluster_of(by_label), "default/client", "default/web")
    assert allowed(cluster_of(by_address), "default/agent", "default/web")
    assert "from 192.168.0.2" in cluster_of(by_label).verdict("192.168.0.2", "10.1.0.1", "TCP", 8080).reason
    assert not allowed(cluster_of(by_address), "default/client", "default/web")


def test_plugins_differ_on_the_addresses_of_pods() -> None:
    everyone = policy("block", labels(app="web"), ingress=[{"from": [block("0.0.0.0/0")]}])

    assert allowed(cluster_of(everyone), "default/client", "default/web")
    assert not allowed(cluster_of(everyone, pods_in_blocks=False), "default/client", "default/web")
    assert allowed(cluster_of(everyone, pods_in_blocks=False), "192.0.2.1", "default/web")
    assert not allowed(cluster_of(everyone), "2001:db8::1", "default/web")


def test_blocks_of_the_sixth_version() -> None:
    cluster = cluster_of(
        policy("in", labels(app="web"), ingress=[{"from": [block("2001:db8::/64", "2001:db8::1:0/112")]}])
    )

    assert allowed(cluster, "2001:db8::1", "default/web")
    assert not allowed(cluster, "2001:db8::1:1", "default/web")
    assert not allowed(cluster, "2001:db8:1::1", "default/web")


def test_the_address_of_a_pod_stands_for_it() -> None:
    cluster = cluster_of(policy("in", labels(app="web"), ingress=[{"from": FROM_ALL}]))

    assert allowed(cluster, "10.1.0.2", "10.1.0.1")
    assert not allowed(cluster, "10.1.0.3", "10.1.0.1")


def test_a_way_between_clusters_is_two_verdicts() -> None:
    inward = policy("in", ingress=[{"from": [block("198.51.100.1/32")], "ports": [tcp(8443)]}])
    outward = policy("out", policyTypes=["Egress"], egress=[{"to": [block("203.0.113.7/32")], "ports": [tcp(443)]}])
    near, far = cluster_of(outward, name="party-9999"), cluster_of(inward, name="exchange")
    out = near.verdict(near.pod("default", "web"), "203.0.113.7", "TCP", 443)
    arrived = far.verdict("198.51.100.1", far.pod("default", "web"), "TCP", 8443)
    strange = far.verdict("198.51.100.2", far.pod("default", "web"), "TCP", 8443)

    assert out & arrived
    assert (out & arrived).policies == ("party-9999:default/out", "exchange:default/in")
    assert out & strange == strange
    assert strange & out == strange
    with pytest.raises(ValueError, match="join the verdicts"):
        near.verdict(near.pod("default", "web"), far.pod("default", "web"), "TCP", 443)


def test_all_pairs_has_each_flow_once() -> None:
    cluster = cluster_of(policy("in", labels(app="web"), ingress=[{"from": FROM_ALL, "ports": [tcp(8080)]}]))
    flows = list(all_pairs(cluster, ports=[("TCP", 8080), ("TCP", 22)], outside=["192.0.2.1"]))
    seen = {(str(flow.source), str(flow.destination), flow.protocol, flow.port): flow.verdict.allowed for flow in flows}

    assert len(flows) == len(seen) == (4 * 3 + 2 * 4) * 2
    assert {key for key, may in seen.items() if key[1] == "default/web" and may} == {
        ("default/client", "default/web", "TCP", 8080),
        ("other/client", "default/web", "TCP", 8080),
    }
    assert seen["default/web", "192.0.2.1", "TCP", 22]


def test_the_ports_of_a_cluster_are_those_of_its_pods_and_rules() -> None:
    inward = policy("in", ingress=[{"ports": [tcp(4040, 4050), tcp("http"), {"protocol": "SCTP", "port": 9}]}])
    outward = policy("out", policyTypes=["Egress"], egress=[{"ports": [tcp(443)]}])

    assert cluster_of(inward, outward).ports == (
        ("SCTP", 9),
        ("TCP", 443),
        ("TCP", 4040),
        ("TCP", 4050),
        ("TCP", 8080),
        ("UDP", 53),
    )


def test_all_pairs_tries_the_ports_of_each_cluster() -> None:
    flows = list(all_pairs(cluster_of(name="a"), cluster_of(name="b")))

    assert {(flow.protocol, flow.port) for flow in flows} == {("TCP", 8080), ("UDP", 53)}
    assert len(flows) == 2 * 4 * 3 * 2
    with pytest.raises(ValueError, match="no port to try"):
        list(all_pairs(Cluster.of([namespace("default"), pod("one"), pod("two")])))


@pytest.mark.parametrize(
    ("source", "destination", "protocol", "port", "message"),
    [
        ("192.0.2.1", "192.0.2.2", "TCP", 1, "neither is a pod"),
        ("10.1.0.1", "192.0.2.2", "ICMP", 1, "policies decide"),
        ("10.1.0.1", "192.0.2.2", "TCP", 0, "policies decide"),
        ("10.1.0.1", "192.0.2.2", "TCP", 65536, "policies decide"),
        ("10.1.0.1", "example.com", "TCP", 1, "does not appear to be"),
        ("10.1.0.1", "10.96.0.10", "TCP", 53, "Service's cluster address"),
        ("10.1.0.1", "fd00::10", "TCP", 53, "Service's cluster address"),
    ],
)
def test_what_policies_do_not_decide(source: str, destination: str, protocol: str, port: int, message: str) -> None:
    service = {"kind": "Service", "spec": {"clusterIP": "10.96.0.10", "clusterIPs": ["10.96.0.10", "fd00::10"]}}
    headless = {"kind": "Service", "spec": {"clusterIP": "None"}}
    cluster = cluster_of(service, headless)

    with pytest.raises(ValueError, match=message):
        cluster.verdict(source, destination, protocol, port)


def test_a_pod_that_is_not_there() -> None:
    with pytest.raises(KeyError, match="no such pod"):
        cluster_of().pod("default", "nobody")


def test_two_policies_of_one_name() -> None:
    with pytest.raises(ObjectError, match="twice among"):
        cluster_of(policy("one"), policy("one"))


def ingress(*peers: Item, **rule: Any) -> Item:
    return policy("bad", ingress=[{"from": list(peers), **rule}])


BAD = [
    (ingress({}), "a peer is empty"),
    (ingress({**block("10.0.0.0/8"), "podSelector": {}}), "not both"),
    (ingress({"pod_selector": {}}), "unknown field pod_selector"),
    (ingress({"podSelector": {"app": "web"}}), "unknown field app"),
    (ingress({"podSelector": expression("a", "in", "b")}), "'in' is none of"),
    (ingress({"podSelector": expression("a", "In")}), "In and NotIn have some"),
    (ingress({"podSelector": expression("a", "Exists", "b")}), "In and NotIn have some"),
    (ingress(block("10.0.0.1/8")), "host bits"),
    (ingress({"ipBlock": {"except": []}}), "cidr"),
    (ingress(block("10.0.0.0/8", "11.0.0.0/16")), "not a part of"),
    (ingress(block("10.0.0.0/8", "10.0.0.0/8")), "not a part of"),
    (ingress(block("10.0.0.0/8", "2001:db8::/64")), "not a part of"),
    (ingress(to=[]), "unknown field to"),
    (ingress(ports=[{"port": 90, "endPort": 80}]), "not less"),
    (ingress(ports=[{"port": "http", "endPort": 80}]), "not less"),
    (ingress(ports=[{"endPort": 80}]), "not less"),
    (ingress(ports=[{"port": 0}]), "port 0 to 0"),
    (ingress(ports=[{"port": "80"}]), "port '80'"),
    (ingress(ports=[{"protocol": "tcp"}]), "'tcp' is none of"),
    (policy("bad", policyTypes=["ingress"]), "'ingress' is none of"),
    (policy("bad", policy_types=["Ingress"]), "unknown field policy_types"),
    (policy("bad", namespace="nowhere"), "Namespace is not among"),
    (policy("bad", namespace=""), "no namespace"),
    (pod("client"), "twice among"),
    ({**policy("bad"), "spec": None}, "a mapping of"),
    ({**policy("bad"), "apiVersion": "crd.projectcalico.org/v1"}, "decides too"),
    ({**policy("bad"), "kind": "AdminNetworkPolicy"}, "decides too"),
    ({"metadata": {"name": "bad"}}, "without kind"),
]


@pytest.mark.parametrize(("item", "message"), BAD)
def test_what_an_api_server_would_refuse_is_no_verdict(item: Item, message: str) -> None:
    with pytest.raises(ObjectError, match=message):
        cluster_of(item)
