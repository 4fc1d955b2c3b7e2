"""The objects that NetworkPolicies speak of, read from what an API server gives: pods, policies, selectors.

Source: Kubernetes API reference, NetworkPolicy v1 (networking.k8s.io), LabelSelector v1 (meta) and Pod v1 (core).
Reading is strict: a field that the reference does not have (a `pod_selector`, say), or that the API server would
refuse, is an error, since a field passed over would make a wrong verdict, not a missing one.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

PROTOCOLS = ("TCP", "UDP", "SCTP")
LAST_PORT = 65535
INGRESS, EGRESS = "Ingress", "Egress"


class ObjectError(ValueError):
    """An object that an API server would refuse, or one that this reader cannot judge."""


@dataclass(frozen=True)
class Requirement:
    """One line of a selector: a key, one of the four operators, and values (none for the two about existence)."""

    key: str
    operator: str
    values: frozenset[str]

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Tell whether these labels meet it; `NotIn` is also met where the key is missing (LabelSelector v1)."""
        match self.operator:
            case "In":
                return labels.get(self.key) in self.values
            case "NotIn":
                return labels.get(self.key) not in self.values
            case "Exists":
                return self.key in labels
            case _:
                return self.key not in labels


@dataclass(frozen=True)
class Selector:
    """A label selector: labels must meet every requirement, so an empty one takes all."""

    requirements: tuple[Requirement, ...]

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Tell whether these labels meet all requirements."""
        return all(requirement.matches(labels) for requirement in self.requirements)

    @classmethod
    def of(cls, value: Any, where: str) -> "Selector":
        """Read a LabelSelector; an entry of `matchLabels` is an `In` of one value."""
        fields = _fields(value, where, ("matchLabels", "matchExpressions"))
        labels = fields.get("matchLabels") or {}
        equal = (Requirement(key, "In", frozenset({value})) for key, value in labels.items())
        return cls((*equal, *(_requirement(item, where) for item in fields.get("matchExpressions") or ())))


@dataclass(frozen=True)
class Block:
    """Addresses of a peer: a range less the ranges excepted from it."""

    network: Network
    excepted: tuple[Network, ...]

    def __contains__(self, address: Address) -> bool:
        return address in self.network and not any(address in network for network in self.excepted)


@dataclass(frozen=True)
class Selected:
    """Pods of a peer: without `namespaces` those of the policy's own, without `pods` all of the namespaces."""

    namespaces: Selector | None
    pods: Selector | None


@dataclass(frozen=True)
class Ports:
    """Ports of a rule: all of a protocol, one, a range (both ends in it), or the ones that pods give this name."""

    protocol: str
    first: int = 1
    last: int = LAST_PORT
    name: str = ""


@dataclass(frozen=True)
class Rule:
    """What one rule allows: any of the peers at any of the ports. None of the one or the other: all of them."""

    peers: tuple[Block | Selected, ...]
    ports: tuple[Ports, ...]


@dataclass(frozen=True)
class Policy:
    """A NetworkPolicy. Rules are None for a direction that it says nothing of, empty for one that it closes."""

    namespace: str
    name: str
    selector: Selector
    ingress: tuple[Rule, ...] | None
    egress: tuple[Rule, ...] | None

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    def rules(self, direction: str) -> tuple[Rule, ...] | None:
        """Return the rules for `Ingress` or `Egress`."""
        return self.ingress if direction == INGRESS else self.egress

    @property
    def all_rules(self) -> tuple[Rule, ...]:
        """The rules of both directions."""
        return (*(self.ingress or ()), *(self.egress or ()))

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> "Policy":
        """Read a networking.k8s.io/v1 NetworkPolicy.

        Without `policyTypes` it is about ingress, and about egress too if it has an egress rule. The reference says
        "an egress section"; the API server counts rules (its pkg/apis/networking/v1/defaults.go).
        """
        namespace, name = named(item)
        where = f"NetworkPolicy {namespace}/{name}"
        spec = _fields(item.get("spec"), where, ("podSelector", "policyTypes", "ingress", "egress"))
        types = spec.get("policyTypes") or [INGRESS, *([EGRESS] if spec.get("egress") else [])]
        _one_of(types, (INGRESS, EGRESS), f"{where}: policyTypes")
        ingress = tuple(_rule(rule, "from", where) for rule in spec.get("ingress") or ())
        egress = tuple(_rule(rule, "to", where) for rule in spec.get("egress") or ())
        return cls(
            namespace,
            name,
            Selector.of(spec.get("podSelector") or {}, where),
            ingress if INGRESS in types else None,
            egress if EGRESS in types else None,
        )


@dataclass(frozen=True)
class ContainerPort:
    """A port that a container declares; the name may be empty."""

    name: str
    protocol: str
    number: int


