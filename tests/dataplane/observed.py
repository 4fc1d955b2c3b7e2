"""What was observed in a site's network, held against the NetworkPolicies of its API server."""

from collections.abc import Mapping
from typing import Any

from dataplane.kubelet.rules import Flow
from dataplane.kubelet.site import Site
from dataplane.policies.evaluator import Cluster
from engine.sites import SiteClient

KINDS = {
    "Namespace": "/api/v1/namespaces",
    "Pod": "/api/v1/pods",
    "Service": "/api/v1/services",
    "NetworkPolicy": "/apis/networking.k8s.io/v1/networkpolicies",
}


def policies(client: SiteClient) -> Cluster:
    """Return pods and policies of a site for the evaluator."""
    objects: list[Mapping[str, Any]] = []
    for kind, path in KINDS.items():
        listed = client.get(path)
        objects += [{"kind": kind, "apiVersion": listed["apiVersion"], **item} for item in listed["items"]]
    # A flow that is needed must pass whether or not a plugin takes pods by their addresses.
    return Cluster.of(objects, client.name, pods_in_blocks=False)


def denied(site: Site, client: SiteClient) -> list[tuple[Flow, str]]:
    """Return what was observed on a site, and its policies deny: with the reason."""
    cluster = policies(client)
    found = []
    for flow in sorted(site.rules.carried()):
        verdict = cluster.verdict(flow.source, flow.destination, flow.protocol.upper(), flow.port)
        if not verdict:
            found.append((flow, verdict.reason))
    return found
