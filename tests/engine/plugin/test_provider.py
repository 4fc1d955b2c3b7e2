"""Rows 34 and 35: unreachable clusters, and providers whose arguments change."""

from collections.abc import Callable
from typing import Any

import pytest
from engine.plugin.kubeconfig import dead_server, kubeconfig
from engine.plugin.lab import CONFIG_MAPS, Lab, config_map, ops_of, said

Run = Callable[[], None]


def _with(lab: Lab, config: str, **arguments: Any) -> Run:
    """Return a program with one ConfigMap whose name is automatic."""
    return lambda: config_map("cm", lab.options(kubeconfig=config, **arguments), named=False) and None


def test_34_unreachable_cluster_can_be_previewed_and_not_updated(lab: Lab) -> None:
    with dead_server() as server:
        program = _with(lab, kubeconfig(lab, server=server))
        preview = lab.stack.preview(program).check()
        assert ops_of(preview, "cm") == ["create"]
        assert "configured Kubernetes cluster is unreachable" in lab.fail(program)
    assert not lab.has("cm")
    lab.up(_with(lab, kubeconfig(lab)))
    assert lab.has("cm"), "the control: the same cluster, reachable"


@pytest.mark.parametrize("how", ["up", "refresh"])
def test_34_delete_unreachable_forgets_the_object(lab: Lab, how: str) -> None:
    same: dict[str, Any] = {"cluster_identifier": "the-same"}
    lab.up(_with(lab, kubeconfig(lab), **same))
    name = lab.state("cm")["outputs"]["metadata"]["name"]

    def without() -> None:
        lab.options(kubeconfig=dead, **same)

    with dead_server() as server:
        dead = kubeconfig(lab, server=server)
        assert "unreachable" in said(lab.stack.up(without))
        assert lab.has("cm"), "the control: nobody allowed to forget it"
        same["delete_unreachable"] = True
        if how == "refresh":
            lab.up(_with(lab, dead, **same))
            lab.stack.refresh().check()
        else:
            lab.up(without)
        assert not lab.has("cm")
    assert lab.exists(CONFIG_MAPS, name)


@pytest.mark.parametrize(
    ("changes", "arguments", "provider"),
    [("token", {}, ["update"]), ("server", {}, ["replace"]), ("server", {"cluster_identifier": "same"}, ["update"])],
    ids=["token", "server", "server-of-the-same-cluster"],
)
def test_35_another_server_replaces_all_objects(
    lab: Lab, changes: str, arguments: dict[str, Any], provider: list[str]
) -> None:
    lab.up(_with(lab, kubeconfig(lab), **arguments))
    uid = lab.state("cm")["outputs"]["metadata"]["uid"]
    if changes == "token":
        account = lab.client.core.create_namespaced_service_account_token
        lab.client.core.create_namespaced_service_account(lab.namespace, {"metadata": {"name": "other"}})
        changed = {"token": account("other", lab.namespace, {"spec": {}}).status.token}
    else:
        changed = {"server": lab.client.api.configuration.host.replace("127.0.0.1", "localhost")}
    outcome = lab.up(_with(lab, kubeconfig(lab, **changed), **arguments))
    replaced = provider == ["replace"]
    assert [op for op in ops_of(outcome, "site") if op in ("replace", "update")] == provider
    assert ("replace" in ops_of(outcome, "cm")) == replaced
    assert (lab.state("cm")["outputs"]["metadata"]["uid"] != uid) == replaced
    assert replaced or ops_of(outcome, "cm") == ["same"]
