"""The evaluator against the examples of the Kubernetes documentation, "Network Policies".

Each example is the policy of the documentation, with what the documentation says that it allows and what follows that
it denies; and with a control: one thing of the policy changed, and the verdict turns.
"""

from copy import deepcopy
from typing import Any

import pytest
from dataplane.policies.evaluator import Cluster, Verdict
from dataplane.policies.samples import Item, block, end_of, expression, labels, namespace, pod, policy, tcp

PODS = [
    namespace("default"),
    namespace("other"),
    namespace("mine", project="myproject", user="alice"),
    namespace("frontend", namespace="frontend"),
    namespace("backend", namespace="backend"),
    pod("db", "10.1.0.1", role="db"),
    pod("web", "10.1.0.2", role="frontend"),
    pod("batch", "10.1.0.3", role="batch"),
    pod("app", "10.1.0.4", app="myapp"),
    pod("client", "10.1.0.5", role="client"),
    pod("web", "10.1.1.1", namespace="other", role="frontend"),
    pod("client", "10.1.1.2", namespace="other", role="client"),
    pod("job", "10.1.2.1", namespace="mine", role="batch"),
    pod("client", "10.1.2.2", namespace="mine", role="client"),
    pod("web", "10.1.3.1", namespace="frontend"),
    pod("api", "10.1.4.1", namespace="backend"),
]
BIG = policy(
    "test-network-policy",
    labels(role="db"),
    policyTypes=["Ingress", "Egress"],
    ingress=[
        {
            "from": [
                block("172.17.0.0/16", "172.17.1.0/24"),
                {"namespaceSelector": labels(project="myproject")},
                {"podSelector": labels(role="frontend")},
            ],
            "ports": [tcp(6379)],
        }
    ],
    egress=[{"to": [block("10.0.0.0/24")], "ports": [tcp(5978)]}],
)
DENY_INGRESS = policy("default-deny-ingress", policyTypes=["Ingress"])
ALLOW_INGRESS = policy("allow-all-ingress", ingress=[{}], policyTypes=["Ingress"])
DENY_EGRESS = policy("default-deny-egress", policyTypes=["Egress"])
ALLOW_EGRESS = policy("allow-all-egress", egress=[{}], policyTypes=["Egress"])
DENY_ALL = policy("default-deny-all", policyTypes=["Ingress", "Egress"])
RANGE = policy(
    "multi-port-egress",
    labels(role="db"),
    policyTypes=["Egress"],
    egress=[{"to": [block("10.0.0.0/24")], "ports": [tcp(32000, 32768)]}],
)
USER, ROLE = {"namespaceSelector": labels(user="alice")}, {"podSelector": labels(role="client")}
ONE_ELEMENT = policy("one", labels(role="db"), ingress=[{"from": [{**USER, **ROLE}]}])
TWO_ELEMENTS = policy("two", labels(role="db"), ingress=[{"from": [USER, ROLE]}])
NAMESPACES = policy(
    "egress-namespaces",
    labels(app="myapp"),
    policyTypes=["Egress"],
    egress=[{"to": [{"namespaceSelector": expression("namespace", "In", "frontend", "backend")}]}],
)
BY_NAME = policy(
    "by-name",
    labels(role="db"),
    ingress=[{"from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "other"}}}]}],
)

CASES = [
    # the big example, ingress: three kinds of sources, one port
    ([BIG], "default/web -> default/db TCP 6379", True),
    ([BIG], "mine/job -> default/db TCP 6379", True),
    ([BIG], "172.17.0.255 -> default/db TCP 6379", True),
    ([BIG], "172.17.2.0 -> default/db TCP 6379", True),
    ([BIG], "172.17.1.0 -> default/db TCP 6379", False),
    ([BIG], "172.17.1.255 -> default/db TCP 6379", False),
    ([BIG], "172.18.0.0 -> default/db TCP 6379", False),
    ([BIG], "default/batch -> default/db TCP 6379", False),
    ([BIG], "other/web -> default/db TCP 6379", False),
    ([BIG], "default/web -> default/db TCP 6380", False),
    ([BIG], "default/web -> default/db UDP 6379", False),
    # the big example, egress
    ([BIG], "default/db -> 10.0.0.255 TCP 5978", True),
    ([BIG], "default/db -> 10.0.1.0 TCP 5978", False),
    ([BIG], "default/db -> 10.0.0.1 TCP 5979", False),
    ([BIG], "default/db -> default/web TCP 5978", False),
    # pods that it does not select stay open
    ([BIG], "default/batch -> default/web TCP 1", True),
    # the default policies
    ([DENY_INGRESS], "default/web -> default/db TCP 80", False),
    ([DENY_INGRESS], "192.0.2.1 -> default/db TCP 80", False),
    ([DENY_INGRESS], "default/db -> 192.0.2.1 TCP 80", True),
    ([DENY_INGRESS], "default/db -> other/web TCP 80", True),
    ([ALLOW_INGRESS], "other/web -> default/db UDP 80", True),
    ([ALLOW_INGRESS, DENY_EGRESS], "default/web -> default/db TCP 80", False),
    ([ALLOW_INGRESS, DENY_INGRESS], "192.0.2.1 -> default/db SCTP 80", True),
    ([DENY_EGRESS], "default/db -> 192.0.2.1 TCP 80", False),
    ([DENY_EGRESS], "default/db -> default/web UDP 53", False),
    ([DENY_EGRESS], "other/web -> default/db TCP 80", True),
    ([ALLOW_EGRESS], "default/db -> 192.0.2.1 SCTP 80", True),
    ([ALLOW_EGRESS, DENY_EGRESS], "default/db -> other/web TCP 80", True),
    ([ALLOW_EGRESS, DENY_INGRESS], "default/db -> default/web TCP 80", False),
    ([DENY_ALL], "other/web -> default/db TCP 80", False),
    ([DENY_ALL], "default/db -> other/web TCP 80", False),
    ([DENY_ALL], "other/web -> mine/job TCP 80", True),
    # a range of ports, both ends in it
    ([RANGE], "default/db -> 10.0.0.1 TCP 31999", False),
    ([RANGE], "default/db -> 10.0.0.1 TCP 32000", True),
    ([RANGE], "default/db -> 10.0.0.1 TCP 32500", True),
    ([RANGE], "default/db -> 10.0.0.1 TCP 32768", True),
    ([RANGE], "default/db -> 10.0.0.1 TCP 32769", False),
    ([RANGE], "default/db -> 10.0.0.1 UDP 32500", False),
    # one element of `from`: both selectors at once
    ([ONE_ELEMENT], "mine/client -> default/db TCP 80", True),
    ([ONE_ELEMENT], "mine/job -> default/db TCP 80", False),
    ([ONE_ELEMENT], "default/client -> default/db TCP 80", False),
    ([ONE_ELEMENT], "other/client -> default/db TCP 80", False),
    # two elements: either, and the pod selector is about the policy's own namespace
    ([TWO_ELEMENTS], "mine/client -> default/db TCP 80", True),
    ([TWO_ELEMENTS], "mine/job -> default/db TCP 80", True),
    ([TWO_ELEMENTS], "default/client -> default/db TCP 80", True),
    ([TWO_ELEMENTS], "other/client -> default/db TCP 80", False),
    ([TWO_ELEMENTS], "default/web -> default/db TCP 80", False),
    # several namespaces by their labels
    ([NAMESPACES], "default/app -> frontend/web TCP 80", True),
    ([NAMESPACES], "default/app -> backend/api TCP 80", True),
    ([NAMESPACES], "default/app -> other/web TCP 80", False),
    ([NAMESPACES], "default/app -> 192.0.2.1 TCP 80", False),
    # one namespace by the label that holds its name
    ([BY_NAME], "other/web -> default/db TCP 80", True),
    ([BY_NAME], "default/web -> default/db TCP 80", False),
]

CONTROLS: list[tuple[Item, list[str | int], Any, str]] = [
    # policy, path of the thing in its spec, what stands there instead, a connection whose verdict turns
    (BIG, ["podSelector", "matchLabels", "role"], "batch", "other/web -> default/db TCP 6379"),
    (BIG, ["policyTypes"], ["Egress"], "default/batch -> default/db TCP 6379"),
    (BIG, ["policyTypes"], ["Ingress"], "default/db -> 10.0.1.0 TCP 5978"),
    (BIG, ["ingress"], [], "default/web -> default/db TCP 6379"),
    (BIG, ["ingress", 0, "from"], [], "default/batch -> default/db TCP 6379"),
    (BIG, ["ingress", 0, "ports"], [], "default/web -> default/db SCTP 1"),
    (BIG, ["ingress", 0, "ports", 0, "protocol"], "UDP", "default/web -> default/db UDP 6379"),
    (BIG, ["ingress", 0, "ports", 0, "port"], 6380, "default/web -> default/db TCP 6379"),
    (BIG, ["ingress", 0, "from", 0, "ipBlock", "except"], [], "172.17.1.9 -> default/db TCP 6379"),
    (BIG, ["ingress", 0, "from", 0, "ipBlock", "cidr"], "172.16.0.0/15", "172.16.0.1 -> default/db TCP 6379"),
    (BIG, ["ingress", 0, "from", 1, "namespaceSelector"], labels(a="b"), "mine/job -> default/db TCP 6379"),
    (BIG, ["ingress", 0, "from", 1, "namespaceSelector"], {}, "other/web -> default/db TCP 6379"),
    (BIG, ["ingress", 0, "from", 2, "podSelector"], labels(role="batch"), "default/web -> default/db TCP 6379"),
    (BIG, ["ingress", 0, "from", 2, "podSelector"], {}, "default/batch -> default/db TCP 6379"),
    (BIG, ["egress", 0, "to"], [], "default/db -> default/web TCP 5978"),
    (BIG, ["egress"], [], "default/db -> 10.0.0.1 TCP 5978"),
    (DENY_INGRESS, ["ingress"], [{}], "default/web -> default/db TCP 80"),
    (DENY_EGRESS, ["egress"], [{}], "default/db -> 192.0.2.1 TCP 80"),
    (RANGE, ["egress", 0, "ports", 0, "endPort"], None, "default/db -> 10.0.0.1 TCP 32768"),
    (ONE_ELEMENT, ["ingress", 0, "from"], [USER, ROLE], "mine/job -> default/db TCP 80"),
    (
        NAMESPACES,
        ["egress", 0, "to", 0, "namespaceSelector", "matchExpressions", 0, "operator"],
        "NotIn",
        "default/app -> frontend/web TCP 80",
    ),
]


def decide(objects: list[Item], connection: str) -> Verdict:
    cluster = Cluster.of(objects)
    source, destination, protocol, port = connection.replace("->", "").split()
    return cluster.verdict(end_of(cluster, source), end_of(cluster, destination), protocol, int(port))


@pytest.mark.parametrize(("policies", "connection", "allowed"), CASES)
def test_example(policies: list[Item], connection: str, allowed: bool) -> None:
    verdict = decide([*PODS, *policies], connection)

    assert verdict.allowed is allowed, verdict.reason


@pytest.mark.parametrize("examples", [[example] for example in (BIG, RANGE, ONE_ELEMENT, NAMESPACES, BY_NAME)])
def test_every_example_allows_and_denies(examples: list[Item]) -> None:
    said = {allowed for policies, *_, allowed in CASES if policies == examples}

    assert said == {True, False}


@pytest.mark.parametrize(("example", "path", "instead", "connection"), CONTROLS)
def test_each_part_of_a_policy_decides(example: Item, path: list[str | int], instead: Any, connection: str) -> None:
    changed = deepcopy(example)
    place: Any = changed["spec"]
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = instead

    before = decide([*PODS, example], connection)
    after = decide([*PODS, changed], connection)

    assert before.allowed is not after.allowed, (before.reason, after.reason)


def test_a_verdict_names_the_policy_that_allows() -> None:
    verdict = decide([*PODS, BIG, DENY_INGRESS], "default/web -> default/db TCP 6379")

    assert verdict.policies == ("default/test-network-policy",)
    assert verdict.reason == (
        "egress of default/web: no policy selects it; ingress of default/db: allowed by default/test-network-policy"
    )


def test_a_verdict_names_the_policies_that_deny() -> None:
    verdict = decide([*PODS, BIG, DENY_INGRESS], "default/batch -> default/db TCP 6379")

    assert verdict.policies == ("default/default-deny-ingress", "default/test-network-policy")
    assert verdict.reason == (
        "ingress of default/db: no rule of default/default-deny-ingress, default/test-network-policy allows TCP 6379"
        " from default/batch"
    )


def test_a_verdict_of_no_policy_names_none() -> None:
    verdict = decide(PODS, "192.0.2.1 -> default/db TCP 80")

    assert verdict == Verdict(True, "ingress of default/db: no policy selects it")
