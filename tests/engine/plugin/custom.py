"""A custom resource and its definition."""

from typing import Any

import pulumi
from engine.plugin.lab import Json, Lab
from engine.support import wait_until
from kubernetes.client import ApiextensionsV1Api
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.apiextensions.v1 import CustomResourceDefinition

KIND = "Thing"


class Custom:
    """A lab with a kind of its own: `Thing`, namespaced, with a status.

    Attributes:
        lab: where the objects are.
        api_version: the kind's.
        things: the kind as `Lab.get` takes it.
    """

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.group = f"g{lab.suffix}.example.org"
        self.api_version = f"{self.group}/v1"
        self.things = f"apis/{self.api_version}/things"

    def define(self) -> None:
        """Make the definition, and wait until the kind is served."""
        body = {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"things.{self.group}"},
            "spec": _definition(self.group),
        }
        ApiextensionsV1Api(self.lab.client.api).create_custom_resource_definition(body)
        wait_until(lambda: self.lab.lists(self.things), "the kind is served")

    def definition(self, options: pulumi.ResourceOptions, **metadata: Any) -> CustomResourceDefinition:
        """Register the definition."""
        name = {"name": f"things.{self.group}"}
        return CustomResourceDefinition("crd", metadata=name | metadata, spec=_definition(self.group), opts=options)

    def thing(
        self, name: str, options: pulumi.ResourceOptions, spec: Json | None = None, **annotations: str
    ) -> CustomResource:
        """Register an object of the kind; `waitFor="..."` becomes the annotation `pulumi.com/waitFor`."""
        # The garbage collector learns of new kinds twice a minute, and deletes nothing in the foreground before.
        notes = {"pulumi.com/deletionPropagationPolicy": "background"}
        notes |= {f"pulumi.com/{key}": value for key, value in annotations.items()}
        metadata = {"name": name, "annotations": notes}
        return CustomResource(name, self.api_version, KIND, metadata=metadata, spec=spec or {"size": 1}, opts=options)

    def create(self, name: str, status: Json, spec: Json | None = None) -> None:
        """Make an object behind Pulumi's back, and set its status."""
        body = {
            "apiVersion": self.api_version,
            "kind": KIND,
            "metadata": {"name": name},
            "spec": spec or {"size": 1},
        }
        self.lab.apply(self.things, name, body, "somebody")
        self.report(name, status)

    def report(self, name: str, status: Json) -> None:
        """Set the status of an object, as its controller would."""
        self.lab.patch(self.things, name, {"status": status}, "controller", subresource="/status")


def _definition(group: str) -> Json:
    spec = {"type": "object", "properties": {"size": {"type": "integer"}, "words": _list_of("string")}}
    status = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {
        "group": group,
        "scope": "Namespaced",
        "names": {"plural": "things", "singular": "thing", "kind": KIND, "listKind": f"{KIND}List"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec, "status": status}}},
            }
        ],
    }


def _list_of(kind: str) -> Json:
    return {"type": "array", "items": {"type": kind}}
