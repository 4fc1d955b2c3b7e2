"""What the stand-in alone does: it stays on this machine and refuses by name what it does not implement."""

import pytest
import yaml
from engine.plugin.lab import SITE, Lab, config_map
from pulumi_kubernetes.helm.v3 import Release
from pulumi_kubernetes.yaml.v2 import ConfigGroup

pytestmark = pytest.mark.usefixtures("stand_in")


def test_server_that_is_not_on_this_machine_is_refused(lab: Lab) -> None:
    with open(lab.kubeconfig, encoding="utf-8") as file:  # noqa: PTH123
        config = yaml.safe_load(file)
    for each in config["clusters"]:
        each["cluster"]["server"] = "https://192.0.2.1:6443"
    elsewhere = yaml.safe_dump(config)
    said = lab.fail(lambda: config_map("cm", lab.options(kubeconfig=elsewhere, context=SITE)) and None)
    assert "stand-in" in said
    assert 'host "192.0.2.1" is not loopback' in said
    for user in config["users"]:
        assert user["user"]["token"] not in said


def test_helm_release_is_refused_by_name(lab: Lab) -> None:
    said = lab.fail(lambda: Release("release", chart="chart", opts=lab.options()) and None)
    assert "does not implement the resource type kubernetes:helm.sh/v3:Release" in said


def test_component_is_refused_by_name(lab: Lab) -> None:
    said = lab.fail(lambda: ConfigGroup("group", objs=[], opts=lab.options()) and None)
    assert "does not implement the component kubernetes:yaml/v2:ConfigGroup" in said
