"""Some fields of an object only: those that are ignored, and Patch resources, which own some of another's object."""

from collections.abc import Callable

import pulumi
from engine.plugin.lab import CONFIG_MAPS, Json, Lab, config_map, ops_of, unchanged
from pulumi_kubernetes.core.v1 import ConfigMapPatch


def test_ignored_field_keeps_what_the_server_has(lab: Lab) -> None:
    def program(value: str, label: str) -> Callable[[], None]:
        def run() -> None:
            ignores = pulumi.ResourceOptions(ignore_changes=["data.theirs"])
            options = pulumi.ResourceOptions.merge(lab.options(enable_config_map_mutable=True), ignores)
            metadata = {"labels": {"label": label}}
            config_map("cm", options, data={"theirs": value, "ours": label}, metadata=metadata)

        return run

    lab.up(program("a", "one"))
    assert unchanged(lab.stack.up(program("b", "one"))) == []
    # Another manager takes the field over: without the option the next apply would be a conflict.
    lab.patch(CONFIG_MAPS, "cm", {"data": {"theirs": "changed"}}, "operator")
    assert ops_of(lab.up(program("b", "two")), "cm") == ["update"]
    live = lab.get(CONFIG_MAPS, "cm")
    assert live["data"] == {"theirs": "changed", "ours": "two"}
    assert live["metadata"]["labels"] == {"label": "two"}


def test_patch_resource_sets_its_fields_and_gives_them_up(lab: Lab) -> None:
    body: Json = {"metadata": {"name": "cm", "labels": {"own": "x"}}, "data": {"key": "value"}}
    lab.client.core.create_namespaced_config_map(lab.namespace, body)

    def program(value: str) -> Callable[[], None]:
        metadata = {"name": "cm", "namespace": lab.namespace, "labels": {"added": value}}
        return lambda: ConfigMapPatch("patch", metadata=metadata, opts=lab.options()) and None

    lab.up(program("a"))
    assert ops_of(lab.up(program("b")), "patch") == ["update"]
    live = lab.get(CONFIG_MAPS, "cm")
    assert (live["metadata"]["labels"], live["data"]) == ({"own": "x", "added": "b"}, {"key": "value"})
    assert unchanged(lab.stack.up(program("b"))) == []
    lab.up(lambda: None)
    live = lab.get(CONFIG_MAPS, "cm")
    assert (live["metadata"]["labels"], live["data"]) == ({"own": "x"}, {"key": "value"})
