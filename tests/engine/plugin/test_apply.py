"""Rows 11 and 14 to 20: secrecy, fields and their managers, objects that exist already, previews."""

from collections.abc import Callable

import pulumi
from engine.plugin.lab import CONFIG_MAPS, Json, Lab, config_map, ops_of, said
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.core.v1 import ConfigMap, Secret, Service

MUTABLE = {"enable_config_map_mutable": True}


def _map(lab: Lab, data: Json, labels: Json | None = None, annotations: Json | None = None) -> Callable[[], None]:
    metadata = {"labels": labels or {}, "annotations": annotations or {}}
    return lambda: config_map("cm", lab.options(**MUTABLE), data=data, metadata=metadata) and None


def test_11_no_secret_is_in_clear_in_the_state(lab: Lab) -> None:
    def program() -> None:
        options = lab.options()
        Secret("secret", metadata={"name": "secret"}, string_data={"key": "hidden-one"}, opts=options)
        config_map("cm", options, data={"open": "an open value", "key": pulumi.Output.secret("hidden-two")})

    lab.up(program)
    stored = lab.stored()
    assert "an open value" in stored
    for hidden in ("hidden-one", "hidden-two", "aGlkZGVuLW9uZQ"):
        assert hidden not in stored


def test_14_what_the_program_drops_goes_from_the_server(lab: Lab) -> None:
    def program(ports: list[int], keys: list[str]) -> Callable[[], None]:
        def run() -> None:
            options = lab.options(**MUTABLE)
            labels = {"labels": dict.fromkeys(keys, "x")}
            config_map("cm", options, data=dict.fromkeys(keys, "x"), metadata=labels)
            listed = [{"name": f"p{port}", "port": port} for port in ports]
            Service("service", metadata={"name": "service"}, spec={"ports": listed}, opts=options)

        return run

    lab.up(program([80, 81], ["a", "b"]))
    lab.up(program([80], ["a"]))
    live = lab.get("api/v1/configmaps", "cm")
    assert (live["data"], live["metadata"]["labels"]) == ({"a": "x"}, {"a": "x"})
    assert [each["port"] for each in lab.get("api/v1/services", "service")["spec"]["ports"]] == [80]


def test_15_annotation_of_another_manager_survives_and_kubectls_does_not(lab: Lab) -> None:
    lab.up(_map(lab, {"key": "a"}))
    for manager in ("operator", "kubectl-annotate"):
        lab.patch("api/v1/configmaps", "cm", {"metadata": {"annotations": {manager: "x"}}}, manager)
    lab.up(_map(lab, {"key": "b"}))
    assert lab.get("api/v1/configmaps", "cm")["metadata"]["annotations"] == {"operator": "x"}


def test_16_create_and_update_go_by_their_managers(lab: Lab) -> None:
    def managers() -> set[tuple[str, str]]:
        entries = lab.get("api/v1/configmaps", "cm")["metadata"]["managedFields"]
        return {(each["manager"], each["operation"]) for each in entries}

    lab.up(_map(lab, {"key": "a"}))
    assert managers() == {("pulumi-kubernetes", "Update")}
    lab.up(_map(lab, {"key": "b"}))
    assert managers() == {(lab.state("cm")["outputs"]["__fieldManager"], "Apply")}


def test_17_conflict_names_the_field_and_force_wins(lab: Lab) -> None:
    lab.up(_map(lab, {"key": "a"}))
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cm"}, "data": {"key": "theirs"}}
    lab.apply("api/v1/configmaps", "cm", body, "somebody")
    words = lab.fail(_map(lab, {"key": "b"}))
    assert "server-side apply field conflict detected" in words
    assert "somebody" in words
    assert lab.get("api/v1/configmaps", "cm")["data"] == {"key": "theirs"}
    lab.up(_map(lab, {"key": "b"}, annotations={"pulumi.com/patchForce": "true"}))
    assert lab.get("api/v1/configmaps", "cm")["data"] == {"key": "b"}


def test_18_object_that_exists_fails_and_upsert_adopts_it(lab: Lab) -> None:
    lab.client.core.create_namespaced_config_map(lab.namespace, {"metadata": {"name": "cm"}, "data": {"other": "x"}})
    uid = lab.uid("api/v1/configmaps", "cm")
    words = lab.fail(_map(lab, {"key": "a"}))
    assert "was not successfully created by the Kubernetes API server" in words
    assert "already exists" in words

    def adopt() -> None:
        config_map("cm", lab.options(upsert_existing_objects=True), data={"key": "a"})

    lab.up(adopt)
    live = lab.get("api/v1/configmaps", "cm")
    assert (live["metadata"]["uid"], live["data"]) == (uid, {"key": "a", "other": "x"})


def _absent(lab: Lab, namespace: str, kind: str, key: str) -> Callable[[], None]:
    """Return a program with a ConfigMap in a namespace and a custom resource of a kind, of which one may be missing."""

    def run() -> None:
        options = lab.options()
        ConfigMap("cm", metadata={"name": "cm", "namespace": namespace}, data={key: "x"}, opts=options)
        if kind:
            CustomResource("cr", "test.example.org/v1", kind, metadata={"name": "cr"}, opts=options)

    return run


def test_19_preview_of_a_create_stores_nothing_and_finds_invalid_objects(lab: Lab) -> None:
    outcome = lab.stack.preview(_absent(lab, lab.namespace, "", "key")).check()
    assert ops_of(outcome, "cm") == ["create"]
    assert not lab.exists(CONFIG_MAPS, "cm")
    assert not lab.has("cm")
    assert "not a key!" in said(lab.stack.preview(_absent(lab, lab.namespace, "", "not a key!")))


def test_19_preview_passes_where_namespace_or_kind_may_still_come(lab: Lab) -> None:
    missing = f"test-absent-{lab.suffix}"
    assert ops_of(lab.stack.preview(_absent(lab, missing, "", "key")).check(), "cm") == ["create"]
    assert ops_of(lab.stack.preview(_absent(lab, lab.namespace, "Absent", "key")).check(), "cr") == ["create"]


def test_19_preview_of_an_update_stores_nothing_and_finds_invalid_objects(lab: Lab) -> None:
    lab.up(_map(lab, {"key": "a"}))
    before, stored = lab.get(CONFIG_MAPS, "cm"), lab.stored()
    assert ops_of(lab.stack.preview(_map(lab, {"key": "b"})).check(), "cm") == ["update"]
    assert "not a key!" in said(lab.stack.preview(_map(lab, {"not a key!": "b"})))
    assert (lab.get(CONFIG_MAPS, "cm"), lab.stored()) == (before, stored)
    lab.up(_map(lab, {"key": "b"}))
    assert lab.get(CONFIG_MAPS, "cm") != before, "the control"
    assert lab.stored() != stored


def test_20_preview_of_a_create_knows_the_name_and_neither_id_nor_status(lab: Lab) -> None:
    seen: dict[str, list[object]] = {}

    def program() -> None:
        seen.clear()
        service = Service("s", spec={"ports": [{"port": 80}]}, opts=lab.options())
        # An apply runs only on what is known.
        for key, output in (("name", service.metadata["name"]), ("id", service.id), ("status", service.status)):
            output.apply(lambda value, key=key: seen.setdefault(key, []).append(value))

    lab.stack.preview(program).check()
    assert set(seen) == {"name"}
    lab.up(program)
    assert set(seen) == {"name", "id", "status"}, "the control"
