"""Rows 5, 21 and 27: custom resources."""

import pulumi
from engine.plugin.custom import Custom
from engine.plugin.lab import CONFIG_MAPS, config_map, deployment, failed, said, unchanged, within


def test_05_second_up_and_refresh_do_not_change_a_custom_resource(custom: Custom) -> None:
    lab = custom.lab
    custom.define()

    def program() -> None:
        custom.thing("thing", lab.options(), {"size": 1, "words": ["a", "b"]})

    lab.up(program)
    assert lab.state("thing")["id"] == f"{lab.namespace}/thing"
    custom.report("thing", {"phase": "Ready"})
    assert unchanged(lab.stack.up(program)) == []
    lab.stack.refresh().check()
    assert lab.state("thing")["outputs"]["status"] == {"phase": "Ready"}
    assert unchanged(lab.stack.preview(program)) == []
    lab.up(lambda: custom.thing("thing", lab.options(), {"size": 2}) and None)
    assert lab.get(custom.things, "thing")["spec"] == {"size": 2}, "the control"


def test_21_custom_resource_is_tried_again_until_its_definition_is_there(custom: Custom) -> None:
    lab = custom.lab

    def program() -> None:
        options = lab.options()
        custom.thing("thing", options)
        # The definition comes late: it needs what is known only once the pods are ready.
        slow = {"simulator.kubefate/pod": "slow", "simulator.kubefate/ready-after": "2s"}
        app = deployment("app", options, pod=slow)
        ready = app.status.ready_replicas.apply(str)
        custom.definition(options, annotations={"example.org/ready": ready})

    outcome = lab.up(program)
    order = [step.name for step in outcome.events.steps if step.op == "create"]
    assert order.index("thing") < order.index("crd")
    assert lab.get(custom.things, "thing")["spec"] == {"size": 1}
    lab.stack.destroy().check()
    assert not lab.exists(custom.things, "thing")


def test_27_wait_for_holds_dependants_until_the_status_is_there(custom: Custom) -> None:
    lab = custom.lab
    custom.define()
    wanted = {
        "path": "jsonpath={.status.phase}=Ready",
        "condition": "condition=available",
        "list": '["jsonpath={.status.address}", "condition=Degraded=False"]',
    }

    def program() -> None:
        options = lab.options()
        limited = within(options, create="2m")
        things = [custom.thing(name, limited, waitFor=expression) for name, expression in wanted.items()]
        config_map("dependant", pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(depends_on=things)))

    def control() -> None:
        for name in wanted:
            lab.comes(custom.things, name)
        custom.report("path", {"phase": "Ready"})
        custom.report("condition", {"conditions": [{"type": "Available", "status": "True"}]})
        custom.report("list", {"address": "192.0.2.7"})
        assert not lab.exists(CONFIG_MAPS, "dependant")
        custom.report("list", {"conditions": [{"type": "Degraded", "status": "False"}]})

    with lab.meanwhile(control):
        lab.up(program)
    assert lab.exists(CONFIG_MAPS, "dependant")


def test_27_wait_for_is_not_met_by_less(custom: Custom) -> None:
    lab = custom.lab
    custom.define()
    met = {"phase": "Ready", "conditions": [{"type": "Available", "status": "True"}]}
    trials = {
        "met": ("condition=Available", met),
        "other-value": ("jsonpath={.status.phase}=Ready", {"phase": "Pending"}),
        "no-such-path": ("jsonpath={.status.address}", met),
        "other-status": ("condition=Available=False", met),
        "no-such-condition": ("condition=Synced", met),
        "old-generation": ("condition=Available", met | {"observedGeneration": 0}),
        "half-a-list": ('["condition=Available", "jsonpath={.status.address}"]', met),
    }
    # All is there before Pulumi looks, so nothing can come too late.
    for name, (_, status) in trials.items():
        custom.create(name, status)

    def program() -> None:
        options = within(lab.options(upsert_existing_objects=True), create="3s")
        for name, (expression, _) in trials.items():
            custom.thing(name, options, waitFor=expression)

    outcome = lab.stack.up(program, continue_on_error=True)
    assert failed(outcome) == set(trials) - {"met"}
    assert "timed out waiting for the condition" in said(outcome)
