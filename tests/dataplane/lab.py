"""Pods of a test's own on a simulated site, made with the official client and run by the harness."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import kubernetes
from dataplane.kubelet.api import Object
from dataplane.kubelet.cage import wait_for
from dataplane.kubelet.kubelet import Kubelet
from dataplane.kubelet.pod import Pod
from dataplane.kubelet.services import load_balancer_addresses
from dataplane.kubelet.site import Site
from engine.sites import SiteClient

SITE = "party-9999"
FOREVER = ["sleep", "infinity"]
WEB = 8080
_NGINX_CONF = f"""\
daemon off;
user nginx nginx;
error_log stderr;
events {{}}
http {{
    access_log off;
    server {{ listen {WEB}; location / {{ return 200 "$hostname $remote_addr"; }} }}
}}
"""


@dataclass
class Lab:
    """A namespace, and a harness that runs the pods that are made in it."""

    client: SiteClient
    kubelet: Kubelet
    site_name: str = SITE
    namespace: str = field(default_factory=lambda: f"lab-{secrets.token_hex(4)}")

    def __post_init__(self) -> None:
        body: Any = {"metadata": {"name": self.namespace}}
        self.client.core.create_namespace(body)
        wait_for(self._has_account, 20, lambda: f"no service account in {self.namespace}")

    @property
    def site(self) -> Site:
        return self.kubelet.site(self.site_name, self.client)

    def drop(self) -> None:
        self.client.core.delete_namespace(self.namespace)

    def config_map(self, name: str, data: Mapping[str, str], binary: Mapping[str, str] | None = None) -> None:
        """Make a ConfigMap, or give it other content; `binary` is in base64."""
        body = {"metadata": {"name": name}, "data": dict(data), "binaryData": dict(binary or {})}
        self._put(body, self.client.core.create_namespaced_config_map, self.client.core.replace_namespaced_config_map)

    def secret(self, name: str, data: Mapping[str, str]) -> None:
        """Make a Secret, or give it other content."""
        body = {"metadata": {"name": name}, "stringData": dict(data)}
        self._put(body, self.client.core.create_namespaced_secret, self.client.core.replace_namespaced_secret)

    def service(self, name: str, selector: Mapping[str, str], port: int, **spec: Any) -> None:
        ports = [{"name": "main", "port": port, "targetPort": port}]
        body: Any = {"metadata": {"name": name}, "spec": {"selector": dict(selector), "ports": ports, **spec}}
        self.client.core.create_namespaced_service(self.namespace, body)

    def claim(self, name: str) -> None:
        spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
        body: Any = {"metadata": {"name": name}, "spec": spec}
        self.client.core.create_namespaced_persistent_volume_claim(self.namespace, body)

    def pod(
        self,
        container: Mapping[str, Any],
        *,
        name: str = "pod",
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
        **spec: Any,
    ) -> Pod:
        """Make a pod of one container and let the harness run it; come back when it runs.

        Args:
            container: its fields; image and command have defaults.
            name: of the pod; its container is `main`.
            labels: of the pod.
            annotations: of the pod.
            spec: further fields of the pod.
        """
        main = {"name": "main", "image": "busybox:1.36.1", "command": FOREVER, **container}
        metadata = {"name": name, "labels": dict(labels or {}), "annotations": dict(annotations or {})}
        defaults = {"terminationGracePeriodSeconds": 2, "automountServiceAccountToken": False}
        body: Any = {"metadata": metadata, "spec": {"containers": [main], **defaults, **spec}}
        self.client.core.create_namespaced_pod(self.namespace, body)
        wait_for(lambda: self._running(name), 30, lambda: f"pod {name} gets no address")
        self.site.follow_pod(self.namespace, name)
        self.site.sync()
        pod = self.site.pods[self.namespace, name]
        wait_for(lambda: pod.started or pod.failure is not None, 20, pod.story)
        assert pod.failure is None, pod.story()
        return pod

    def service_object(self, name: str) -> Object:
        """Return a Service as the API server has it."""
        (found,) = (each for each in self.site.api.services(self.namespace) if each["metadata"]["name"] == name)
        return found

    def cluster_address(self, name: str) -> str:
        """Return the cluster address of a Service."""
        return str(self.service_object(name)["spec"]["clusterIP"])

    def public_address(self, name: str) -> str:
        """Return the address of a Service's load balancer."""
        wait_for(
            lambda: bool(load_balancer_addresses(self.service_object(name))), 20, lambda: f"{name} gets no address"
        )
        return load_balancer_addresses(self.service_object(name))[0]

    def web_server(self, name: str, **fields: Any) -> Pod:
        """Make a pod that answers on `WEB` with its name and the caller's address; it carries the label `app: web`."""
        self.config_map("web", {"nginx.conf": _NGINX_CONF})
        container = {
            "image": "nginx:1.28.0",
            "command": ["nginx", "-c", "/etc/web/nginx.conf"],
            "volumeMounts": [{"name": "conf", "mountPath": "/etc/web"}],
            "readinessProbe": {"tcpSocket": {"port": WEB}, "periodSeconds": 1},
            **fields,
        }
        volumes = [{"name": "conf", "configMap": {"name": "web"}}]
        pod = self.pod(container, name=name, labels={"app": "web"}, volumes=volumes)
        # As long as the API server takes to know the pod by its Services.
        wait_for(lambda: self.listed(name), 20, lambda: f"no EndpointSlice has {name}")
        return pod

    def listed(self, name: str) -> bool:
        """Tell whether an EndpointSlice of every Service of the namespace has a pod."""
        slices = [each for each in self.site.api.endpoint_slices() if each["metadata"]["namespace"] == self.namespace]
        having = {
            each["metadata"]["labels"]["kubernetes.io/service-name"]
            for each in slices
            if any(point["targetRef"]["name"] == name for point in each["endpoints"] or [])
        }
        return {each["metadata"]["name"] for each in self.site.api.services(self.namespace)} == having

    def _running(self, name: str) -> bool:
        found = self.site.api.pod(self.namespace, name)
        return found is not None and "podIP" in found["status"]

    def _has_account(self) -> bool:
        accounts = self.client.get(f"/api/v1/namespaces/{self.namespace}/serviceaccounts")["items"]
        return any(each["metadata"]["name"] == "default" for each in accounts)

    def _put(self, body: dict[str, Any], create: Callable[..., object], replace: Callable[..., object]) -> None:
        try:
            create(self.namespace, body)
        except kubernetes.client.ApiException as error:
            if error.status != 409:
                raise
            replace(body["metadata"]["name"], self.namespace, body)
