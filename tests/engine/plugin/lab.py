"""A namespace of a simulated site, a stack, and the objects that a test puts into both."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pulumi
from engine.inline import InlineStack, Outcome
from engine.sites import SiteClient
from engine.steps import Step
from engine.support import wait_until
from kubernetes.client import ApiException
from pulumi_kubernetes import Provider
from pulumi_kubernetes.apps.v1 import Deployment
from pulumi_kubernetes.core.v1 import ConfigMap

Json = dict[str, Any]

SITE = "exchange"
IMAGE = "registry.example.org/app:1"
CONFIG_MAPS = "api/v1/configmaps"
DEPLOYMENTS = "apis/apps/v1/deployments"
SERVICES = "api/v1/services"
DRILL = "simulator.kubefate/pod"
PENDING = {DRILL: "pending"}
"""Annotation of a pod that does not get ready before somebody takes it away."""


class Lab:
    """What a test of the Kubernetes plugin works with.

    Attributes:
        client: the official client of the site.
        site: the site's name, which is its context's too.
        namespace: the test's own namespace, which is there before the first program runs.
        suffix: ends the names of what is in no namespace.
    """

    def __init__(self, stack: InlineStack, client: SiteClient, kubeconfig: str, suffix: str) -> None:
        self.stack = stack
        self.client = client
        self.site = client.name
        self.kubeconfig = kubeconfig
        self.suffix = suffix
        self.namespace = f"plugin-{suffix}"

    def options(self, name: str = "site", **arguments: Any) -> pulumi.ResourceOptions:
        """Make a provider for the test's namespace and return options that use it. Call it in a program."""
        given = {"kubeconfig": self.kubeconfig, "context": self.site, "namespace": self.namespace} | arguments
        return pulumi.ResourceOptions(provider=Provider(name, **given))

    def up(self, program: Callable[[], None], **options: Any) -> Outcome:
        """Update, which must succeed."""
        return self.stack.up(program, **options).check()

    def fail(self, program: Callable[[], None]) -> str:
        """Update, which must fail; return what was said."""
        return said(self.stack.up(program))

    def state(self, name: str) -> Json:
        """Return a resource of the stored state by its logical name."""
        found = self._states(name)
        assert len(found) == 1, name
        return found[0]

    def has(self, name: str) -> bool:
        """Say whether the stored state has a resource of that logical name."""
        return bool(self._states(name))

    def _states(self, name: str) -> list[Json]:
        resources = self.stack.export().get("resources", [])
        return [each for each in resources if each["urn"].rsplit("::", 1)[-1] == name]

    def stored(self) -> str:
        """Return the text of the stack's file, as it lies on the disk."""
        backend = urlsplit(self.stack._stack.workspace.env_vars["PULUMI_BACKEND_URL"]).path
        return Path(backend, ".pulumi", "stacks", "inline", "test.json").read_text(encoding="utf-8")

    def path(self, kind: str, name: str) -> str:
        """Return the path of an object in the test's namespace; `kind` is as `api/v1/configmaps`."""
        prefix, _, plural = kind.rpartition("/")
        return f"/{prefix}/namespaces/{self.namespace}/{plural}/{name}"

    def get(self, kind: str, name: str) -> Json:
        """Return an object of the test's namespace."""
        return self.client.get(self.path(kind, name))

    def exists(self, kind: str, name: str) -> bool:
        """Say whether the test's namespace has the object."""
        try:
            self.get(kind, name)
        except ApiException as error:
            if error.status != 404:
                raise
            return False
        except json.JSONDecodeError as error:
            # What is said of a kind that is not served is no JSON.
            assert error.doc.startswith("404 "), error.doc  # noqa: PT017
            return False
        return True

    def lists(self, kind: str) -> bool:
        """Say whether the kind is served."""
        return self.exists(kind, "")

    def comes(self, kind: str, name: str) -> None:
        """Wait until the test's namespace has the object."""
        wait_until(lambda: self.exists(kind, name), f"{kind} {name} is there")

    @contextmanager
    def meanwhile(self, other: Callable[[], None]) -> Iterator[None]:
        """Do something at the same time as the body, as somebody else would; a failure of it is raised at the end."""
        with ThreadPoolExecutor(max_workers=1) as pool:
            doing = pool.submit(other)
            yield
            doing.result()

    def ready(self, name: str) -> None:
        """Wait until a Deployment is available."""

        def available() -> bool:
            conditions = self.get(DEPLOYMENTS, name)["status"].get("conditions", [])
            return any((each["type"], each["status"]) == ("Available", "True") for each in conditions)

        wait_until(available, f"{name} is available")

    def heal(self) -> None:
        """End the drill of the namespace's pods, once there is one."""
        pods = lambda: self.client.core.list_namespaced_pod(self.namespace).items  # noqa: E731
        wait_until(pods, "a pod is there")
        for pod in pods():
            self.patch("api/v1/pods", pod.metadata.name, {"metadata": {"annotations": {DRILL: None}}}, "test")

    def uid(self, kind: str, name: str) -> str:
        """Return the uid of an object of the test's namespace."""
        return str(self.get(kind, name)["metadata"]["uid"])

    def patch(self, kind: str, name: str, body: Json, manager: str, *, subresource: str = "") -> None:
        """Change an object as somebody else would; `manager` is the field manager's name."""
        self._write("PATCH", self.path(kind, name) + subresource, body, manager, "application/merge-patch+json")

    def apply(self, kind: str, name: str, body: Json, manager: str) -> None:
        """Apply an object on the server's side, as somebody else."""
        path = f"{self.path(kind, name)}?fieldManager={manager}&force=true"
        self._write("PATCH", path, body, "", "application/apply-patch+yaml")

    def delete(self, kind: str, name: str) -> None:
        """Delete an object behind Pulumi's back."""
        self._write("DELETE", self.path(kind, name), None, "", "application/json")

    def _write(self, method: str, path: str, body: Json | None, manager: str, content: str) -> None:
        headers = {"Accept": "application/json", "Content-Type": content}
        api = self.client.api
        api.update_params_for_auth(headers, [], ["BearerToken"], path, method, body)
        query = [("fieldManager", manager)] if manager else []
        target, _, given = path.partition("?")
        query += [tuple(part.split("=")) for part in given.split("&") if part]
        api.call_api(method, api.configuration.host + target + _query(query), headers, body)


