"""Services, configuration objects, ingresses and budgets."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi_kubernetes import core, networking, policy

from kubefate_pulumi.kubernetes.fields import Fields
from kubefate_pulumi.kubernetes.metadata import SKIP_AWAIT
from kubefate_pulumi.kubernetes.scope import Scope


def service(
    scope: Scope,
    part: str,
    name: str,
    ports: Mapping[str, int],
    opts: pulumi.ResourceOptions,
    *,
    headless: bool = False,
) -> core.v1.Service:
    """Register a Service inside the cluster, `ports` from port name to number (also the container's).

    The engine does not wait for its endpoints: they say nothing that the workload's own readiness does not,
    and the wait costs 10 s each.
    """
    spec: Fields = {
        "type": "ClusterIP",
        "selector": scope.selector(part),
        "ports": [
            {"name": port, "port": number, "target_port": number, "protocol": "TCP"} for port, number in ports.items()
        ],
    }
    if headless:
        spec["cluster_ip"] = "None"
    return core.v1.Service(
        scope.resource_name(f"{name}-service"),
        metadata=scope.metadata(part, name, {SKIP_AWAIT: "true"}),
        spec=spec,
        opts=scope.child_options(opts),
    )


def config_map(
    scope: Scope,
    part: str,
    name: str,
    data: pulumi.Input[Mapping[str, str]],
    opts: pulumi.ResourceOptions,
) -> core.v1.ConfigMap:
    """Register a ConfigMap; nothing secret belongs into one."""
    return core.v1.ConfigMap(
        scope.resource_name(name),
        metadata=scope.metadata(part, name),
        data=data,
        opts=scope.child_options(opts),
    )


def secret(
    scope: Scope,
    part: str,
    name: str,
    data: Mapping[str, pulumi.Input[str]],
    opts: pulumi.ResourceOptions,
) -> core.v1.Secret:
    """Register a Secret from clear values; the engine keeps every one of them encrypted."""
    return core.v1.Secret(
        scope.resource_name(f"{name}-secret"),
        metadata=scope.metadata(part, name),
        type="Opaque",
        string_data={key: pulumi.Output.secret(value) for key, value in data.items()},
        opts=scope.child_options(opts),
    )


def ingress(
    scope: Scope,
    part: str,
    name: str,
    *,
    host: str,
    service_name: str,
    port: int,
    class_name: str | None,
    tls_secret: str | None,
    annotations: Mapping[str, str],
    opts: pulumi.ResourceOptions,
) -> networking.v1.Ingress:
    """Register an Ingress of one host to one Service. The engine does not wait for a controller to answer it."""
    path = {
        "path": "/",
        "path_type": "Prefix",
        "backend": {"service": {"name": service_name, "port": {"number": port}}},
    }
    spec: Fields = {"rules": [{"host": host, "http": {"paths": [path]}}]}
    if class_name is not None:
        spec["ingress_class_name"] = class_name
    if tls_secret is not None:
        spec["tls"] = [{"hosts": [host], "secret_name": tls_secret}]
    return networking.v1.Ingress(
        scope.resource_name(f"{name}-ingress"),
        metadata=scope.metadata(part, name, {SKIP_AWAIT: "true", **annotations}),
        spec=spec,
        opts=scope.child_options(opts),
    )


def disruption_budget(scope: Scope, part: str, opts: pulumi.ResourceOptions) -> policy.v1.PodDisruptionBudget:
    """Register a budget that lets a drain take one pod of the part at a time."""
    spec: Fields = {"max_unavailable": 1, "selector": {"match_labels": scope.selector(part)}}
    return policy.v1.PodDisruptionBudget(
        scope.resource_name(f"{part}-budget"),
        metadata=scope.metadata(part, part),
        spec=spec,
        opts=scope.child_options(opts),
    )


def from_secret(name: str, secret_name: str, key: str) -> Mapping[str, Any]:
    """Return an environment variable whose value is a key of a Secret."""
    return {"name": name, "value_from": {"secret_key_ref": {"name": secret_name, "key": key}}}


def from_field(name: str, path: str) -> Mapping[str, Any]:
    """Return an environment variable whose value is a field of the pod (`status.podIP`)."""
    return {"name": name, "value_from": {"field_ref": {"field_path": path}}}


def plain(name: str, value: str) -> Mapping[str, Any]:
    """Return an environment variable with a value in clear."""
    return {"name": name, "value": value}


def plain_env(values: Mapping[str, str]) -> list[Mapping[str, Any]]:
    """Return environment variables with values in clear."""
    return [plain(name, value) for name, value in values.items()]


def projected(*sources: tuple[str, str], mode: int = 0o444) -> Mapping[str, Any]:
    """Return a volume that lays several ConfigMaps and Secrets into one directory.

    Args:
        sources: Pairs of kind (`config_map` or `secret`) and object name.
        mode: Mode of the files.
    """
    return {
        "projected": {
            "default_mode": mode,
            "sources": [{kind: {"name": name}} for kind, name in sources],
        }
    }


def keys(*names: str) -> Sequence[Mapping[str, str]]:
    """Return the `items` of a volume source: these keys, under their own names."""
    return [{"key": name, "path": name} for name in names]
