"""Decides, as a network plugin would, whether the NetworkPolicies of a cluster let a connection through.

Sources: Kubernetes documentation, "Network Policies" (concepts/services-networking/network-policies), and the API
reference of NetworkPolicy v1 (networking.k8s.io). What they say, in short:

- A connection from a pod must be allowed by the egress side of the source, one to a pod by the ingress side of the
  destination. A side is open until a policy of the pod's namespace selects the pod for that direction; then it lets
  through what at least one rule of at least one such policy allows. Policies add up; their order has no meaning.
- Policies are about connections: replies go through. The source of a verdict is who opens it (UDP: who sends first).
- A pod always reaches itself, and the node that it runs on, which always reaches it.

Where the documentation leaves it to the plugin, this is decided here:

- Pods with `hostNetwork` are what most plugins make of them: no selector takes them, their traffic is their node's, and
  only ipBlocks and rules without peers can allow it.
- Whether an ipBlock takes a pod by the pod's address differs between plugins ("should be cluster-external IPs").
  `pods_in_blocks` says which; a flow that is needed must pass with False, a flow that is denied with True.
- A Service's cluster address is rewritten to a pod's before or after policies are applied: name the pod instead.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from dataplane.policies.objects import (
    EGRESS,
    INGRESS,
    LAST_PORT,
    PROTOCOLS,
    Address,
    Block,
    ObjectError,
    Pod,
    Policy,
    Ports,
    Rule,
    Selected,
    named,
)

Endpoint = Pod | str
"""An end of a connection: a pod of the cluster, or an IP address. The address of a pod stands for that pod."""
NAME_LABEL = "kubernetes.io/metadata.name"
"""The label of every Namespace that holds its name; the control plane sets it."""


@dataclass(frozen=True)
class Verdict:
    """Whether a connection is allowed, why, and which policies (`namespace/name`) decide it.

    `policies` are those with a rule that allows it or, if it is denied, those that select a pod and have none.
    None: no policy is about it. A verdict is true if the connection is allowed. `a & b` joins the two halves of a way
    that crosses clusters, as each of them sees it.
    """

    allowed: bool
    reason: str
    policies: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.allowed

    def __and__(self, other: "Verdict") -> "Verdict":
        if self.allowed != other.allowed:
            return other if self.allowed else self
        policies = tuple(dict.fromkeys((*self.policies, *other.policies)))
        return Verdict(self.allowed, f"{self.reason}; {other.reason}", policies)


@dataclass(frozen=True)
class Flow:
    """A connection that could be, and its verdict. Ends are pods, or addresses outside."""

    source: Endpoint
    destination: Endpoint
    protocol: str
    port: int
    verdict: Verdict


@dataclass(frozen=True)
class _Party:
    """An end as rules see it: outsiders and pods in a node's network have addresses only."""

    text: str
    pod: Pod | None
    addresses: tuple[Address, ...]


@dataclass(frozen=True)
class _Connection:
    source: _Party
    destination: _Party
    protocol: str
    port: int


