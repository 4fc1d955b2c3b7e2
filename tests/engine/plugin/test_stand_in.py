"""What the stand-in alone does: it stays on this machine and refuses by name what it does not implement."""

import subprocess
from collections.abc import Iterator

import grpc
import pytest
import yaml
from engine.inline import Outcome
from engine.plugin.lab import SITE, Lab, config_map
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto.provider_pb2 import CallRequest
from pulumi.runtime.proto.provider_pb2_grpc import ResourceProviderStub
from pulumi_kubernetes.helm.v3 import Release
from pulumi_kubernetes.yaml import ConfigGroup as OldConfigGroup
from pulumi_kubernetes.yaml.v2 import ConfigGroup

from kubefate_pulumi.simulator.manager import Simulator
from kubefate_pulumi.simulator.tools import plugin_version

STAND_IN = "kubefate stand-in for pulumi-resource-kubernetes"
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


def test_function_is_refused_by_name(lab: Lab) -> None:
    said = lab.fail(lambda: OldConfigGroup("group", yaml=["{}"], opts=lab.options()) and None)
    assert f"{STAND_IN} does not implement the function kubernetes:yaml:decode" in said
    assert "KUBEFATE_PLUGIN_DIR" in said


def test_method_is_refused_by_name(plugin: ResourceProviderStub) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        plugin.Call(CallRequest(tok="kubernetes:example/v1:Thing/method"))
    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
    said = refused.value.details()
    assert f"{STAND_IN} does not implement the method kubernetes:example/v1:Thing/method" in said
    assert "KUBEFATE_PLUGIN_DIR" in said
    assert plugin.GetPluginInfo(Empty()).version == plugin_version(), "the control: it answers what it knows"


def test_user_is_told_once_for_each_provider(lab: Lab) -> None:
    def program() -> None:
        for provider in ("first", "second"):
            options = lab.options(provider)
            for number in range(3):
                config_map(f"{provider}-{number}", options)

    def told(outcome: Outcome) -> list[str]:
        return [
            text for severity, text in outcome.check().events.diagnostics if STAND_IN in text and "info" in severity
        ]

    for outcome in (lab.stack.preview(program), lab.stack.up(program), lab.stack.refresh()):
        assert len(told(outcome)) == 2
        assert f"{STAND_IN} {plugin_version()}, for the API server https://127.0.0.1:" in told(outcome)[0]


@pytest.fixture
def plugin(simulator: Simulator) -> Iterator[ResourceProviderStub]:
    """The plugin as a process of its own, without an engine."""
    with subprocess.Popen([str(simulator.home.kubernetes_plugin())], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                yield ResourceProviderStub(channel)
        finally:
            process.kill()
