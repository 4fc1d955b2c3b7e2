"""What other kinds of objects are waited for, in readiness and in the lack of it."""

import pulumi
from engine.plugin.lab import IMAGE, PENDING, Json, Lab, failed, within
from pulumi_kubernetes.apps.v1 import DaemonSet, StatefulSet
from pulumi_kubernetes.core.v1 import PersistentVolumeClaim, Pod


def _workloads(name: str, options: pulumi.ResourceOptions, annotations: Json) -> None:
    """Register a StatefulSet, a DaemonSet and a Pod; the pods have the annotations."""
    labels = {"app": name}
    containers = {"containers": [{"name": "app", "image": IMAGE}]}
    for kind in (StatefulSet, DaemonSet):
        own = labels | {"kind": kind.__name__}
        template = {"metadata": {"labels": own, "annotations": annotations}, "spec": containers}
        spec: Json = {"selector": {"match_labels": own}, "template": template}
        if kind is StatefulSet:
            spec["service_name"] = name
        whole = f"{name}-{kind.__name__.lower()}"
        kind(whole, metadata={"name": whole}, spec=spec, opts=options)
    metadata = {"name": f"{name}-pod", "annotations": annotations}
    Pod(f"{name}-pod", metadata=metadata, spec=containers, opts=options)


def _claim(name: str, options: pulumi.ResourceOptions, storage_class: str) -> None:
    spec = {
        "access_modes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
        "storage_class_name": storage_class,
    }
    PersistentVolumeClaim(name, metadata={"name": name}, spec=spec, opts=options)


def test_workloads_and_claims_are_waited_for(lab: Lab) -> None:
    def program() -> None:
        options = lab.options()
        short, long = within(options, create="3s"), within(options, create="2m")
        _workloads("good", long, {})
        _workloads("bad", short, PENDING)
        _claim("good-claim", long, "standard")
        _claim("bad-claim", short, "no-such-class")
        _claim("late-claim", long, "wait-for-first-consumer")

    outcome = lab.stack.up(program, continue_on_error=True)
    assert failed(outcome) == {"bad-statefulset", "bad-daemonset", "bad-pod", "bad-claim"}
    assert all(lab.state(name)["initErrors"] for name in failed(outcome))

    def status(name: str) -> Json:
        return dict(lab.state(name)["outputs"]["status"])

    assert status("good-statefulset")["readyReplicas"] == 1
    assert status("good-daemonset")["numberReady"] == status("good-daemonset")["desiredNumberScheduled"] > 0
    assert {each["type"]: each["status"] for each in status("good-pod")["conditions"]}["Ready"] == "True"
    assert status("good-claim")["phase"] == "Bound"
    assert status("late-claim")["phase"] == "Pending"
