"""Rows 1 to 5: ids, names, namespaces, and a second update without changes."""

import base64
import re

import yaml
from engine.plugin.lab import SITE, Lab, config_map, deployment, unchanged
from pulumi_kubernetes.core.v1 import Namespace, Secret, Service


def test_01_ids_are_namespace_and_name_or_name_alone(lab: Lab) -> None:
    def program() -> None:
        options = lab.options()
        config_map("cm", options)
        Namespace("ns", metadata={"name": f"test-{lab.suffix}"}, opts=options)

    lab.up(program)
    assert lab.state("cm")["id"] == f"{lab.namespace}/cm"
    assert lab.state("ns")["id"] == f"test-{lab.suffix}"


def test_02_automatic_name_is_kept_and_03_own_name_is_not_annotated(lab: Lab) -> None:
    def program() -> None:
        options = lab.options()
        config_map("cm", options, named=False)
        config_map("own", options)

    lab.up(program)
    metadata = lab.state("cm")["outputs"]["metadata"]
    assert re.fullmatch("cm-[0-9a-f]{8}", metadata["name"])
    assert metadata["annotations"] == {"pulumi.com/autonamed": "true"}
    assert "annotations" not in lab.get("api/v1/configmaps", "own")["metadata"]
    assert unchanged(lab.stack.up(program)) == []
    assert lab.state("cm")["outputs"]["metadata"]["name"] == metadata["name"]


def test_04_namespace_is_the_providers_else_the_contexts_else_default(lab: Lab) -> None:
    config = yaml.safe_load(open(lab.kubeconfig, encoding="utf-8"))  # noqa: PTH123, SIM115
    context = next(each["context"] for each in config["contexts"] if each["name"] == SITE)
    context["namespace"] = lab.namespace
    in_context = yaml.safe_dump(config)
    other = f"test-{lab.suffix}"

    def program() -> None:
        Namespace("ns", metadata={"name": other}, opts=lab.options("first"))
        config_map("provider", lab.options("second", kubeconfig=in_context, namespace="kube-public"), named=False)
        config_map("context", lab.options("third", kubeconfig=in_context, namespace=None), named=False)
        config_map("default", lab.options("fourth", namespace=None), named=False)

    lab.up(program)
    where = {name: lab.state(name)["id"].split("/")[0] for name in ("provider", "context", "default")}
    assert where == {"provider": "kube-public", "context": lab.namespace, "default": "default"}


def test_05_second_up_and_refresh_change_nothing(lab: Lab) -> None:
    def program() -> None:
        options = lab.options()
        Secret("secret", metadata={"name": "secret"}, string_data={"key": "hidden"}, opts=options)
        deployment("app", options, cpu="0.5")
        Service(
            "headless",
            metadata={"name": "headless"},
            spec={"cluster_ip": "None", "selector": {"app": "app"}, "ports": [{"port": 80}]},
            opts=options,
        )
        Service("plain", metadata={"name": "plain"}, spec={"ports": [{"port": 80}]}, opts=options)

    lab.up(program)
    assert lab.get("api/v1/services", "plain")["spec"]["clusterIP"], "the server adds fields"
    stored = lab.get("api/v1/secrets", "secret")["data"]
    assert stored == {"key": base64.b64encode(b"hidden").decode()}
    assert lab.get("apis/apps/v1/deployments", "app")["spec"]["template"]["spec"]["containers"][0]["resources"] == {
        "limits": {"cpu": "500m"}
    }
    assert unchanged(lab.stack.up(program)) == []
    lab.stack.refresh().check()
    assert unchanged(lab.stack.preview(program)) == []
    assert lab.stack.up(lambda: lab.options() and None).check().events.changed, "the control: a program without them"
