"""Pods and their controllers, from plain descriptions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi_kubernetes import apps

from kubefate_pulumi.kubernetes.fields import Fields
from kubefate_pulumi.kubernetes.metadata import CONTENT_HASH
from kubefate_pulumi.kubernetes.scope import Scope
from kubefate_pulumi.kubernetes.security import (
    ROOT_IMAGE,
    RunAs,
    container_security_context,
    pod_security_context,
)

READY_TIMEOUT = "30m"
"""How long a workload may take to become ready: the images have gigabytes and may come over a thin line."""


NO_GRACE = 10
"""Seconds until a pod is killed whose image's start script does not pass the signal on: waiting longer helps nobody."""


@dataclass(frozen=True)
class Resources:
    """What a container asks for: `cpu` in cores (`500m`, `2`), `memory` as a quantity (`4Gi`).

    Memory is request and limit, so that a node is never overcommitted; `cpu_limit` is set only where the
    program sizes itself by it.
    """

    cpu: str
    memory: str
    cpu_limit: str | None = None

    def fields(self) -> Mapping[str, Any]:
        """Return the `resources` field of a container."""
        limits = {"memory": self.memory} | ({"cpu": self.cpu_limit} if self.cpu_limit else {})
        return {"requests": {"cpu": self.cpu, "memory": self.memory}, "limits": limits}


@dataclass(frozen=True)
class Claim:
    """A volume of a StatefulSet: its name, size (`10Gi`) and storage class (None: the cluster's default)."""

    name: str
    size: str
    storage_class: str | None = None

    def template(self, labels: Mapping[str, str]) -> Mapping[str, Any]:
        """Return the entry of `volumeClaimTemplates`."""
        spec: dict[str, Any] = {
            "access_modes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": self.size}},
        }
        if self.storage_class is not None:
            spec["storage_class_name"] = self.storage_class
        return {"metadata": {"name": self.name, "labels": dict(labels)}, "spec": spec}


@dataclass(frozen=True)
class Mount:
    """Where a volume appears in a container; `sub_path` mounts one file or directory and is never updated."""

    volume: str
    path: str
    sub_path: str | None = None
    read_only: bool = True

    def fields(self) -> Mapping[str, Any]:
        """Return the entry of `volumeMounts`."""
        mount: dict[str, Any] = {"name": self.volume, "mount_path": self.path}
        if self.sub_path is not None:
            mount["sub_path"] = self.sub_path
        if self.read_only:
            mount["read_only"] = True
        return mount


@dataclass(frozen=True)
class Container:
    """One container. `ports` maps a name to a number; `probes` is what `kubernetes.probes` returns."""

    name: str
    image: str
    resources: Resources
    ports: Mapping[str, int] = field(default_factory=dict)
    command: Sequence[str] = ()
    args: Sequence[str] = ()
    env: Sequence[Mapping[str, Any]] = ()
    env_from: Sequence[Mapping[str, Any]] = ()
    mounts: Sequence[Mount] = ()
    probes: Mapping[str, Any] = field(default_factory=dict)
    lifecycle: Mapping[str, Any] | None = None

    def fields(self, run_as: RunAs) -> Mapping[str, Any]:
        """Return the entry of `containers` or `initContainers`."""
        fields: dict[str, Any] = {
            "name": self.name,
            "image": self.image,
            "image_pull_policy": "IfNotPresent",
            "resources": self.resources.fields(),
            "security_context": container_security_context(run_as),
            **self.probes,
        }
        optional: dict[str, Any] = {
            "ports": [{"name": name, "container_port": number} for name, number in self.ports.items()],
            "command": list(self.command),
            "args": list(self.args),
            "env": list(self.env),
            "env_from": list(self.env_from),
            "volume_mounts": [mount.fields() for mount in self.mounts],
            "lifecycle": self.lifecycle,
        }
        return fields | {name: value for name, value in optional.items() if value}


