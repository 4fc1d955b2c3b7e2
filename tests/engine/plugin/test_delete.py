"""Rows 29 and 30: deletion."""

from engine.plugin.lab import CONFIG_MAPS, Lab, config_map, deployment, ops_of, said, within


def test_29_held_object_stays_in_the_state_and_one_that_is_gone_already_does_not(lab: Lab) -> None:
    def program() -> None:
        config_map("cm", within(lab.options(), delete="3s"))

    lab.up(program)
    lab.patch(CONFIG_MAPS, "cm", {"metadata": {"finalizers": ["example.org/hold"]}}, "holder")
    outcome = lab.stack.up(lambda: None)
    assert ops_of(outcome, "cm") == ["delete"]
    assert "finalizers might be preventing deletion" in said(outcome)
    assert lab.get(CONFIG_MAPS, "cm")["metadata"]["deletionTimestamp"]
    assert lab.state("cm")["id"] == f"{lab.namespace}/cm"

    lab.patch(CONFIG_MAPS, "cm", {"metadata": {"finalizers": None}}, "holder")
    assert not lab.exists(CONFIG_MAPS, "cm")
    assert ops_of(lab.up(lambda: None), "cm") == ["delete"]
    assert not lab.has("cm")


def test_30_orphaned_dependents_survive_and_others_are_gone_before_their_owner(lab: Lab) -> None:
    orphan = {"annotations": {"pulumi.com/deletionPropagationPolicy": "orphan"}}

    def program() -> None:
        options = lab.options()
        deployment("leaves", options, **orphan)
        deployment("takes", options)

    def sets() -> dict[str, str]:
        found = lab.client.apps.list_namespaced_replica_set(lab.namespace).items
        return {each.spec.selector.match_labels["app"]: each.metadata.uid for each in found}

    lab.up(program)
    before = sets()
    assert set(before) == {"leaves", "takes"}
    lab.up(lambda: None)
    assert sets() == {"leaves": before["leaves"]}