@dataclass(frozen=True)
class Cluster:
    """The pods of one cluster, the labels of its namespaces, and its policies."""

    name: str
    pods: tuple[Pod, ...]
    namespaces: Mapping[str, Mapping[str, str]]
    policies: tuple[Policy, ...]
    services: frozenset[Address]
    pods_in_blocks: bool = True

    @classmethod
    def of(cls, objects: Iterable[Mapping[str, Any]], name: str = "", *, pods_in_blocks: bool = True) -> "Cluster":
        """Read the objects of one cluster, in the API server's own form. Kinds that have no part in it are passed over.

        Raises:
            ObjectError: an object is not what an API server would hold, two have one name, a Namespace is missing,
                or there is a policy of another API (of a plugin, or AdminNetworkPolicy), which would decide too.
        """
        found: dict[str, list[Mapping[str, Any]]] = {}
        for item in objects:
            if "kind" not in item:
                raise ObjectError("an object without kind (the items of a list have none): add the kind of the list")
            found.setdefault(item["kind"], []).append(item)
        _refuse_others(found)
        namespaces = {
            item["metadata"]["name"]: {**(item["metadata"].get("labels") or {}), NAME_LABEL: item["metadata"]["name"]}
            for item in found.get("Namespace", ())
        }
        for item in (*found.get("Pod", ()), *found.get("NetworkPolicy", ())):
            if named(item)[0] not in namespaces:
                raise ObjectError(f"{item['kind']} {'/'.join(named(item))}: its Namespace is not among the objects")
        pods = tuple(Pod.of(item, name) for item in found.get("Pod", ()))
        policies = tuple(Policy.of(item) for item in found.get("NetworkPolicy", ()))
        _refuse_twins("Pod", pods)
        _refuse_twins("NetworkPolicy", policies)
        return cls(
            name=name,
            pods=tuple(sorted(pods, key=str)),
            namespaces=namespaces,
            policies=tuple(sorted(policies, key=str)),
            services=frozenset(_cluster_addresses(found.get("Service", ()))),
            pods_in_blocks=pods_in_blocks,
        )

    @property
    def ports(self) -> tuple[tuple[str, int], ...]:
        """Every port that a pod declares or a rule speaks of (both ends of a range): protocol and number, sorted.

        A rule may open a port that no pod declares, and a pod may listen on it all the same.
        """
        declared = {(port.protocol, port.number) for pod in self.pods for port in pod.ports}
        ranges = [port for policy in self.policies for rule in policy.all_rules for port in rule.ports if not port.name]
        return tuple(sorted(declared | {(port.protocol, end) for port in ranges for end in (port.first, port.last)}))

    def pod(self, namespace: str, name: str) -> Pod:
        """Return a pod by its name; KeyError if there is none."""
        for pod in self.pods:
            if (pod.namespace, pod.name) == (namespace, name):
                return pod
        raise KeyError(f"{namespace}/{name}: no such pod in cluster {self.name!r}")

    def verdict(self, source: Endpoint, destination: Endpoint, protocol: str, port: int) -> Verdict:
        """Decide a connection to a port of the destination. Protocols are TCP, UDP and SCTP.

        Raises:
            ValueError: neither end is a pod of this cluster, or an end, the protocol or the port is none.
        """
        if protocol not in PROTOCOLS or not 1 <= port <= LAST_PORT:
            raise ValueError(f"{protocol} {port}: policies decide {', '.join(PROTOCOLS)} and ports 1 to {LAST_PORT}")
        start, end = self._end(source), self._end(destination)
        pods = [(pod, direction) for pod, direction in ((start, EGRESS), (end, INGRESS)) if isinstance(pod, Pod)]
        if not pods:
            raise ValueError(f"{start} to {end}: neither is a pod of cluster {self.name!r}, so no policy of it decides")
        if start == end:
            return Verdict(True, f"{self._called(start)} always reaches itself")
        connection = _Connection(_party(start), _party(end), protocol, port)
        sides = [self._side(connection, pod, direction) for pod, direction in pods]
        return sides[0] if len(sides) == 1 else sides[0] & sides[1]

    def _side(self, connection: _Connection, pod: Pod, direction: str) -> Verdict:
        peer = connection.destination if direction == EGRESS else connection.source
        side = f"{direction.lower()} of {self._called(pod)}"
        if pod.host_network:
            return Verdict(True, f"{side}: policies do not select pods in their node's network")
        if peer.pod is None and set(peer.addresses) & set(pod.node):
            return Verdict(True, f"{side}: {peer.text} is its own node")
        isolating = [
            policy
            for policy in self.policies
            if policy.namespace == pod.namespace
            and policy.rules(direction) is not None
            and policy.selector.matches(pod.labels)
        ]
        if not isolating:
            return Verdict(True, f"{side}: no policy selects it")
        allowing = [
            policy
            for policy in isolating
            if any(self._allows(rule, policy, peer, connection) for rule in policy.rules(direction) or ())
        ]
        names = tuple(self._called(policy) for policy in allowing or isolating)
        if allowing:
            return Verdict(True, f"{side}: allowed by {', '.join(names)}", names)
        what = f"{connection.protocol} {connection.port} {'to' if direction == EGRESS else 'from'} {peer.text}"
        return Verdict(False, f"{side}: no rule of {', '.join(names)} allows {what}", names)

    def _allows(self, rule: Rule, policy: Policy, peer: _Party, connection: _Connection) -> bool:
        by_peer = not rule.peers or any(self._is_peer(item, policy, peer) for item in rule.peers)
        return by_peer and (not rule.ports or any(_is_port(item, connection) for item in rule.ports))

    def _is_peer(self, item: Block | Selected, policy: Policy, peer: _Party) -> bool:
        if isinstance(item, Block):
            may = peer.pod is None or self.pods_in_blocks
            return may and any(address in item for address in peer.addresses)
        if peer.pod is None:
            return False
        if item.namespaces is None:
            in_namespace = peer.pod.namespace == policy.namespace
        else:
            in_namespace = item.namespaces.matches(self.namespaces[peer.pod.namespace])
        return in_namespace and (item.pods is None or item.pods.matches(peer.pod.labels))

    def _end(self, end: Endpoint) -> Endpoint:
        if isinstance(end, Pod):
            if end not in self.pods:
                raise ValueError(f"{end}: no pod of cluster {self.name!r}; join the verdicts of both clusters with &")
            return end
        address = ip_address(end)
        if address in self.services:
            raise ValueError(f"{end} is a Service's cluster address; name a pod that the Service leads to")
        # An address in a node's network may be the node's or that of any such pod: policies take them all for the node.
        owners = (pod for pod in self.pods if address in pod.addresses and not pod.host_network)
        return next(owners, str(address))

    def _called(self, item: object) -> str:
        return f"{self.name}:{item}" if self.name else str(item)


