"""`kubefate verify` against real API servers. Pods are simulated, so the ladder ends where a process must answer."""

import json
import subprocess
from typing import Any

from engine.federation_rig import TWO, FederationRig
from engine.support import KUBEFATE, wait_until


def verify(rig: FederationRig, *words: str) -> tuple[int, dict[str, Any]]:
    command = [str(KUBEFATE), "verify", str(rig.project.stacks), "--json", *words]
    done = subprocess.run(command, env=rig.project.environment, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    return done.returncode, json.loads(done.stdout)


def verdicts(document: dict[str, Any]) -> dict[str, str]:
    return {each["step"]: each["verdict"] for each in document["findings"]}


def test_the_ladder_sees_what_is_there_and_what_is_not(rig: FederationRig) -> None:
    rig.federation(TWO)
    code, document = verify(rig, "--unit", "9999", "--up-to", "V0")
    assert code == 1
    assert verdicts(document) == {"V0.cluster": "passed", "V0.namespace": "failed"}

    rig.project.up("federation")
    code, document = verify(rig, "--up-to", "V0")
    assert (code, document["ok"], document["federation"]) == (0, True, "fraud")
    assert {each["unit"] for each in document["findings"]} == {"exchange", "9999", "10000"}

    # What no process answers is not taken for well.
    code, document = verify(rig, "--unit", "9999")
    found = verdicts(document)
    assert code == 1
    assert found["V1.fateflow"] == found["V2"] == found["V3"] == "not run"
    simulated = next(each for each in document["findings"] if each["step"] == "V1.fateflow")
    assert "simulated" in simulated["detail"]

    # An address that moved since it was published, and a workload that is not ready.
    rig.project.write("stacks/peers/9999.yaml", json.dumps(rig.project.outputs("federation")["peers"]["9999"]))
    assert verify(rig, "--unit", "9999", "--up-to", "V0")[0] == 0
    site, namespace = rig.client("party-9999"), rig.project.namespace(9999)
    status = {"status": {"loadBalancer": {"ingress": [{"ip": "198.51.100.77"}]}}}
    site.core.patch_namespaced_service_status("nginx-public", namespace, status)
    crashing = {"metadata": {"annotations": {"simulator.kubefate/pod": "crash"}}}
    site.apps.patch_namespaced_stateful_set("mysql", namespace, {"spec": {"template": crashing}})
    read = site.apps.read_namespaced_stateful_set
    wait_until(lambda: not read("mysql", namespace).status.ready_replicas, "the database is not ready")
    code, document = verify(rig, "--unit", "9999", "--up-to", "V0")
    failed = {each["step"]: each for each in document["findings"] if each["verdict"] == "failed"}
    assert code == 1
    assert set(failed) == {"V0.workloads", "V0.address"}
    assert "StatefulSet mysql 0 of 1" in failed["V0.workloads"]["detail"]
    assert "publish again" in failed["V0.address"]["remedy"]


def test_wrong_input_is_said_in_a_line(rig: FederationRig) -> None:
    rig.federation(TWO)
    command = [str(KUBEFATE), "verify", str(rig.project.stacks), "--unit", "7"]
    done = subprocess.run(command, env=rig.project.environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "units with one are exchange, 9999, 10000" in done.stderr
    nowhere = {**rig.project.environment, "KUBECONFIG": "/nonexistent"}
    command = [str(KUBEFATE), "verify", str(rig.project.stacks), "--unit", "9999"]
    done = subprocess.run(command, env=nowhere, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "no usable kubeconfig" in done.stdout
    assert "Traceback" not in done.stderr
