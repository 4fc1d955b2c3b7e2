"""Volumes as a container sees them. What is expected is in Kubernetes' documentation of volumes and subPath."""

import base64
from collections.abc import Mapping
from typing import Any

import pytest
from dataplane.kubelet.cage import wait_for
from dataplane.kubelet.errors import KubeletError
from dataplane.lab import Lab

GROUP = 2345
USER = 1234
CONTEXT = {"runAsUser": USER, "runAsGroup": USER, "fsGroup": GROUP}


def mount(name: str, path: str, **fields: Any) -> Mapping[str, Any]:
    return {"name": name, "mountPath": path, **fields}


def look(path: str, lab: Lab, name: str = "pod") -> str:
    """Return mode, owner and group of what a path leads to."""
    pod = lab.site.pods[lab.namespace, name]
    return pod.container().execute("stat", "--dereference", "--format=%a %u %g", path).strip()


def read(path: str, lab: Lab, name: str = "pod") -> str:
    return lab.site.pods[lab.namespace, name].container().execute("cat", path)


def test_a_config_map_is_laid_out_whole_or_by_items(lab: Lab) -> None:
    lab.config_map("texts", {"a.conf": "A", "b.conf": "B"}, {"raw": base64.b64encode(b"\x00\xff").decode()})
    items = [{"key": "a.conf", "path": "deep/er/A"}, {"key": "b.conf", "path": "B", "mode": 0o600}]
    volumes = [
        {"name": "whole", "configMap": {"name": "texts"}},
        {"name": "items", "configMap": {"name": "texts", "items": items, "defaultMode": 0o440}},
        {"name": "none", "configMap": {"name": "absent", "optional": True}},
    ]
    mounts = [mount("whole", "/etc/whole"), mount("items", "/etc/items"), mount("none", "/etc/none")]
    pod = lab.pod({"volumeMounts": mounts}, volumes=volumes)
    run = pod.container().execute
    assert run("ls", "/etc/whole").split() == ["a.conf", "b.conf", "raw"]
    assert (read("/etc/whole/a.conf", lab), look("/etc/whole/a.conf", lab)) == ("A", "644 0 0")
    assert run("od", "-An", "-tx1", "/etc/whole/raw").split() == ["00", "ff"]
    assert run("ls", "/etc/items").split() == ["B", "deep"]
    assert (read("/etc/items/deep/er/A", lab), look("/etc/items/deep/er/A", lab)) == ("A", "440 0 0")
    assert look("/etc/items/B", lab) == "600 0 0"
    assert run("ls", "/etc/none") == ""
    # A ConfigMap is read-only, whether the pod says so or not.
    with pytest.raises(KubeletError, match="Read-only file system"):
        run("touch", "/etc/whole/new")


def test_files_change_together_and_not_below_sub_path(lab: Lab) -> None:
    lab.config_map("texts", {"a": "old a", "b": "old b", "gone": "x"})
    volumes = [{"name": "texts", "configMap": {"name": "texts"}}]
    mounts = [mount("texts", "/etc/texts"), mount("texts", "/etc/single", subPath="a")]
    pod = lab.pod({"volumeMounts": mounts}, volumes=volumes)
    run = pod.container().execute
    before = run("readlink", "/etc/texts/..data").strip()
    assert before.startswith("..20")
    assert run("readlink", "/etc/texts/a").strip() == "..data/a"
    # Nothing happens while nothing changes.
    lab.site.sync()
    assert run("readlink", "/etc/texts/..data").strip() == before
    lab.config_map("texts", {"a": "new a", "b": "new b", "more": "y"})
    # And nothing before the kubelet looks.
    assert read("/etc/texts/a", lab) == "old a"
    lab.site.sync()
    assert [read(f"/etc/texts/{name}", lab) for name in ("a", "b", "more")] == ["new a", "new b", "y"]
    assert sorted(run("ls", "-A", "/etc/texts").split())[-3:] == ["a", "b", "more"]
    after = run("readlink", "/etc/texts/..data").strip()
    assert after != before
    assert before not in run("ls", "-A", "/etc/texts").split()
    # A sub path is what was there when the container started.
    assert read("/etc/single", lab) == "old a"
    pod.container().kill()
    wait_for(lambda: pod.container().restarts == 1 and pod.ready, 10, pod.story)
    assert read("/etc/single", lab) == "new a"


