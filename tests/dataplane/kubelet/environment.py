"""A container's environment, as the kubelet makes it.

Kubernetes: `Kubelet.makeEnvironmentVariables`, `third_party/forked/golang/expansion`, `pkg/kubelet/envvars`.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from dataplane.kubelet.api import Api, Object
from dataplane.kubelet.errors import KubeletError
from dataplane.kubelet.fields import field_value, resource_value

_REFERENCE = re.compile(r"\$(\$|\([^)]*\))")


def expand(text: str, values: Mapping[str, str]) -> str:
    """Replace `$(NAME)` by a value; `$$` is a `$`, and an unknown name stays as it is written."""

    def value(match: re.Match[str]) -> str:
        return "$" if match[1] == "$" else values.get(match[1][1:-1], match[0])

    return _REFERENCE.sub(value, text)


def environment(api: Api, pod: Object, container: Object, node: Object) -> dict[str, str]:
    """Return the variables that the pod's object gives a container; those of the image are not among them.

    Raises:
        KubeletError: a ConfigMap, a Secret or a key that is not optional is missing.
    """
    namespace = pod["metadata"]["namespace"]
    links = service_variables(api, namespace, all_services=pod["spec"].get("enableServiceLinks", True))
    found: dict[str, str] = {}
    for source in container.get("envFrom", []):
        found |= _from_source(api, namespace, source)
    for entry in container.get("env", []):
        source = entry.get("valueFrom")
        if source is None:
            value: str | None = expand(entry.get("value", ""), links | found)
        else:
            value = _value_from(api, pod, container, node, source)
        if value is not None:
            found[entry["name"]] = value
    return {**links, **found}


def _value_from(api: Api, pod: Object, container: Object, node: Object, source: Object) -> str | None:
    namespace = pod["metadata"]["namespace"]
    ((kind, reference),) = source.items()
    if kind == "fieldRef":
        return field_value(pod, reference["fieldPath"])
    if kind == "resourceFieldRef":
        return resource_value(pod, node, container["name"], reference)
    readers = {"configMapKeyRef": api.config_map, "secretKeyRef": api.secret}
    if kind not in readers:
        raise KubeletError(f"container {container['name']}: unsupported valueFrom {kind}")
    return _key(readers[kind], namespace, kind, reference)


def _key(
    read: Callable[[str, str], dict[str, bytes] | None], namespace: str, kind: str, reference: Mapping[str, Any]
) -> str | None:
    data = read(namespace, reference["name"])
    if data is not None and reference["key"] in data:
        return data[reference["key"]].decode()
    if reference.get("optional"):
        return None
    raise KubeletError(f"{kind}: {namespace}/{reference['name']} has no key {reference['key']!r}")


def _from_source(api: Api, namespace: str, source: Object) -> dict[str, str]:
    kind = "configMapRef" if "configMapRef" in source else "secretRef"
    reference = source[kind]
    read = api.config_map if kind == "configMapRef" else api.secret
    data = read(namespace, reference["name"])
    if data is None:
        if reference.get("optional"):
            return {}
        raise KubeletError(f"envFrom: there is no {namespace}/{reference['name']} ({kind})")
    prefix = source.get("prefix", "")
    return {f"{prefix}{key}": value.decode() for key, value in data.items()}


def service_variables(api: Api, namespace: str, *, all_services: bool) -> dict[str, str]:
    """Return the variables of the Services: the API server's always, those of the namespace if asked for."""
    services = [each for each in api.services("default") if each["metadata"]["name"] == "kubernetes"]
    if all_services:
        services += [each for each in api.services(namespace) if each not in services]
    found: dict[str, str] = {}
    for service in services:
        if service["spec"].get("clusterIP") not in (None, "", "None") and service["spec"].get("ports"):
            found |= _variables_of(service)
    return found


def _variables_of(service: Object) -> Mapping[str, str]:
    name = service["metadata"]["name"].upper().replace("-", "_")
    address = service["spec"]["clusterIP"]
    ports = service["spec"]["ports"]
    found = {f"{name}_SERVICE_HOST": address, f"{name}_SERVICE_PORT": str(ports[0]["port"])}
    for port in ports:
        if port.get("name"):
            found[f"{name}_SERVICE_PORT_{port['name'].upper().replace('-', '_')}"] = str(port["port"])
    return found | dict(_docker_variables(name, address, ports))


def _docker_variables(name: str, address: str, ports: Iterable[Mapping[str, Any]]) -> Iterable[tuple[str, str]]:
    for at, port in enumerate(ports):
        protocol = port.get("protocol", "TCP")
        url = f"{protocol.lower()}://{address}:{port['port']}"
        if at == 0:
            yield f"{name}_PORT", url
        prefix = f"{name}_PORT_{port['port']}_{protocol}"
        yield prefix, url
        yield f"{prefix}_PROTO", protocol.lower()
        yield f"{prefix}_PORT", str(port["port"])
        yield f"{prefix}_ADDR", address
