"""Updates by patches that the plugin computes itself: `enableServerSideApply: false`."""

from collections.abc import Callable

from engine.plugin.lab import CONFIG_MAPS, Lab, config_map, ops_of, unchanged

MANAGED = "app.kubernetes.io/managed-by"


def test_client_side_update_leaves_alone_what_others_added(lab: Lab) -> None:
    def program(*keys: str) -> Callable[[], None]:
        def run() -> None:
            options = lab.options(enable_server_side_apply=False, enable_config_map_mutable=True)
            config_map("cm", options, data=dict.fromkeys(keys, "x"))

        return run

    lab.up(program("kept", "dropped"))
    assert lab.get(CONFIG_MAPS, "cm")["metadata"]["labels"] == {MANAGED: "pulumi"}
    assert unchanged(lab.stack.up(program("kept", "dropped"))) == []
    lab.patch(CONFIG_MAPS, "cm", {"data": {"theirs": "y"}}, "operator")
    assert ops_of(lab.up(program("kept", "added")), "cm") == ["update"]
    live = lab.get(CONFIG_MAPS, "cm")
    assert live["data"] == {"kept": "x", "added": "x", "theirs": "y"}
    assert live["metadata"]["labels"] == {MANAGED: "pulumi"}
    assert {each["operation"] for each in live["metadata"]["managedFields"]} == {"Update"}
