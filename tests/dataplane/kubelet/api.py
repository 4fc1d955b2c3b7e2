"""Objects as an API server has them: plain JSON with the field names of the wire. Nothing here knows our product."""

import base64
from collections.abc import Mapping
from typing import Any, Protocol

from dataplane.kubelet.errors import KubeletError
from kubernetes.client import ApiException

Object = Mapping[str, Any]
NOT_FOUND = 404


class Getter(Protocol):
    """A client of one API server; `engine.sites.SiteClient` is one (the official client beneath)."""

    def get(self, path: str) -> dict[str, Any]:
        """Return the answer to a GET.

        Raises:
            ApiException: the server refused.
        """


class Api:
    """Reads one site's API server. Every call asks anew: nothing is cached."""

    def __init__(self, client: Getter) -> None:
        self._client = client

    def pods(self, namespace: str) -> list[Object]:
        """Return the pods of a namespace, sorted by name."""
        return self._list(f"/api/v1/namespaces/{namespace}/pods")

    def all_uids(self) -> set[str]:
        """Return the UIDs of all pods that are not about to be deleted."""
        pods = self._list("/api/v1/pods")
        return {each["metadata"]["uid"] for each in pods if "deletionTimestamp" not in each["metadata"]}

    def pod(self, namespace: str, name: str) -> Object | None:
        """Return a pod, or None when there is none."""
        return self._find(f"/api/v1/namespaces/{namespace}/pods/{name}")

    def pods_of(self, namespace: str, workload: str) -> list[Object]:
        """Return the pods of a Deployment, a StatefulSet or a DaemonSet, found by who owns them."""
        sets = self._list(f"/apis/apps/v1/namespaces/{namespace}/replicasets")
        owned = {each["metadata"]["name"] for each in sets if ("Deployment", workload) in _owners(each)}
        wanted = {("StatefulSet", workload), ("DaemonSet", workload), *(("ReplicaSet", name) for name in owned)}
        return [each for each in self.pods(namespace) if wanted & _owners(each)]

    def replicas_wanted(self, pod: Object) -> int:
        """Return how many pods the ReplicaSet of a pod is to have; 0 without one, or when it is gone."""
        names = [name for kind, name in _owners(pod) if kind == "ReplicaSet"]
        path = f"/apis/apps/v1/namespaces/{pod['metadata']['namespace']}/replicasets"
        found = [self._find(f"{path}/{name}") for name in names]
        return sum(each["spec"].get("replicas", 1) for each in found if each is not None)

    def deployment(self, namespace: str, name: str) -> Object | None:
        """Return a Deployment, or None when there is none of that name."""
        return self._find(f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}")

    def services(self, namespace: str | None = None) -> list[Object]:
        """Return the Services of a namespace, or of all."""
        return self._list("/api/v1/services" if namespace is None else f"/api/v1/namespaces/{namespace}/services")

    def endpoint_slices(self) -> list[Object]:
        """Return the EndpointSlices of all namespaces."""
        return self._list("/apis/discovery.k8s.io/v1/endpointslices")

    def nodes(self) -> list[Object]:
        """Return the nodes."""
        return self._list("/api/v1/nodes")

    def service_range(self) -> str:
        """Return the block of cluster addresses, as `10.118.0.0/20`."""
        found = self._client.get("/apis/networking.k8s.io/v1/servicecidrs/kubernetes")
        return str(found["spec"]["cidrs"][0])

    def config_map(self, namespace: str, name: str) -> dict[str, bytes] | None:
        """Return a ConfigMap's keys and values, or None when there is none."""
        found = self._find(f"/api/v1/namespaces/{namespace}/configmaps/{name}")
        if found is None:
            return None
        text = {key: value.encode() for key, value in (found.get("data") or {}).items()}
        return text | _decoded(found.get("binaryData"))

    def secret(self, namespace: str, name: str) -> dict[str, bytes] | None:
        """Return a Secret's keys and decoded values, or None when there is none."""
        found = self._find(f"/api/v1/namespaces/{namespace}/secrets/{name}")
        return None if found is None else _decoded(found.get("data"))

    def claim(self, namespace: str, name: str) -> Object:
        """Return a PersistentVolumeClaim, which must be bound.

        Raises:
            KubeletError: it is not there or not bound.
        """
        found = self._find(f"/api/v1/namespaces/{namespace}/persistentvolumeclaims/{name}")
        if found is None or found["status"].get("phase") != "Bound":
            raise KubeletError(f"persistentvolumeclaim {namespace}/{name} is not bound")
        return found

    def _find(self, path: str) -> Object | None:
        try:
            return self._client.get(path)
        except ApiException as error:
            if error.status == NOT_FOUND:
                return None
            raise

    def _list(self, path: str) -> list[Object]:
        def name(item: Object) -> tuple[str, str]:
            return item["metadata"].get("namespace", ""), item["metadata"]["name"]

        return sorted(self._client.get(path)["items"], key=name)


def _owners(item: Object) -> set[tuple[str, str]]:
    return {(each["kind"], each["name"]) for each in item["metadata"].get("ownerReferences", [])}


def _decoded(data: Mapping[str, str] | None) -> dict[str, bytes]:
    return {key: base64.b64decode(value) for key, value in (data or {}).items()}
