"""What must hold for any policies: made-up clusters, every pair of pods and addresses, a few ports."""

from typing import Any

from dataplane.policies.evaluator import Cluster, Verdict, all_pairs
from dataplane.policies.samples import Item, block, expression, labels, namespace, pod, policy, tcp
from hypothesis import given, settings
from hypothesis import strategies as st

OBJECTS = [
    namespace("a", team="red"),
    namespace("b", team="blue"),
    pod("one", "10.0.0.1", namespace="a", ports=[{"name": "web", "containerPort": 80}], app="x"),
    pod("two", "10.0.0.2", namespace="a", ports=[{"name": "web", "containerPort": 81}], app="y", tier="front"),
    pod("three", "10.0.1.3", namespace="b", ports=[{"containerPort": 80}], app="x"),
    pod("four", "10.0.1.4", namespace="b", host_network=True, node="10.0.1.4"),
]
OUTSIDE = ["192.0.2.1", "192.0.2.129"]
PORTS = [("TCP", 80), ("TCP", 81), ("UDP", 80), ("SCTP", 90)]
NOBODY = labels(app="nobody")
ALLOW_ALL: dict[str, Any] = {"policyTypes": ["Ingress", "Egress"], "ingress": [{}], "egress": [{}]}
BOTH: dict[str, Any] = {"policyTypes": ["Ingress", "Egress"]}

selectors = st.sampled_from(
    [
        {},
        labels(app="x"),
        labels(app="y", tier="front"),
        labels(team="red"),
        expression("app", "In", "x", "y"),
        expression("app", "NotIn", "x"),
        expression("tier", "Exists"),
        expression("team", "DoesNotExist"),
    ]
)
peers = st.one_of(
    st.fixed_dictionaries({"podSelector": selectors}, optional={"namespaceSelector": selectors}),
    st.fixed_dictionaries({"namespaceSelector": selectors}),
    st.sampled_from([block("192.0.2.0/24", "192.0.2.128/25"), block("10.0.0.0/24"), block("0.0.0.0/0")]),
)
ports = st.sampled_from([tcp(80), tcp("web"), tcp(80, 81), {"protocol": "UDP"}, {"protocol": "SCTP", "port": 90}])


def rules(direction: str) -> st.SearchStrategy[list[Item]]:
    parts = {direction: st.lists(peers, max_size=2), "ports": st.lists(ports, max_size=2)}
    return st.lists(st.fixed_dictionaries({}, optional=parts), max_size=2)


specs: st.SearchStrategy[Item] = st.fixed_dictionaries(
    {"podSelector": selectors},
    optional={
        "policyTypes": st.sampled_from([[], ["Ingress"], ["Egress"], ["Ingress", "Egress"]]),
        "ingress": rules("from"),
        "egress": rules("to"),
    },
)
places = st.sampled_from(["a", "b"])
policies = st.lists(st.tuples(places, specs), max_size=4).map(
    lambda found: [policy(f"p{number}", namespace=place, **spec) for number, (place, spec) in enumerate(found)]
)


def verdicts(given_policies: list[Item]) -> list[Verdict]:
    cluster = Cluster.of([*OBJECTS, *given_policies])
    return [flow.verdict for flow in all_pairs(cluster, ports=PORTS, outside=OUTSIDE)]


def passes(given_policies: list[Item]) -> list[bool]:
    return [verdict.allowed for verdict in verdicts(given_policies)]


def of_both(name: str, **spec: Any) -> list[Item]:
    return [policy(name, namespace=place, **spec) for place in ("a", "b")]


@settings(deadline=None)
@given(policies, places, specs)
def test_a_policy_that_selects_no_pod_changes_nothing(found: list[Item], place: str, spec: Item) -> None:
    extra = policy("nobody", namespace=place, **{**spec, "podSelector": NOBODY})

    assert verdicts([*found, extra]) == verdicts(found)


@settings(deadline=None)
@given(st.data())
def test_the_order_of_policies_does_not_matter(data: st.DataObject) -> None:
    found = data.draw(policies)

    assert verdicts(data.draw(st.permutations(found))) == verdicts(found)


@settings(deadline=None)
@given(policies)
def test_allow_all_undoes_whatever_is_denied(found: list[Item]) -> None:
    everything = of_both("allow", **ALLOW_ALL)

    assert all(passes([*found, *everything]))


def test_default_deny_then_allow_all_is_allow_all() -> None:
    allow = of_both("allow", **ALLOW_ALL)

    assert verdicts([*of_both("deny", **BOTH), *allow]) == verdicts(allow)
    assert verdicts([*allow, *of_both("deny", **BOTH)]) == verdicts(allow)
    assert not all(passes(of_both("deny", **BOTH)))


@settings(deadline=None)
@given(policies, places, specs)
def test_a_policy_more_only_opens_where_all_is_closed(found: list[Item], place: str, spec: Item) -> None:
    closed = [*found, *of_both("deny", **BOTH)]
    more = passes([*closed, policy("more", namespace=place, **spec)])

    assert all(after for before, after in zip(passes(closed), more, strict=True) if before)


@settings(deadline=None)
@given(policies, places, specs)
def test_a_policy_more_only_closes_where_it_has_no_rule(found: list[Item], place: str, spec: Item) -> None:
    silent = {key: value for key, value in spec.items() if key in {"podSelector", "policyTypes"}}
    more = passes([*found, policy("more", namespace=place, **silent)])

    assert all(before for before, after in zip(passes(found), more, strict=True) if after)


@settings(deadline=None)
@given(policies)
def test_splitting_a_policy_into_its_rules_changes_nothing(found: list[Item]) -> None:
    split = [part for item in found for part in parts_of(item)]

    assert passes(split) == passes(found)


def parts_of(item: Item) -> list[Item]:
    """Return one policy for each rule, and one without rules that keeps what the whole one isolates."""
    spec = item["spec"]
    types = spec.get("policyTypes") or ["Ingress", *(["Egress"] if spec.get("egress") else [])]
    place, name = item["metadata"]["namespace"], item["metadata"]["name"]
    base: Item = {"podSelector": spec["podSelector"], "policyTypes": types}
    each: list[Item] = [{key: [rule]} for key in ("ingress", "egress") for rule in spec.get(key, [])]
    return [policy(f"{name}-{number}", namespace=place, **base, **rule) for number, rule in enumerate([{}, *each])]
