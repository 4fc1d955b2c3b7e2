"""Compares what we register with what KubeFATE's charts deploy, field by field, as a set of named differences."""

from collections.abc import Iterable, Mapping
from typing import Any

from plan.recorder import Registration

Difference = tuple[str, str]
"""An object (`Service/nginx`), and what differs: `missing`, `added`, or a field."""


def differences(chart: Iterable[Mapping[str, Any]], ours: Iterable[Registration]) -> set[Difference]:
    theirs = {f"{item['kind']}/{item['name']}": item for item in chart}
    mine = {f"{item.kind}/{item.object_name}": item.inputs for item in ours}
    found = {(name, "missing") for name in theirs.keys() - mine.keys()}
    found |= {(name, "added") for name in mine.keys() - theirs.keys()}
    for name in theirs.keys() & mine.keys():
        facts = _FACTS[theirs[name]["kind"]]
        expected, actual = facts.chart(theirs[name]), facts.ours(mine[name])
        found |= {
            (name, field) for field in expected.keys() | actual.keys() if expected.get(field) != actual.get(field)
        }
    return found


class _ConfigMapFacts:
    @staticmethod
    def chart(item: Mapping[str, Any]) -> dict[str, Any]:
        return {"keys": set(item["keys"])}

    @staticmethod
    def ours(inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"keys": set(inputs.get("data", {}))}


class _ServiceFacts:
    @staticmethod
    def chart(item: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "type": item["type"],
            "headless": item["headless"],
            "selector": item["selectorModule"],
            "ports": {(port["name"], port["port"], port["targetPort"]) for port in item["ports"]},
        }

    @staticmethod
    def ours(inputs: Mapping[str, Any]) -> dict[str, Any]:
        spec = inputs["spec"]
        return {
            "type": spec["type"],
            "headless": spec.get("clusterIP") == "None",
            "selector": spec["selector"]["fateMoudle"],
            "ports": {(port["name"], port["port"], port["targetPort"]) for port in spec["ports"]},
        }


class _WorkloadFacts:
    @staticmethod
    def chart(item: Mapping[str, Any]) -> dict[str, Any]:
        containers = item["containers"]
        facts = {
            "replicas": item["replicas"],
            "serviceName": item.get("serviceName"),
            "strategy": item.get("strategy"),
            "claims": {claim["name"] for claim in item.get("volumeClaimTemplates", ())},
            "initContainers": {container["name"] for container in item.get("initContainers", ())},
            "containers": {container["name"] for container in containers},
            "images": {container["image"] for container in containers},
            "containerPorts": {port["containerPort"] for c in containers for port in c["ports"]},
            "env": {name for container in containers for name in container["envNames"]},
            "mounts": {mount["mountPath"].rstrip("/") for c in containers for mount in c["volumeMounts"]},
        }
        return {key: value for key, value in facts.items() if value}

    @staticmethod
    def ours(inputs: Mapping[str, Any]) -> dict[str, Any]:
        spec = inputs["spec"]
        pod = spec["template"]["spec"]
        containers = pod["containers"]
        facts = {
            "replicas": spec["replicas"],
            "serviceName": spec.get("serviceName"),
            "strategy": spec.get("strategy", {}).get("type"),
            "claims": {claim["metadata"]["name"] for claim in spec.get("volumeClaimTemplates", ())},
            "initContainers": {container["name"] for container in pod.get("initContainers", ())},
            "containers": {container["name"] for container in containers},
            "images": {container["image"] for container in containers},
            "containerPorts": {port["containerPort"] for c in containers for port in c.get("ports", ())},
            "env": {variable["name"] for container in containers for variable in container.get("env", ())},
            "mounts": {mount["mountPath"].rstrip("/") for c in containers for mount in c.get("volumeMounts", ())},
        }
        return {key: value for key, value in facts.items() if value}


class _IngressFacts:
    @staticmethod
    def chart(item: Mapping[str, Any]) -> dict[str, Any]:
        return {"backends": {(b["service"], b["port"]) for rule in item["rules"] for b in rule["backends"]}}

    @staticmethod
    def ours(inputs: Mapping[str, Any]) -> dict[str, Any]:
        paths = [path for rule in inputs["spec"]["rules"] for path in rule["http"]["paths"]]
        services = [path["backend"]["service"] for path in paths]
        return {"backends": {(service["name"], service["port"]["number"]) for service in services}}


_FACTS: dict[str, Any] = {
    "ConfigMap": _ConfigMapFacts,
    "Service": _ServiceFacts,
    "Deployment": _WorkloadFacts,
    "StatefulSet": _WorkloadFacts,
    "Ingress": _IngressFacts,
}
