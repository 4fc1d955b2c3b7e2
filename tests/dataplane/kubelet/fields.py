"""What a pod may know of itself: `fieldRef` and `resourceFieldRef` of environment and downward API volumes.

Kubernetes: "Downward API", and `pkg/fieldpath` for the format of maps.
"""

import re
from collections.abc import Mapping

from dataplane.kubelet.api import Object
from dataplane.kubelet.errors import KubeletError
from dataplane.kubelet.quantity import in_units

_SUBSCRIPT = re.compile(r"metadata\.(labels|annotations)\['([^']+)'\]")


def field_value(pod: Object, path: str) -> str:
    """Return the value of a pod's field.

    Raises:
        KubeletError: Kubernetes has no such field for pods.
    """
    metadata, spec, status = pod["metadata"], pod["spec"], pod["status"]
    if match := _SUBSCRIPT.fullmatch(path):
        return str((metadata.get(match[1]) or {}).get(match[2], ""))
    if path in ("metadata.labels", "metadata.annotations"):
        return _lines(metadata.get(path.removeprefix("metadata.")) or {})
    known = {
        "metadata.name": metadata["name"],
        "metadata.namespace": metadata["namespace"],
        "metadata.uid": metadata["uid"],
        "spec.nodeName": spec.get("nodeName", ""),
        "spec.serviceAccountName": spec.get("serviceAccountName", ""),
        "status.hostIP": status.get("hostIP", ""),
        "status.hostIPs": ",".join(each["ip"] for each in status.get("hostIPs", [])),
        "status.podIP": status.get("podIP", ""),
        "status.podIPs": ",".join(each["ip"] for each in status.get("podIPs", [])),
    }
    if path not in known:
        raise KubeletError(f"pod {metadata['name']}: unsupported fieldPath {path!r}")
    return str(known[path])


def resource_value(pod: Object, node: Object, container: str, reference: Mapping[str, str]) -> str:
    """Return a request or limit of a container; without a limit, what the node has.

    Raises:
        KubeletError: there is no such container or resource.
    """
    containers = [*pod["spec"]["containers"], *pod["spec"].get("initContainers", [])]
    name = reference.get("containerName", container)
    found = next((each for each in containers if each["name"] == name), None)
    kind, _, resource = reference["resource"].partition(".")
    if found is None or kind not in ("limits", "requests") or resource not in ("cpu", "memory", "ephemeral-storage"):
        raise KubeletError(f"pod {pod['metadata']['name']}: unsupported resourceFieldRef {dict(reference)}")
    allocatable = node["status"]["allocatable"][resource]
    default = allocatable if kind == "limits" else "0"
    value = found.get("resources", {}).get(kind, {}).get(resource, default)
    return in_units(str(value), str(reference.get("divisor", "0")))


def _lines(values: Mapping[str, str]) -> str:
    return "\n".join(f'{key}="{_escaped(values[key])}"' for key in sorted(values))


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