@dataclass(frozen=True)
class Pod:
    """A pod as policies see it. `node` has the addresses of the node that it runs on, where they are known."""

    cluster: str
    namespace: str
    name: str
    labels: Mapping[str, str] = field(hash=False)
    addresses: tuple[Address, ...]
    node: tuple[Address, ...]
    ports: tuple[ContainerPort, ...]
    host_network: bool

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    def has(self, ports: Ports, number: int) -> bool:
        """Tell whether a container calls this port by the name that the rule gives."""
        return ContainerPort(ports.name, ports.protocol, number) in self.ports

    @classmethod
    def of(cls, item: Mapping[str, Any], cluster: str) -> "Pod":
        """Read a v1 Pod: containers and sidecars (init containers that go on) have its ports."""
        namespace, name = named(item)
        spec, status = item.get("spec") or {}, item.get("status") or {}
        sidecars = (init for init in spec.get("initContainers") or () if init.get("restartPolicy") == "Always")
        containers = (*(spec.get("containers") or ()), *sidecars)
        ports = (port for container in containers for port in container.get("ports") or ())
        return cls(
            cluster=cluster,
            namespace=namespace,
            name=name,
            labels=dict(item["metadata"].get("labels") or {}),
            addresses=_addresses(status, "podIP"),
            node=_addresses(status, "hostIP"),
            ports=tuple(
                ContainerPort(port.get("name") or "", port.get("protocol") or "TCP", port["containerPort"])
                for port in ports
            ),
            host_network=bool(spec.get("hostNetwork")),
        )


def named(item: Mapping[str, Any]) -> tuple[str, str]:
    """Return namespace and name of an object that lives in a namespace."""
    metadata = item["metadata"]
    if not metadata.get("namespace"):
        raise ObjectError(f"{item['kind']} {metadata['name']}: it has no namespace, which an API server always sets")
    return metadata["namespace"], metadata["name"]


def _fields(value: Any, where: str, known: Collection[str]) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ObjectError(f"{where}: a mapping of {', '.join(known)} belongs here, not {value!r}")
    if unknown := set(value) - set(known):
        raise ObjectError(f"{where}: unknown field {', '.join(sorted(unknown))}; known are {', '.join(known)}")
    return {key: found for key, found in value.items() if found is not None}


def _one_of(values: Iterable[str], known: Collection[str], where: str) -> None:
    for value in values:
        if value not in known:
            raise ObjectError(f"{where}: {value!r} is none of {', '.join(known)}")


def _requirement(value: Any, where: str) -> Requirement:
    fields = _fields(value, where, ("key", "operator", "values"))
    operator, values = fields.get("operator", ""), fields.get("values") or ()
    _one_of([operator], ("In", "NotIn", "Exists", "DoesNotExist"), f"{where}: operator")
    if (operator in {"In", "NotIn"}) != bool(values):
        raise ObjectError(
            f"{where}: operator {operator} with values {list(values)}: In and NotIn have some, others none"
        )
    return Requirement(fields["key"], operator, frozenset(values))


def _rule(value: Any, peers: str, where: str) -> Rule:
    fields = _fields(value, where, (peers, "ports"))
    return Rule(
        tuple(_peer(peer, where) for peer in fields.get(peers) or ()),
        tuple(_ports(port, where) for port in fields.get("ports") or ()),
    )


def _peer(value: Any, where: str) -> Block | Selected:
    fields = _fields(value, where, ("podSelector", "namespaceSelector", "ipBlock"))
    if "ipBlock" in fields and len(fields) > 1:
        raise ObjectError(f"{where}: a peer has an ipBlock or selectors, not both")
    if not fields:
        raise ObjectError(f"{where}: a peer is empty; one that takes every pod is namespaceSelector: {{}}")
    if "ipBlock" in fields:
        return _block(fields["ipBlock"], where)
    namespaces, pods = (
        Selector.of(fields[key], where) if key in fields else None for key in ("namespaceSelector", "podSelector")
    )
    return Selected(namespaces, pods)


def _block(value: Any, where: str) -> Block:
    fields = _fields(value, where, ("cidr", "except"))
    try:
        network = ip_network(fields["cidr"])
        excepted = tuple(ip_network(cidr) for cidr in fields.get("except") or ())
    except (KeyError, ValueError) as error:
        raise ObjectError(f"{where}: ipBlock {dict(fields)}: {error}") from error
    for inner in excepted:
        if inner.version != network.version or inner == network or not inner.subnet_of(network):  # type: ignore[arg-type]
            raise ObjectError(f"{where}: ipBlock: except {inner} is not a part of {network}")
    return Block(network, excepted)


def _ports(value: Any, where: str) -> Ports:
    fields = _fields(value, where, ("protocol", "port", "endPort"))
    protocol, first = fields.get("protocol", "TCP"), fields.get("port")
    last = fields.get("endPort", first)
    _one_of([protocol], PROTOCOLS, f"{where}: protocol")
    if isinstance(first, str) and "endPort" not in fields and not first.isdigit():
        return Ports(protocol, name=first)
    if first is None and last is None:
        return Ports(protocol)
    if not isinstance(first, int) or not isinstance(last, int) or not 1 <= first <= last <= LAST_PORT:
        raise ObjectError(
            f"{where}: port {first!r} to {last!r}: a name, a number of 1 to {LAST_PORT}, or such a number with an"
            " endPort that is not less"
        )
    return Ports(protocol, first, last)


def _addresses(status: Mapping[str, Any], key: str) -> tuple[Address, ...]:
    found = [status.get(key), *(item.get("ip") for item in status.get(f"{key}s") or ())]
    return tuple(dict.fromkeys(ip_address(text) for text in found if text))