def _query(pairs: list[Any]) -> str:
    return "?" + "&".join(f"{name}={value}" for name, value in pairs) if pairs else ""


def config_map(name: str, options: pulumi.ResourceOptions, *, named: bool = True, **arguments: Any) -> ConfigMap:
    """Register a ConfigMap whose object has the resource's name, or an automatic one."""
    metadata = dict(arguments.pop("metadata", {}))
    if named:
        metadata["name"] = name
    return ConfigMap(name, metadata=metadata or None, opts=options, **arguments)


def deployment(name: str, options: pulumi.ResourceOptions, **metadata: Any) -> Deployment:
    """Register a Deployment of one pod."""
    pod = metadata.pop("pod", {})
    labels = metadata.pop("selects", {"app": name})
    image = metadata.pop("image", IMAGE)
    cpu = metadata.pop("cpu", "0.5")
    return Deployment(
        name,
        metadata={"name": name} | metadata,
        spec={
            "selector": {"match_labels": labels},
            "template": {
                "metadata": {"labels": labels, "annotations": pod},
                "spec": {"containers": [{"name": "app", "image": image, "resources": {"limits": {"cpu": cpu}}}]},
            },
        },
        opts=options,
    )


def within(options: pulumi.ResourceOptions, **limits: str) -> pulumi.ResourceOptions:
    """Return the options with time limits: `within(options, create="5s")`."""
    timeouts = pulumi.CustomTimeouts(**limits)
    return pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(custom_timeouts=timeouts))


def said(outcome: Outcome) -> str:
    """Return what was said in an operation that must have failed."""
    assert outcome.error is not None, "it did not fail"
    return f"{outcome.events.errors}\n{outcome.error}"


def failed(outcome: Outcome) -> set[str]:
    """Return the logical names of the resources whose operation failed."""
    return {urn.rsplit("::", 1)[-1] for urn in outcome.events.failed}


def seconds(outcome: Outcome, name: str) -> int:
    """Return how long the engine took for a resource; never less than the full seconds that it did take."""
    at: dict[str, int] = {}
    for event in outcome.events.all:
        for key in ("resourcePreEvent", "resOutputsEvent", "resOpFailedEvent"):
            if event.get(key) and event[key]["metadata"]["urn"].rsplit("::", 1)[-1] == name:
                at[key] = event["timestamp"]
    begun = at.pop("resourcePreEvent")
    return max(at.values()) - begun


def ops_of(outcome: Outcome, name: str) -> list[str]:
    """Return the operations on one resource, in their order."""
    return [step.op for step in outcome.events.steps if step.name == name]


def unchanged(outcome: Outcome) -> list[Step]:
    """Return what changed; the list is empty when nothing did."""
    return outcome.check().events.changed
