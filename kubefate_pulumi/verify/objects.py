"""V0: the unit's objects are there and ready."""

from collections.abc import Iterator

from kubefate_pulumi.fate.names import public_service
from kubefate_pulumi.verify.cluster import UnitCluster
from kubefate_pulumi.verify.context import Check, UnitContext
from kubefate_pulumi.verify.model import CheckError


def checks(context: UnitContext) -> Iterator[Check]:
    """Yield the checks of step V0."""
    cluster = context.cluster
    version, namespace = "ask the API server for its version", f"find the namespace {cluster.namespace}"
    yield Check("V0.cluster", version, lambda: f"Kubernetes {cluster.version()}", decisive=True)
    yield Check("V0.namespace", namespace, lambda: _namespace(cluster), decisive=True)
    yield Check("V0.workloads", "count ready pods", lambda: _workloads(cluster))
    yield Check("V0.volumes", "find all volumes bound", lambda: _volumes(cluster))
    service = public_service(context.unit)
    yield Check("V0.address", f"read the address of the Service {service}", lambda: _address(context, service))


def _namespace(cluster: UnitCluster) -> str:
    if not cluster.exists():
        raise CheckError("it is not there", "Run `pulumi up`, or check context and namespace in the unit's file.")
    return "there"


def _workloads(cluster: UnitCluster) -> str:
    found = cluster.workloads()
    if not found:
        raise CheckError("there are no workloads", "Run `pulumi up` without `kubefate:endpoints_only`.")
    late = [each for each in found if not each.is_ready]
    if late:
        counts = ", ".join(f"{each.kind} {each.name} {each.ready} of {each.wanted}" for each in late)
        reasons = sorted({reason for pod in cluster.pods() for reason in _waiting(pod)})
        raise CheckError(
            f"not ready: {counts}" + (f" ({'; '.join(reasons)})" if reasons else ""),
            f"Look at `kubectl --namespace {cluster.namespace} describe pods`.",
        )
    return f"{sum(each.ready for each in found)} pods of {len(found)} workloads are ready"


def _waiting(pod: object) -> Iterator[str]:
    """Yield why a pod is not ready, without messages: they can hold what a program printed."""
    status = pod["status"]  # type: ignore[index]
    for condition in status.get("conditions", ()):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            yield f"{condition.get('reason', 'not scheduled')}"
    for each in (*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())):
        waiting = each.get("state", {}).get("waiting")
        if waiting is not None and waiting.get("reason") not in {"PodInitializing", "ContainerCreating"}:
            yield f"{each['name']}: {waiting.get('reason', 'waiting')}"


def _volumes(cluster: UnitCluster) -> str:
    claims = cluster.claims()
    unbound = sorted(name for name, phase in claims.items() if phase != "Bound")
    if unbound:
        raise CheckError(
            f"not bound: {', '.join(unbound)}",
            "Name an existing storage class in the party's file (storage.storage_class), or set a default one.",
        )
    return f"{len(claims)} bound"


def _address(context: UnitContext, name: str) -> str:
    service = context.cluster.service(name)
    if service is None:
        raise CheckError("the Service is not there", "Run `pulumi up`.")
    ingress = service["status"].get("loadBalancer", {}).get("ingress", [])
    reported = [entry.get("ip") or entry.get("hostname") for entry in ingress]
    host = context.given_address or (reported[0] if reported else None)
    if host is None:
        raise CheckError(
            "the load balancer has given no address",
            "Check the cluster's load balancer, or use exposure.type NodePort.",
        )
    if context.published_address not in {None, host}:
        raise CheckError(
            f"it is {host}, but stacks/peers/{context.unit}.yaml says {context.published_address}",
            f"Run `pulumi up --refresh` and publish again: pulumi stack output peer > stacks/peers/{context.unit}.yaml",
        )
    return str(host)
