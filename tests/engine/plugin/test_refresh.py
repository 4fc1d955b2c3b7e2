"""Rows 31 and 32: what a refresh finds."""

from engine.inline import Outcome
from engine.plugin.lab import CONFIG_MAPS, PENDING, SERVICES, Lab, config_map, deployment, ops_of, unchanged, within
from pulumi_kubernetes.core.v1 import Service

MUTABLE = {"enable_config_map_mutable": True}


def test_31_deleted_object_leaves_the_state_and_comes_back_with_the_next_up(lab: Lab) -> None:
    def program() -> None:
        config_map("cm", lab.options())

    lab.up(program)
    lab.delete(CONFIG_MAPS, "cm")
    lab.stack.refresh().check()
    assert not lab.has("cm")
    assert ops_of(lab.up(program), "cm") == ["create"]
    assert lab.exists(CONFIG_MAPS, "cm")


def test_31_new_address_is_in_the_state_after_a_refresh_and_in_dependants_after_an_up(lab: Lab) -> None:
    def program() -> None:
        options = lab.options(**MUTABLE)
        spec = {"type": "LoadBalancer", "ports": [{"port": 80}]}
        service = Service("router", metadata={"name": "router"}, spec=spec, opts=options)
        config_map("dependant", options, data={"address": service.status.load_balancer.ingress[0].ip})

    lab.up(program)
    old = lab.get(CONFIG_MAPS, "dependant")["data"]
    status = {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}}
    lab.patch(SERVICES, "router", {"status": status}, "balancer", subresource="/status")
    assert unchanged(lab.stack.up(program)) == [], "nobody looked"
    lab.stack.refresh().check()
    assert lab.state("router")["outputs"]["status"]["loadBalancer"]["ingress"][0]["ip"] == "192.0.2.7"
    assert lab.get(CONFIG_MAPS, "dependant")["data"] == old
    assert ops_of(lab.up(program), "dependant") == ["update"]
    assert lab.get(CONFIG_MAPS, "dependant")["data"] == {"address": "192.0.2.7"}


def test_31_drift_of_an_object_that_was_never_updated_is_undone_by_the_up_after_a_refresh(lab: Lab) -> None:
    def program() -> None:
        config_map("cm", lab.options(**MUTABLE), data={"key": "ours"})

    lab.up(program)
    lab.patch(CONFIG_MAPS, "cm", {"data": {"key": "theirs"}}, "kubectl-edit")
    assert unchanged(lab.stack.up(program)) == [], "nobody looked"
    lab.stack.refresh().check()
    assert lab.get(CONFIG_MAPS, "cm")["data"] == {"key": "theirs"}
    assert ops_of(lab.up(program), "cm") == ["update"]
    assert lab.get(CONFIG_MAPS, "cm")["data"] == {"key": "ours"}


def test_32_refresh_of_an_unready_object_warns_and_succeeds(lab: Lab) -> None:
    def program() -> None:
        deployment("app", within(lab.options(), create="3s"), pod=PENDING)

    def warnings(outcome: Outcome) -> list[str]:
        return [text for severity, text in outcome.check().events.diagnostics if severity == "warning"]

    lab.fail(program)
    assert warnings(lab.stack.refresh())
    assert lab.state("app")["initErrors"]
    lab.heal()
    lab.ready("app")
    assert warnings(lab.stack.refresh()) == []
    assert not lab.state("app").get("initErrors")
