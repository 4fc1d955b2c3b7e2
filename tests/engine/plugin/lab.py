"""A namespace of a simulated site, a stack, and the objects that a test puts into both."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pulumi
from engine.inline import InlineStack, Outcome
from engine.sites import SiteClient
from engine.steps import Step
from pulumi_kubernetes import Provider
from pulumi_kubernetes.apps.v1 import Deployment
from pulumi_kubernetes.core.v1 import ConfigMap

Json = dict[str, Any]

SITE = "exchange"
IMAGE = "registry.example.org/app:1"


class Lab:
    """What a test of the Kubernetes plugin works with.

    Attributes:
        client: the official client of the site.
        namespace: the test's own namespace, which is there before the first program runs.
        suffix: ends the names of what is in no namespace.
    """

    def __init__(self, stack: InlineStack, client: SiteClient, kubeconfig: str, suffix: str) -> None:
        self.stack = stack
        self.client = client
        self.kubeconfig = kubeconfig
        self.suffix = suffix
        self.namespace = f"plugin-{suffix}"

    def options(self, name: str = "site", **arguments: Any) -> pulumi.ResourceOptions:
        """Make a provider for the test's namespace and return options that use it. Call it in a program."""
        given = {"kubeconfig": self.kubeconfig, "context": SITE, "namespace": self.namespace} | arguments
        return pulumi.ResourceOptions(provider=Provider(name, **given))

    def up(self, program: Callable[[], None], **options: Any) -> Outcome:
        """Update, which must succeed."""
        return self.stack.up(program, **options).check()

    def fail(self, program: Callable[[], None]) -> str:
        """Update, which must fail; return what was said."""
        outcome = self.stack.up(program)
        assert outcome.error is not None
        return f"{outcome.events.errors}\n{outcome.error}"

    def state(self, name: str) -> Json:
        """Return a resource of the stored state by its logical name."""
        found = [each for each in self.stack.export()["resources"] if each["urn"].rsplit("::", 1)[-1] == name]
        assert len(found) == 1, name
        return dict(found[0])

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


def ops_of(outcome: Outcome, name: str) -> list[str]:
    """Return the operations on one resource, in their order."""
    return [step.op for step in outcome.events.steps if step.name == name]


def unchanged(outcome: Outcome) -> list[Step]:
    """Return what changed; the list is empty when nothing did."""
    return outcome.check().events.changed