def test_secrets_belong_to_the_pods_group(lab: Lab) -> None:
    lab.secret("keys", {"tls.key": "secret"})
    volumes = [
        {"name": "group", "secret": {"secretName": "keys", "defaultMode": 0o400}},
        {"name": "open", "secret": {"secretName": "keys"}},
    ]
    mounts = [mount("group", "/etc/group-keys"), mount("open", "/etc/open-keys")]
    lab.pod({"volumeMounts": mounts}, volumes=volumes, securityContext=CONTEXT)
    assert (read("/etc/group-keys/tls.key", lab), look("/etc/group-keys/tls.key", lab)) == ("secret", f"440 0 {GROUP}")
    assert look("/etc/open-keys/tls.key", lab) == f"644 0 {GROUP}"
    # Without the group the same user cannot read what only root may.
    lab.pod(
        {"volumeMounts": mounts},
        name="other",
        volumes=volumes,
        securityContext={key: value for key, value in CONTEXT.items() if key != "fsGroup"},
    )
    assert look("/etc/group-keys/tls.key", lab, "other") == "400 0 0"
    with pytest.raises(KubeletError, match="Permission denied"):
        read("/etc/group-keys/tls.key", lab, "other")


def test_projected_and_downward_api(lab: Lab) -> None:
    lab.config_map("texts", {"a": "A"})
    lab.secret("keys", {"k": "K"})
    downward = {
        "items": [
            {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}},
            {"path": "cpu", "resourceFieldRef": {"containerName": "main", "resource": "limits.cpu", "divisor": "1m"}},
        ]
    }
    sources = [
        {"configMap": {"name": "texts"}},
        {"secret": {"name": "keys", "items": [{"key": "k", "path": "in/k", "mode": 0o400}]}},
        {"downwardAPI": downward},
    ]
    volumes = [{"name": "all", "projected": {"sources": sources, "defaultMode": 0o444}}]
    container = {"volumeMounts": [mount("all", "/etc/all")], "resources": {"limits": {"cpu": "1500m"}}}
    lab.pod(container, volumes=volumes, labels={"b": "2", "a": "1"})
    assert (read("/etc/all/a", lab), look("/etc/all/a", lab)) == ("A", "444 0 0")
    assert (read("/etc/all/in/k", lab), look("/etc/all/in/k", lab)) == ("K", "400 0 0")
    # Kubernetes adds labels of its own.
    assert read("/etc/all/labels", lab).splitlines()[:2] == ['a="1"', 'b="2"']
    assert read("/etc/all/cpu", lab) == "1500"
    lab.client.core.patch_namespaced_pod("pod", lab.namespace, {"metadata": {"labels": {"a": "3"}}})
    lab.site.sync()
    assert read("/etc/all/labels", lab).splitlines()[:2] == ['a="3"', 'b="2"']


def test_writable_volumes_belong_to_the_group_and_claims_stay(lab: Lab) -> None:
    lab.claim("disk")
    volumes = [
        {"name": "disk", "persistentVolumeClaim": {"claimName": "disk"}},
        {"name": "memory", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
        {"name": "empty", "emptyDir": {}},
    ]
    mounts = [
        mount("disk", "/data", subPath="inner"),
        mount("memory", "/memory"),
        mount("empty", "/empty"),
        mount("empty", "/empty-read-only", readOnly=True),
    ]
    pod = lab.pod({"volumeMounts": mounts}, volumes=volumes, securityContext=CONTEXT)
    run = pod.container().execute
    for path in ("/data", "/memory", "/empty"):
        run("sh", "-c", f"echo written > {path}/file")
        assert look(f"{path}/file", lab) == f"644 {USER} {GROUP}"
    assert read("/empty-read-only/file", lab) == "written\n"
    with pytest.raises(KubeletError, match="Read-only file system"):
        run("touch", "/empty-read-only/new")
    with pytest.raises(KubeletError, match="No space left"):
        run("dd", "if=/dev/zero", "of=/memory/big", "bs=1M", "count=2")
    # The pod goes: its claim stays, its other volumes are new.
    lab.client.core.delete_namespaced_pod("pod", lab.namespace)
    lab.pod({"volumeMounts": mounts}, name="next", volumes=volumes, securityContext=CONTEXT)
    assert read("/data/file", lab, "next") == "written\n"
    with pytest.raises(KubeletError, match="No such file"):
        read("/empty/file", lab, "next")


@pytest.mark.parametrize(
    ("fields", "spec", "message"),
    [
        (
            {"volumeMounts": [mount("texts", "/etc/texts")]},
            {"volumes": [{"name": "texts", "configMap": {"name": "absent"}}]},
            "no configMap lab-[0-9a-f]+/absent",
        ),
        ({}, {"volumes": [{"name": "d", "hostPath": {"path": "/"}}]}, "volume 'd' of kind hostPath is not known here"),
        (
            {"image": "a.example.org/team/unheard:1"},
            {},
            r"image a\.example\.org/team/unheard:1: the table has no program",
        ),
        ({}, {"hostNetwork": True}, "hostNetwork is not offered here"),
    ],
)
def test_what_cannot_be_run_is_named(fields: Any, spec: Any, message: str, lab: Lab) -> None:
    with pytest.raises(KubeletError, match=message):
        lab.pod(fields, **spec)
