"""Builders of objects as an API server gives them, for the tests of the evaluator."""

from collections.abc import Mapping, Sequence
from typing import Any

from dataplane.policies.evaluator import Cluster, Endpoint

Item = dict[str, Any]


def namespace(name: str, **labels: str) -> Item:
    """Return a Namespace."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def pod(
    name: str,
    address: str = "",
    *,
    namespace: str = "default",
    node: str = "",
    ports: Sequence[Mapping[str, Any]] = (),
    host_network: bool = False,
    **labels: str,
) -> Item:
    """Return a Pod of one container with these ports."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {"hostNetwork": host_network, "containers": [{"name": "main", "ports": list(ports)}]},
        "status": {
            "podIP": address,
            "podIPs": [{"ip": address}] if address else [],
            "hostIP": node,
        },
    }


def policy(name: str, pods: Mapping[str, Any] | None = None, *, namespace: str = "default", **spec: Any) -> Item:
    """Return a NetworkPolicy for these pods (a label selector; all of the namespace if not given)."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"podSelector": dict(pods or {}), **spec},
    }


def labels(**wanted: str) -> Item:
    """Return a label selector of equal values."""
    return {"matchLabels": wanted}


def expression(key: str, operator: str, *values: str) -> Item:
    """Return a label selector of one expression."""
    return {"matchExpressions": [{"key": key, "operator": operator, **({"values": list(values)} if values else {})}]}


def tcp(port: int | str, end: int | None = None) -> Item:
    """Return the TCP port, or range of ports, of a rule."""
    return {"protocol": "TCP", "port": port, **({} if end is None else {"endPort": end})}


def block(cidr: str, *excepted: str) -> Item:
    """Return a peer of addresses."""
    return {"ipBlock": {"cidr": cidr, **({"except": list(excepted)} if excepted else {})}}


def end_of(cluster: Cluster, text: str) -> Endpoint:
    """Return the end that a text names: a pod as `namespace/name`, or an address."""
    return cluster.pod(*text.split("/")) if "/" in text else text
