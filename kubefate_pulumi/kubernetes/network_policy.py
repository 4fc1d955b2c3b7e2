"""NetworkPolicies: what selected pods may reach and who may reach them. Everything else is denied.

Policies are about pods: a call to a Service's address is judged by the pod that it ends at (Kubernetes,
"Network Policies"). The node of a pod, and so its probes, are never denied.
"""

from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Any

import pulumi
from pulumi_kubernetes import networking

from kubefate_pulumi.kubernetes.fields import Fields
from kubefate_pulumi.kubernetes.scope import Scope

Rule = Mapping[str, Any]
EVERYWHERE: Mapping[str, Any] = {}
"""A selector that all pods, or all namespaces, have."""
NODE_LOCAL_DNS = "169.254.20.10/32"
"""The address of NodeLocal DNSCache, where a cluster has it; other resolvers are pods."""
DNS_PORT = 53


def tcp(first: int, last: int | None = None) -> Mapping[str, Any]:
    """Return a port, or a range of ports, of a rule."""
    return {"protocol": "TCP", "port": first} | ({} if last is None else {"end_port": last})


def pods(selector: Mapping[str, str], *, everywhere: bool = False) -> Mapping[str, Any]:
    """Return the pods with these labels: of the policy's namespace, or of all."""
    selected: dict[str, Any] = {"pod_selector": {"match_labels": dict(selector)}}
    return selected | ({"namespace_selector": EVERYWHERE} if everywhere else {})


def address(host: str) -> Mapping[str, Any] | None:
    """Return the block of one IP address; None for a name, which no policy can hold."""
    try:
        found = ip_address(host)
    except ValueError:
        return None
    return {"ip_block": {"cidr": f"{found}/{found.max_prefixlen}"}}


def dns_rule() -> Rule:
    """Return the rule that lets pods ask the cluster's resolver."""
    return {
        "to": [{"namespace_selector": EVERYWHERE}, {"ip_block": {"cidr": NODE_LOCAL_DNS}}],
        "ports": [{"protocol": protocol, "port": DNS_PORT} for protocol in ("UDP", "TCP")],
    }


def network_policy(
    scope: Scope,
    name: str,
    selector: Mapping[str, str],
    opts: pulumi.ResourceOptions,
    *,
    ingress: Sequence[Rule] = (),
    egress: pulumi.Input[Sequence[Rule]] = (),
) -> networking.v1.NetworkPolicy:
    """Register the policy of the pods with these labels (none: all of the namespace); it denies what no rule allows."""
    spec: Fields = {
        "pod_selector": {"match_labels": dict(selector)} if selector else EVERYWHERE,
        "policy_types": ["Ingress", "Egress"],
        "ingress": list(ingress),
        "egress": egress,
    }
    return networking.v1.NetworkPolicy(
        scope.resource_name(f"{name}-network"),
        metadata=scope.metadata(name, name),
        spec=spec,
        opts=scope.child_options(opts),
    )