@dataclass(frozen=True)
class Pod:
    """A pod template.

    `volumes` maps a volume's name to its source. `content_hash` names the state of the files that are read
    only at start: when it changes, the pods are rolled. `host_aliases` maps an address to names.
    """

    containers: Sequence[Container]
    init_containers: Sequence[Container] = ()
    volumes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    content_hash: pulumi.Input[str] | None = None
    run_as: RunAs = ROOT_IMAGE
    host_aliases: Mapping[str, Sequence[str]] = field(default_factory=dict)
    spread: Sequence[Mapping[str, Any]] = ()
    termination_seconds: int | None = None

    def template(self, scope: Scope, part: str) -> Mapping[str, Any]:
        """Return the `template` field of a workload."""
        annotations = {} if self.content_hash is None else {CONTENT_HASH: self.content_hash}
        spec: dict[str, Any] = {
            # No program of a federation calls the Kubernetes API.
            "automount_service_account_token": False,
            "enable_service_links": False,
            "security_context": pod_security_context(self.run_as),
            "containers": [container.fields(self.run_as) for container in self.containers],
        }
        optional: dict[str, Any] = {
            "init_containers": [container.fields(self.run_as) for container in self.init_containers],
            "volumes": [{"name": name, **source} for name, source in self.volumes.items()],
            "host_aliases": [{"ip": ip, "hostnames": list(names)} for ip, names in self.host_aliases.items()],
            "topology_spread_constraints": list(self.spread),
            "termination_grace_period_seconds": self.termination_seconds,
            "image_pull_secrets": [{"name": name} for name in scope.image_pull_secrets],
        }
        spec |= {name: value for name, value in optional.items() if value}
        metadata: dict[str, Any] = {"labels": scope.labels(part)}
        if annotations:
            metadata["annotations"] = annotations
        return {"metadata": metadata, "spec": spec}


def spread_over_nodes(scope: Scope, part: str) -> Sequence[Mapping[str, Any]]:
    """Return the constraint that a part's pods go to different nodes where there are enough."""
    return [
        {
            "max_skew": 1,
            "topology_key": "kubernetes.io/hostname",
            # A cluster of one node still gets its pods.
            "when_unsatisfiable": "ScheduleAnyway",
            "label_selector": {"match_labels": scope.selector(part)},
        }
    ]


def _options(scope: Scope, opts: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
    timeouts = pulumi.CustomTimeouts(create=READY_TIMEOUT, update=READY_TIMEOUT)
    return pulumi.ResourceOptions.merge(scope.child_options(opts), pulumi.ResourceOptions(custom_timeouts=timeouts))


def stateful_set(
    scope: Scope,
    part: str,
    pod: Pod,
    opts: pulumi.ResourceOptions,
    *,
    service: str,
    claims: Sequence[Claim] = (),
    replicas: int = 1,
) -> apps.v1.StatefulSet:
    """Register the StatefulSet of a part, named like the part.

    Args:
        scope: The unit it belongs to.
        part: Name of the part and of the object.
        pod: Its pod template.
        opts: Options of the resource; the parent is the part's component.
        service: Name of the governing Service.
        claims: One volume each per pod.
        replicas: Number of pods, all started at once: no program here needs its predecessor.
    """
    spec: Fields = {
        "service_name": service,
        "replicas": replicas,
        "pod_management_policy": "Parallel",
        "selector": {"match_labels": scope.selector(part)},
        "template": pod.template(scope, part),
        # Labels that never change: a claim template cannot.
        "volume_claim_templates": [claim.template(scope.selector(part)) for claim in claims],
    }
    return apps.v1.StatefulSet(
        scope.resource_name(part),
        metadata=scope.metadata(part, part),
        spec=spec,
        opts=_options(scope, opts),
    )


def deployment(
    scope: Scope,
    part: str,
    pod: Pod,
    opts: pulumi.ResourceOptions,
    *,
    replicas: int = 1,
    strategy: Mapping[str, Any] | None = None,
) -> apps.v1.Deployment:
    """Register the Deployment of a part, named like the part.

    Args:
        scope: The unit it belongs to.
        part: Name of the part and of the object.
        pod: Its pod template.
        opts: Options of the resource; the parent is the part's component.
        replicas: Number of pods.
        strategy: How pods are exchanged; by default all old ones end before new ones start.
    """
    spec: Fields = {
        "replicas": replicas,
        "strategy": strategy or {"type": "Recreate"},
        "selector": {"match_labels": scope.selector(part)},
        "template": pod.template(scope, part),
    }
    return apps.v1.Deployment(
        scope.resource_name(part),
        metadata=scope.metadata(part, part),
        spec=spec,
        opts=_options(scope, opts),
    )
