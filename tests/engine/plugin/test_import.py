"""Row 33: import."""

import pulumi
from engine.plugin.lab import CONFIG_MAPS, Lab, config_map, ops_of, unchanged


def _importing(lab: Lab, name: str, options: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(import_=f"{lab.namespace}/{name}"))


def test_33_object_is_imported_without_a_difference(lab: Lab) -> None:
    for name in ("alike", "unlike"):
        body = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"key": "value"}}
        lab.apply(CONFIG_MAPS, name, body | {"metadata": {"name": name, "labels": {"app": "x"}}}, "kubectl")
    uid = lab.uid(CONFIG_MAPS, "alike")

    def program() -> None:
        options = lab.options()
        for name, label in (("alike", "x"), ("unlike", "y")):
            config_map(name, _importing(lab, name, options), data={"key": "value"}, metadata={"labels": {"app": label}})

    outcome = lab.up(program)
    assert ops_of(outcome, "alike") == ["import"]
    assert outcome.events.of("alike").detailed == {}
    assert ops_of(outcome, "unlike") == ["import", "update"], "the control"
    assert lab.state("alike")["id"] == f"{lab.namespace}/alike"
    assert unchanged(lab.stack.up(program)) == []
    assert lab.uid(CONFIG_MAPS, "alike") == uid


def test_33_import_of_an_unknown_id_fails(lab: Lab) -> None:
    assert "does not exist" in lab.fail(lambda: config_map("cm", _importing(lab, "cm", lab.options())) and None)
    assert not lab.has("cm")
    assert not lab.exists(CONFIG_MAPS, "cm")
