"""A unit's cluster, through its kubeconfig and nothing else: what its operator may see."""

import http.client
import json
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from kubernetes import client, stream
from kubernetes.client.exceptions import ApiException
from kubernetes.config import ConfigException, new_client_from_config
from urllib3.exceptions import HTTPError

from kubefate_pulumi.fate.names import PART_LABEL
from kubefate_pulumi.verify.model import CheckError, not_run

SIMULATED_NODE = "kwok.x-k8s.io/node"
"""The annotation of a node that runs nothing."""
REQUEST_SECONDS = 15


@dataclass(frozen=True)
class Workload:
    """A Deployment or StatefulSet: how many pods it wants, how many are ready."""

    kind: str
    name: str
    wanted: int
    ready: int

    @property
    def is_ready(self) -> bool:
        """Whether all its pods are ready."""
        return self.ready >= self.wanted


class UnitCluster:
    """The namespace of one unit."""

    def __init__(self, namespace: str, kubeconfig: Path | None, context: str | None) -> None:
        self.namespace = namespace
        self._kubeconfig = kubeconfig
        self._context = context

    @cached_property
    def _api(self) -> Any:  # noqa: ANN401 - the client has no types
        try:
            path = None if self._kubeconfig is None else str(self._kubeconfig)
            api = new_client_from_config(config_file=path, context=self._context)  # type: ignore[no-untyped-call]
        except (ConfigException, OSError) as error:
            raise CheckError(
                f"no usable kubeconfig: {error}",
                "Name context and kubeconfig in the unit's file, under site.kubernetes.",
            ) from None
        # One try: the ladder says at once what does not answer.
        api.configuration.retries = False
        return api

    @cached_property
    def _core(self) -> Any:  # noqa: ANN401 - likewise
        return client.CoreV1Api(self._api)

    def _read(self, call: Callable[..., Any], *words: str, **options: str) -> Any:  # noqa: ANN401 - JSON
        """Return the JSON document that a call of the client gets; None for what is not there."""
        try:
            answer = call(*words, **options, _preload_content=False, _request_timeout=REQUEST_SECONDS)
            return json.loads(answer.data)
        except ApiException as error:
            if error.status == http.client.NOT_FOUND:
                return None
            raise CheckError(
                f"the API server answers {error.status} {error.reason}",
                "Use credentials that may read the unit's namespace.",
            ) from None
        except (HTTPError, OSError) as error:
            raise CheckError(
                f"the API server does not answer: {_first_line(error)}",
                "Check the kubeconfig, and that this machine reaches the cluster.",
            ) from None

    def _items(self, call: Callable[..., Any], **options: str) -> list[Any]:
        found: list[Any] = self._read(call, self.namespace, **options)["items"]
        return found

    def version(self) -> str:
        """Return the cluster's version."""
        return str(self._read(client.VersionApi(self._api).get_code)["gitVersion"])

    def exists(self) -> bool:
        """Return whether the namespace is there."""
        return self._read(self._core.read_namespace, self.namespace) is not None

    def workloads(self) -> list[Workload]:
        """Return all Deployments and StatefulSets."""
        apps = client.AppsV1Api(self._api)
        lists = {"Deployment": apps.list_namespaced_deployment, "StatefulSet": apps.list_namespaced_stateful_set}
        return [
            Workload(kind, item["metadata"]["name"], item["spec"]["replicas"], item["status"].get("readyReplicas", 0))
            for kind, call in lists.items()
            for item in self._items(call)
        ]

    def claims(self) -> Mapping[str, str]:
        """Return the phase of each volume claim by name."""
        items = self._items(self._core.list_namespaced_persistent_volume_claim)
        return {item["metadata"]["name"]: item["status"]["phase"] for item in items}

    def service(self, name: str) -> Mapping[str, Any] | None:
        """Return a Service."""
        found: Mapping[str, Any] | None = self._read(self._core.read_namespaced_service, name, self.namespace)
        return found

    def secret(self, name: str) -> Mapping[str, str]:
        """Return the data of a Secret, base64."""
        found = self._read(self._core.read_namespaced_secret, name, self.namespace)
        if found is None:
            raise CheckError(f"there is no Secret {name}", "Run `pulumi up`.")
        data: Mapping[str, str] = found["data"]
        return data

    def pods(self, part: str | None = None) -> list[Mapping[str, Any]]:
        """Return the pods of a part, or all."""
        selector = {} if part is None else {"label_selector": f"{PART_LABEL}={part}"}
        return self._items(self._core.list_namespaced_pod, **selector)

    def _running_pod(self, part: str) -> str:
        pods = [pod for pod in self.pods(part) if pod["status"].get("phase") == "Running"]
        if not pods:
            raise not_run(f"no pod of {part} runs", "Needs it running; see V0.workloads.")
        if self._is_simulated(pods[0]["spec"]["nodeName"]):
            raise not_run(f"{part} is simulated: no process runs", f"Needs a real {part}: a cluster with real nodes.")
        return str(pods[0]["metadata"]["name"])

    def _is_simulated(self, node: str) -> bool:
        try:
            found = self._read(self._core.read_node, node) or {}
        except CheckError:
            # Whoever may see one namespace only, sees no nodes, and a simulated site gives everybody all rights.
            return False
        return SIMULATED_NODE in found.get("metadata", {}).get("annotations", {})

    @contextmanager
    def connect(self, part: str, port: int, seconds: float) -> Iterator[socket.socket]:
        """Connect to a port of a part's pod, as `kubectl port-forward` does.

        It comes from the pod's own node, so network policies do not stand in its way.
        """
        pod = self._running_pod(part)
        try:
            forward = stream.portforward(
                self._core.connect_get_namespaced_pod_portforward, pod, self.namespace, ports=str(port)
            )
        except (ApiException, HTTPError, OSError) as error:
            raise CheckError(f"no port-forward to {pod}: {_first_line(error)}", _FORWARD_REMEDY) from None
        try:
            connection = forward.socket(port)
            connection.settimeout(seconds)
            yield connection
        finally:
            forward.close()

    def run(self, part: str, container: str, command: Sequence[str], seconds: float) -> tuple[int, str]:
        """Run a command in a part's pod; return its exit code and what it printed."""
        pod = self._running_pod(part)
        try:
            running = stream.stream(
                self._core.connect_get_namespaced_pod_exec,
                pod,
                self.namespace,
                container=container,
                command=list(command),
                stdout=True,
                stderr=True,
                stdin=False,
                tty=False,
                _preload_content=False,
            )
        except (ApiException, HTTPError, OSError) as error:
            raise CheckError(f"nothing can be run in {pod}: {_first_line(error)}", _FORWARD_REMEDY) from None
        try:
            running.run_forever(timeout=seconds)
            if running.is_open():
                raise CheckError(f"no end after {seconds:.0f} s", f"Look into the log of {part}.")
            return int(running.returncode or 0), running.read_all()
        finally:
            running.close()


_FORWARD_REMEDY = "Use credentials with `create` on `pods/portforward` and `pods/exec` in the unit's namespace."


def _first_line(error: Exception) -> str:
    text = str(getattr(error, "reason", None) or error).strip()
    return text.splitlines()[0] if text else type(error).__name__
