"""Which old pods of a Deployment may end: what its controller would do if it saw the readiness that we see.

The simulated site calls every pod ready at once, and its controllers have deleted the old pods by the time that the new
ones start here. So an old pod that serves, and whose ReplicaSet was taken down, is kept as long as the Deployment's
strategy would have kept it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from dataplane.kubelet.api import Object
from dataplane.kubelet.services import Endpoint, ServiceKey


def must_serve(deployment: Object | None) -> int:
    """Return how many pods must serve at any time: `replicas` without `maxUnavailable`; 0 when all may end at once."""
    if deployment is None:
        return 0
    spec = deployment["spec"]
    strategy = spec.get("strategy", {})
    replicas = int(spec.get("replicas", 1))
    if strategy.get("type") == "Recreate":
        return 0
    allowed = strategy.get("rollingUpdate", {}).get("maxUnavailable", "25%")
    if isinstance(allowed, str) and allowed.endswith("%"):
        # Kubernetes rounds down.
        allowed = replicas * int(allowed[:-1]) // 100
    return replicas - int(allowed)


def recreates(deployment: Object | None) -> bool:
    """Tell whether all old pods must be gone before a new one starts."""
    return deployment is not None and deployment["spec"].get("strategy", {}).get("type") == "Recreate"


def kept_endpoints(services: Iterable[Object], kept: Iterable[Object]) -> dict[ServiceKey, list[Endpoint]]:
    """Return what Services would still have for pods that the API server has forgotten."""
    pods = list(kept)
    found: dict[ServiceKey, list[Endpoint]] = {}
    for service in services:
        metadata, spec = service["metadata"], service["spec"]
        for pod in pods:
            if pod["metadata"]["namespace"] == metadata["namespace"] and _selects(spec.get("selector"), pod):
                ports = tuple((port.get("name") or "", _target(port, pod)) for port in spec.get("ports") or [])
                endpoint = Endpoint(pod["status"]["podIP"], ports, None)
                found.setdefault((metadata["namespace"], metadata["name"]), []).append(endpoint)
    return found


def _selects(selector: Mapping[str, str] | None, pod: Object) -> bool:
    labels = pod["metadata"].get("labels", {})
    return bool(selector) and all(labels.get(key) == value for key, value in (selector or {}).items())


def _target(port: Mapping[str, Any], pod: Object) -> int:
    target = port.get("targetPort", port["port"])
    if isinstance(target, int):
        return target
    return next(
        int(each["containerPort"])
        for container in pod["spec"]["containers"]
        for each in container.get("ports", [])
        if each.get("name") == target
    )
