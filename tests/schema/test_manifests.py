"""Every object that the components register, strictly valid for the oldest and the newest supported Kubernetes."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
from plan.programs import plan_of, write_federation

OLDEST, NEWEST = "1.28", "1.37"
EVERYTHING = {
    "exposure": {"source_ranges": ["192.0.2.0/24"], "annotations": {"example.org/pool": "dmz"}},
    "storage": {"storage_class": "fast", "volumes": {"datanode": {"size": "100Gi"}}},
    "resources": {"fateflow": {"cpu": "3", "memory": "6Gi"}},
    "spark": {"workers": 3, "cores": 8, "memory": "16Gi"},
    "hdfs": {"datanodes": 2},
    "registry": "registry.example.org/fate",
    "image_pull_secrets": ["pull"],
    "ingress": {"class_name": "nginx", "fateboard_host": "b.example.org", "notebook_host": "n.example.org"},
}


@pytest.fixture(scope="module")
def manifests(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    plain = plan_of(write_federation(tmp_path_factory.mktemp("plain"), topology="star"))
    full = plan_of(write_federation(tmp_path_factory.mktemp("full"), topology="direct", party=EVERYTHING))
    return [dict(item.inputs) for plan in (plain, full) for item in plan.registrations if item.is_object]


def _problems(manifest: dict[str, Any], version: str) -> Iterator[str]:
    try:
        kubernetes_validate.validate(manifest, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        yield f"{manifest['kind']}/{manifest['metadata']['name']}: {error.message}"


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_every_object_is_valid(manifests: list[dict[str, Any]], version: str) -> None:
    assert len(manifests) > 150
    assert [problem for manifest in manifests for problem in _problems(manifest, version)] == []


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_an_unknown_field_is_seen(manifests: list[dict[str, Any]], version: str) -> None:
    broken = copy.deepcopy(next(manifest for manifest in manifests if manifest["kind"] == "StatefulSet"))
    broken["spec"]["template"]["spec"]["containers"][0]["imagePullPolcy"] = "Always"
    assert list(_problems(broken, version))


def test_what_the_other_topology_and_settings_change_is_rendered(tmp_path: Path) -> None:
    plan = plan_of(write_federation(tmp_path, topology="direct", party=EVERYTHING))
    workers = plan.object("fate-9999", "Deployment", "spark-worker").inputs["spec"]
    assert workers["replicas"] == 3
    container = workers["template"]["spec"]["containers"][0]
    assert container["image"] == "registry.example.org/fate/spark-worker:1.11.2-release"
    assert workers["template"]["spec"]["imagePullSecrets"] == [{"name": "pull"}]
    claims = plan.object("fate-9999", "StatefulSet", "datanode").inputs["spec"]["volumeClaimTemplates"]
    assert claims[0]["spec"]["storageClassName"] == "fast"
    assert claims[0]["spec"]["resources"]["requests"]["storage"] == "100Gi"
    public = plan.object("fate-9999", "Service", "nginx-public").inputs["spec"]
    assert public["loadBalancerSourceRanges"] == ["192.0.2.0/24"]
    assert not plan.objects("fate-exchange")
