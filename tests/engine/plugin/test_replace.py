"""Rows 6 to 10, 12 and 13: what is changed in place, and what is replaced in which order."""

from collections.abc import Callable
from typing import Any

import pytest
from engine.plugin.lab import IMAGE, Lab, config_map, deployment, ops_of
from pulumi_kubernetes.batch.v1 import Job
from pulumi_kubernetes.core.v1 import ConfigMap, Secret, Service
from pulumi_kubernetes.rbac.v1 import RoleBinding

MUTABLE = {"enable_config_map_mutable": True, "enable_secret_mutable": True}


def _make(kind: type[ConfigMap | Secret], name: str, value: str, lab: Lab, **more: Any) -> Callable[[], None]:
    """Return a program with two objects: one that has a name and one whose name is automatic."""
    provider = more.pop("provider", {})
    field = "data" if kind is ConfigMap else "string_data"

    def program() -> None:
        options = lab.options(**provider)
        arguments = {field: {"key": value}} | more
        kind(name, metadata={"name": name, "labels": {"v": value}}, opts=options, **arguments)
        kind("auto", metadata=None, opts=options, **arguments)

    return program


def _served_as(kind: type[ConfigMap | Secret]) -> str:
    return "api/v1/configmaps" if kind is ConfigMap else "api/v1/secrets"


@pytest.mark.parametrize("kind", [ConfigMap, Secret], ids=["ConfigMap", "Secret"])
def test_06_named_data_is_replaced_07_autonamed_too_create_first(lab: Lab, kind: type[ConfigMap | Secret]) -> None:
    served = _served_as(kind)
    lab.up(_make(kind, "named", "a", lab))
    uid, automatic = lab.uid(served, "named"), lab.state("auto")["id"]
    outcome = lab.up(_make(kind, "named", "b", lab))
    assert _order(ops_of(outcome, "named")) == ["delete-replaced", "create-replacement"]
    assert _order(ops_of(outcome, "auto")) == ["create-replacement", "delete-replaced"]
    assert lab.uid(served, "named") != uid
    assert lab.state("auto")["id"] != automatic


def _order(operations: list[str]) -> list[str]:
    return [op for op in operations if op != "replace"]


@pytest.mark.parametrize("kind", [ConfigMap, Secret], ids=["ConfigMap", "Secret"])
def test_08_mutable_data_and_labels_are_updated_in_place_10_secrets_too(
    lab: Lab, kind: type[ConfigMap | Secret]
) -> None:
    served = _served_as(kind)
    lab.up(_make(kind, "named", "a", lab, provider=MUTABLE))
    uid = lab.uid(served, "named")
    outcome = lab.up(_make(kind, "named", "b", lab, provider=MUTABLE))
    assert ops_of(outcome, "named") == ["update"]
    live = lab.get(served, "named")
    assert (live["metadata"]["uid"], live["metadata"]["labels"]) == (uid, {"v": "b"})
    assert live["data"]["key"] in ("b", "Yg==")


def test_09_immutable_data_is_replaced_though_mutable_is_on(lab: Lab) -> None:
    lab.up(_make(ConfigMap, "named", "a", lab, provider=MUTABLE, immutable=True))
    outcome = lab.up(_make(ConfigMap, "named", "b", lab, provider=MUTABLE, immutable=True))
    assert _order(ops_of(outcome, "named")) == ["delete-replaced", "create-replacement"]
    assert lab.get("api/v1/configmaps", "named")["data"] == {"key": "b"}


def test_10_type_of_a_mutable_secret_is_replaced(lab: Lab) -> None:
    lab.up(_make(Secret, "named", "a", lab, provider=MUTABLE, type="Opaque"))
    outcome = lab.up(_make(Secret, "named", "a", lab, provider=MUTABLE, type="example.org/other"))
    assert _order(ops_of(outcome, "named")) == ["delete-replaced", "create-replacement"]


def test_12_fields_that_the_api_fixes_are_replaced_and_others_are_not(lab: Lab) -> None:
    def program(word: str, image: str, port_type: str) -> Callable[[], None]:
        def run() -> None:
            options = lab.options()
            skip = {"pulumi.com/skipAwait": "true"}
            deployment("selects", options, selects={"app": word})
            deployment("image", options, image=image, annotations=skip)
            container = {"name": "app", "image": image}
            Job(
                "job",
                metadata={"annotations": skip},
                spec={"template": {"spec": {"containers": [container], "restart_policy": "Never"}}},
                opts=options,
            )
            RoleBinding(
                "binding",
                metadata={"name": "binding"},
                role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "Role", "name": word},
                opts=options,
            )
            Service(
                "service", metadata={"name": "service"}, spec={"type": port_type, "ports": [{"port": 80}]}, opts=options
            )

        return run

    lab.up(program("a", IMAGE, "ClusterIP"))
    outcome = lab.up(program("b", "registry.example.org/app:2", "NodePort"))
    # The Job's name is automatic: without the wait, a named one may still be there when the new one comes.
    assert _order(ops_of(outcome, "job")) == ["create-replacement", "delete-replaced"]
    for name in ("selects", "binding"):
        assert _order(ops_of(outcome, name)) == ["delete-replaced", "create-replacement"], name
    for name in ("image", "service"):
        assert ops_of(outcome, name) == ["update"], name


def test_13_changed_name_creates_the_new_object_before_it_deletes_the_old(lab: Lab) -> None:
    def program(name: str) -> Callable[[], None]:
        return lambda: config_map("cm", lab.options(), metadata={"name": name}, named=False) and None

    lab.up(program("old"))
    outcome = lab.up(program("new"))
    assert _order(ops_of(outcome, "cm")) == ["create-replacement", "delete-replaced"]
    assert lab.state("cm")["id"] == f"{lab.namespace}/new"
