"""Where the objects of one unit go, and what all of them carry."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pulumi

from kubefate_pulumi.kubernetes.fields import Fields


@dataclass(frozen=True)
class Scope:
    """A namespace, the labels of a unit, and the names of its Pulumi resources.

    Args:
        name: Prefix of all Pulumi names, so that two units of one stack never clash.
        namespace: Namespace of all objects.
        part_labels: Labels of everything that belongs to a part, from the part's name.
        part_selector: The subset by which a part's pods are selected; it can never change.
        image_pull_secrets: Names of Secrets of type `kubernetes.io/dockerconfigjson` in the namespace.
    """

    name: str
    namespace: pulumi.Input[str]
    part_labels: Callable[[str], Mapping[str, str]]
    part_selector: Callable[[str], Mapping[str, str]]
    image_pull_secrets: Sequence[str] = field(default_factory=tuple)

    def resource_name(self, suffix: str) -> str:
        """Return the Pulumi name of one object."""
        return f"{self.name}-{suffix}"

    def labels(self, part: str) -> dict[str, str]:
        """Return the labels of a part's objects."""
        return dict(self.part_labels(part))

    def selector(self, part: str) -> dict[str, str]:
        """Return the labels that select a part's pods."""
        return dict(self.part_selector(part))

    def metadata(self, part: str, name: str, annotations: Mapping[str, pulumi.Input[str]] | None = None) -> Fields:
        """Return the metadata of an object with a fixed name."""
        metadata: Fields = {
            "name": name,
            "namespace": self.namespace,
            "labels": self.labels(part),
        }
        if annotations:
            metadata["annotations"] = {**annotations}
        return metadata

    def child_options(self, opts: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
        """Return the options of an object: names are fixed, so a replacement deletes first."""
        return pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(delete_before_replace=True))
