"""Row 28: how long is waited."""

import time

from engine.plugin.lab import CONFIG_MAPS, Lab, config_map, failed, said, seconds, within


def test_28_annotation_sets_the_time_limit_and_custom_timeouts_win(lab: Lab) -> None:
    def annotations(limit: str) -> dict[str, dict[str, str]]:
        wanted = "jsonpath={.metadata.labels.done}"
        return {"annotations": {"pulumi.com/waitFor": wanted, "pulumi.com/timeoutSeconds": limit}}

    def program() -> None:
        options = lab.options()
        config_map("annotated", options, metadata=annotations("3"))
        config_map("hurried", within(options, create="3s"), metadata=annotations("600"))
        config_map("patient", within(options, create="10m"), metadata=annotations("1"))

    def done_late() -> None:
        lab.comes(CONFIG_MAPS, "patient")
        time.sleep(3)
        lab.patch(CONFIG_MAPS, "patient", {"metadata": {"labels": {"done": "yes"}}}, "somebody")

    with lab.meanwhile(done_late):
        outcome = lab.stack.up(program, continue_on_error=True)
    assert failed(outcome) == {"annotated", "hurried"}
    assert said(outcome).count("timed out waiting for the condition") >= 2
    for name in ("annotated", "hurried"):
        assert 3 <= seconds(outcome, name) < 300, "both limits that must not count are 600 s"
