"""Network namespaces: one for the nodes of a site, one for each pod, and a backbone between sites.

No bridge: every packet of a pod is routed by its node's namespace and passes its forward hook. Between sites only what
a Service publishes has a route. IPv4 only.
"""

from collections.abc import Callable, Iterable
from typing import TypeVar

from dataplane.kubelet.cage import Cage

BACKBONE = "backbone"
GATEWAY = "169.254.1.1"
"""The node as its pods see it: the address of each pod's neighbour, as in Calico."""
UPLINK = "uplink"
_LINKS = "100.127"
"""Addresses between nodes and backbone: RFC 6598, and no site's block."""

Answer = TypeVar("Answer")


class Backbone:
    """What is between sites: a router that knows published addresses only."""

    def __init__(self, cage: Cage) -> None:
        self.cage = cage
        self._sites = 0
        self._published: dict[str, str] = {}
        _new_namespace(cage, BACKBONE)
        _set(cage, BACKBONE, "net.ipv4.ip_forward", "1")
        # Whatever has no route is told so at once.
        cage.run("ip", "-n", BACKBONE, "route", "add", "unreachable", "default")

    def connect(self, node: str) -> str:
        """Link the namespace of a site's nodes; return its address there: where its egress comes from."""
        number = self._sites
        self._sites += 1
        near, far = f"{_LINKS}.{number}.1", f"{_LINKS}.{number}.2"
        port = f"site{number}"
        ip = ("ip", "-n")
        self.cage.run(*ip, BACKBONE, "link", "add", port, "type", "veth", "peer", "name", UPLINK, "netns", node)
        for network, link, address in ((BACKBONE, port, near), (node, UPLINK, far)):
            self.cage.run(*ip, network, "addr", "add", f"{address}/30", "dev", link)
            self.cage.run(*ip, network, "link", "set", link, "up")
        self.cage.run(*ip, node, "route", "add", "default", "via", near)
        return far

    def publish(self, through: str, addresses: Iterable[str]) -> None:
        """Let these addresses, and no others, be reached through a site.

        Args:
            through: the site's address, as `connect` returned it.
            addresses: load balancers' and nodes' addresses.
        """
        wanted = set(addresses)
        held = {address for address, way in self._published.items() if way == through}
        for address in held - wanted:
            self.cage.run("ip", "-n", BACKBONE, "route", "del", f"{address}/32")
            del self._published[address]
        for address in wanted - held:
            self.cage.run("ip", "-n", BACKBONE, "route", "add", f"{address}/32", "via", through)
            self._published[address] = through


class NodeNetwork:
    """The nodes of a site, all in one network namespace."""

    def __init__(self, cage: Cage, name: str, addresses: Iterable[str]) -> None:
        self.cage = cage
        self.name = name
        self._pods: dict[str, str] = {}
        self._count = 0
        _new_namespace(cage, name)
        _set(cage, name, "net.ipv4.ip_forward", "1")
        for address in addresses:
            self.add_address(address)

    def add_address(self, address: str) -> None:
        """Give the nodes an address."""
        self.cage.run("ip", "-n", self.name, "addr", "add", f"{address}/32", "dev", "lo")

    def add_pod(self, address: str, node_address: str) -> str:
        """Make the network namespace of a pod and return its name.

        Args:
            address: the pod's.
            node_address: the node's; what the kubelet sends to the pod comes from it.
        """
        self._count += 1
        pod, link = f"{self.name}-{self._count}", f"pod{self._count}"
        _new_namespace(self.cage, pod)
        run, node = self.cage.run, ("ip", "-n", self.name)
        inside = ("ip", "-n", pod)
        run(*node, "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", pod)
        run(*node, "addr", "add", f"{GATEWAY}/32", "dev", link)
        run(*node, "link", "set", link, "up")
        run(*inside, "addr", "add", f"{address}/32", "dev", "eth0")
        run(*inside, "link", "set", "eth0", "up")
        run(*inside, "route", "add", GATEWAY, "dev", "eth0", "scope", "link")
        run(*inside, "route", "add", "default", "via", GATEWAY)
        run(*node, "route", "add", f"{address}/32", "dev", link, "src", node_address)
        self._pods[pod] = link
        return pod

    def remove_pod(self, pod: str) -> None:
        """Take a pod's namespace away; its link goes with it."""
        link = self._pods.pop(pod)
        self.cage.run("ip", "-n", self.name, "link", "del", link)
        self.cage.run("ip", "netns", "del", pod)

    def within(self, call: Callable[[], Answer]) -> Answer:
        """Call something on the node."""
        return self.cage.within(self.name, call)


def _new_namespace(cage: Cage, name: str) -> None:
    cage.run("ip", "netns", "add", name)
    cage.run("ip", "-n", name, "link", "set", "lo", "up")


def _set(cage: Cage, network: str, key: str, value: str) -> None:
    path = f"/proc/sys/{key.replace('.', '/')}"
    cage.run("sh", "-c", f"echo {value} > {path}", network=network)
