"""Services of a site: which address and port leads to which pods, from Services and EndpointSlices."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from dataplane.kubelet.api import Object

ServiceKey = tuple[str, str]
"""Namespace and name of a Service."""
PodKey = tuple[str, str]
"""Namespace and name of a pod."""
Ready = Callable[[PodKey], bool | None]
"""Tells whether a pod that the harness runs is ready; None when it does not run it."""


@dataclass(frozen=True)
class Endpoint:
    """One pod behind a Service: address, the port of each named Service port, and the name that it has in DNS."""

    address: str
    ports: tuple[tuple[str, int], ...]
    hostname: str | None


@dataclass(frozen=True)
class Frontend:
    """An address and port that a Service has, and where it leads.

    Attributes:
        service: whose it is.
        address: cluster address, load balancer's address or node's address.
        port: port there.
        protocol: `tcp` or `udp`.
        backends: addresses and ports of pods.
        outside: whether it is a published one: then what comes through it comes from the node, as `Cluster` has it.
        sources: who may connect, as blocks; nobody is kept out when there are none.
    """

    service: ServiceKey
    address: str
    port: int
    protocol: str
    backends: tuple[tuple[str, int], ...]
    outside: bool = False
    sources: tuple[str, ...] = ()


def endpoints(slices: Iterable[Object], ready: Ready) -> dict[ServiceKey, list[Endpoint]]:
    """Return the ready endpoints of each Service.

    What a slice calls ready counts only if the harness really runs the pod, and finds it ready itself. A Service that
    publishes what is not ready has its slices say so, and its pods only have to be there.
    """
    found: dict[ServiceKey, list[Endpoint]] = {}
    for each in slices:
        metadata = each["metadata"]
        name = metadata.get("labels", {}).get("kubernetes.io/service-name")
        if name is None or each["addressType"] != "IPv4":
            continue
        ports = tuple((port.get("name") or "", int(port["port"])) for port in each.get("ports") or [])
        key = (metadata["namespace"], name)
        found.setdefault(key, [])
        for endpoint in each.get("endpoints") or []:
            if _takes_part(endpoint, ready):
                found[key].append(Endpoint(endpoint["addresses"][0], ports, endpoint.get("hostname")))
    return found


def _takes_part(endpoint: Object, ready: Ready) -> bool:
    target = endpoint.get("targetRef", {})
    if target.get("kind") != "Pod" or not endpoint.get("conditions", {}).get("ready"):
        return False
    return bool(ready((target["namespace"], target["name"])))


def frontends(
    services: Iterable[Object], known: dict[ServiceKey, list[Endpoint]], node_addresses: Iterable[str]
) -> list[Frontend]:
    """Return every address and port of every Service."""
    nodes = list(node_addresses)
    return [each for service in services for each in _frontends(service, known, nodes)]


def _frontends(service: Object, known: dict[ServiceKey, list[Endpoint]], nodes: list[str]) -> Iterator[Frontend]:
    spec, metadata = service["spec"], service["metadata"]
    key = (metadata["namespace"], metadata["name"])
    local = spec.get("externalTrafficPolicy") == "Local"
    for port in spec.get("ports") or []:
        name, protocol = port.get("name") or "", port.get("protocol", "TCP").lower()
        backends = tuple(
            (endpoint.address, number)
            for endpoint in known.get(key, [])
            for port_name, number in endpoint.ports
            if port_name == name
        )
        if spec.get("clusterIP") not in (None, "", "None"):
            yield Frontend(key, spec["clusterIP"], port["port"], protocol, backends)
        for address in load_balancer_addresses(service):
            sources = tuple(spec.get("loadBalancerSourceRanges") or ())
            yield Frontend(key, address, port["port"], protocol, backends, not local, sources)
        if "nodePort" in port:
            for address in nodes:
                yield Frontend(key, address, port["nodePort"], protocol, backends, not local)


def load_balancer_addresses(service: Object) -> list[str]:
    """Return the addresses that the load balancer gave a Service, but those of a proxy in front of it."""
    ingress = service.get("status", {}).get("loadBalancer", {}).get("ingress") or []
    return [each["ip"] for each in ingress if "ip" in each and each.get("ipMode", "VIP") == "VIP"]


def published(services: Iterable[Object], node_addresses: Iterable[str]) -> set[str]:
    """Return the addresses that a site shows to others."""
    found: set[str] = set()
    for service in services:
        found.update(load_balancer_addresses(service))
        if service["spec"]["type"] == "NodePort":
            found.update(node_addresses)
    return found