def all_pairs(
    *clusters: Cluster, ports: Sequence[tuple[str, int]] | None = None, outside: Sequence[str] = ()
) -> Iterator[Flow]:
    """Give the verdict of every pod to every other pod of its cluster, and to and from every address outside.

    Args:
        clusters: each by itself; a way from one to another is two flows, by the addresses that each of them sees.
        ports: protocol and number of the ports to try; the `ports` of each cluster if not given.
        outside: addresses that are no pod's.

    Yields:
        Each flow once, by source, then destination, in the order of names, then ports as given.

    Raises:
        ValueError: there is no port to try, so that nothing would be decided.
    """
    for cluster in clusters:
        tried = cluster.ports if ports is None else ports
        if not tried:
            raise ValueError(f"cluster {cluster.name!r}: no port to try")
        ends: tuple[Endpoint, ...] = (*cluster.pods, *outside)
        for source in ends:
            for destination in ends:
                if source == destination or (isinstance(source, str) and isinstance(destination, str)):
                    continue
                for protocol, port in tried:
                    verdict = cluster.verdict(source, destination, protocol, port)
                    yield Flow(source, destination, protocol, port, verdict)


def _is_port(item: Ports, connection: _Connection) -> bool:
    if item.protocol != connection.protocol:
        return False
    if item.name:
        pod = connection.destination.pod
        return pod is not None and pod.has(item, connection.port)
    return item.first <= connection.port <= item.last


def _party(end: Endpoint) -> _Party:
    if isinstance(end, str):
        return _Party(end, None, (ip_address(end),))
    return _Party(str(end), None if end.host_network else end, end.addresses)


def _cluster_addresses(services: Iterable[Mapping[str, Any]]) -> Iterator[Address]:
    for service in services:
        spec = service.get("spec") or {}
        for text in (spec.get("clusterIP"), *(spec.get("clusterIPs") or ())):
            if text and text != "None":
                yield ip_address(text)


def _refuse_others(found: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    for kind, items in found.items():
        for item in items:
            ours = kind == "NetworkPolicy" and item.get("apiVersion") == "networking.k8s.io/v1"
            if kind.endswith("NetworkPolicy") and not ours:
                name = item["metadata"]["name"]
                raise ObjectError(f"{kind} {name} of {item.get('apiVersion')}: it decides too and is not known here")


def _refuse_twins(kind: str, items: Iterable[Pod | Policy]) -> None:
    seen: set[str] = set()
    for item in items:
        if str(item) in seen:
            raise ObjectError(f"{kind} {item}: twice among the objects")
        seen.add(str(item))
