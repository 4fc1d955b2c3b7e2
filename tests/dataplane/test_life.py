"""The lives of containers: init containers, probes, restarts, ends."""

import itertools
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from dataplane.calls import reaches
from dataplane.kubelet.cage import wait_for
from dataplane.kubelet.errors import KubeletError
from dataplane.lab import WEB, Lab

TESTS = Path(__file__).resolve().parents[1]


def test_init_containers_run_in_order_before_the_others(lab: Lab) -> None:
    shared = [{"name": "shared", "mountPath": "/shared"}]
    write = "echo {0} >> /shared/order; [ {0} = first ] || [ -e /shared/again ] || {{ touch /shared/again; exit 3; }}"
    inits = [
        {
            "name": name,
            "image": "busybox",
            "command": ["sh", "-c", write.format(name)],
            "volumeMounts": shared,
        }
        for name in ("first", "second")
    ]
    container = {"command": ["sh", "-c", "echo main >> /shared/order; exec sleep infinity"], "volumeMounts": shared}
    pod = lab.pod(container, initContainers=inits, volumes=[{"name": "shared", "emptyDir": {}}])
    # The one that failed ran again, the one that did not was left alone.
    wait_for(lambda: "main" in pod.container().execute("cat", "/shared/order"), 5, pod.story)
    assert pod.container().execute("cat", "/shared/order").split() == ["first", "second", "second", "main"]
    assert (pod.container("first").exit_codes, pod.container("second").exit_codes) == ([0], [3, 0])


def test_what_ends_is_started_again_after_growing_pauses(lab: Lab) -> None:
    pod = lab.pod({"command": ["sh", "-c", "date +%s.%N; exit 7"]})
    wait_for(lambda: len(pod.container().log.text.split()) >= 4, 20, pod.story)
    times = [float(line) for line in pod.container().log.text.split()[:4]]
    pauses = [after - before for before, after in itertools.pairwise(times)]
    assert pauses[0] < 1 <= pauses[1] < pauses[2]
    assert set(pod.container().exit_codes) == {7}
    lab.pod({"command": ["true"]}, name="once", restartPolicy="OnFailure")
    lab.pod({"command": ["false"]}, name="never", restartPolicy="Never")
    for name, code in (("once", 0), ("never", 1)):
        unit = lab.site.pods[lab.namespace, name].container()
        wait_for(lambda unit=unit: unit.finished, 5, unit.log.path.read_text)  # type: ignore[misc]
        assert (unit.exit_codes, unit.restarts) == ([code], 0)


def test_liveness_and_startup_restart_readiness_does_not(lab: Lab) -> None:
    lab.service("web", {"app": "web"}, WEB)
    exec_probe = {"exec": {"command": ["test", "!", "-e", "/tmp/broken"]}, "periodSeconds": 1, "failureThreshold": 2}
    web_probe = {"httpGet": {"path": "/", "port": "web"}, "periodSeconds": 1, "failureThreshold": 2}
    ports = [{"name": "web", "containerPort": WEB}]
    pod = lab.web_server("web-1", ports=ports, livenessProbe=exec_probe, readinessProbe=web_probe)
    caller = lab.pod({}, name="caller")
    address = lab.cluster_address("web")
    lab.kubelet.wait_ready()
    lab.site.sync()
    assert reaches(caller, address, WEB)
    # nginx stands still: it is taken out of the Service, and is not restarted.
    for pid in pod.container().execute("sh", "-c", "cat /run/nginx.pid; pgrep nginx || true").split():
        pod.container().execute("sh", "-c", f"kill -STOP {pid} 2>/dev/null; true")
    wait_for(lambda: not pod.ready, 10, pod.story)
    wait_for(lambda: not reaches(caller, address, WEB), 5, lambda: "it is still reached")
    assert pod.container().restarts == 0
    for pid in pod.container().execute("sh", "-c", "cd /proc; ls -d [0-9]*").split():
        pod.container().execute("sh", "-c", f"kill -CONT {pid} 2>/dev/null; true")
    wait_for(lambda: reaches(caller, address, WEB), 10, pod.story)
    # Its liveness probe fails: it is restarted, and its broken file is gone with its file system.
    pod.container().execute("touch", "/tmp/broken")
    wait_for(lambda: pod.container().restarts == 1 and pod.ready, 20, pod.story)
    assert "livenessProbe fails" in pod.container().events


def test_a_start_that_takes_too_long_is_ended(lab: Lab) -> None:
    probe = {"tcpSocket": {"port": 9}, "periodSeconds": 1, "failureThreshold": 3}
    pod = lab.pod({"startupProbe": probe}, terminationGracePeriodSeconds=1)
    wait_for(lambda: pod.container().restarts == 1, 20, pod.story)
    assert "is ended: startupProbe failed" in pod.container().events
    assert not pod.ready


def test_the_end_of_a_pod(lab: Lab) -> None:
    script = "trap 'echo asked; sleep 1; echo done; exit 0' TERM; echo up; while :; do sleep 0.1; done"
    hook = {"preStop": {"exec": {"command": ["sh", "-c", "echo hook > /proc/1/fd/1"]}}}
    polite = lab.pod({"command": ["sh", "-c", script], "lifecycle": hook}, terminationGracePeriodSeconds=10)
    # The first process of a container that handles no signal is deaf to SIGTERM.
    deaf = lab.pod({}, name="deaf", terminationGracePeriodSeconds=1)
    wait_for(lambda: "up" in polite.container().log.text, 5, polite.story)
    for name in ("pod", "deaf"):
        lab.client.core.delete_namespaced_pod(name, lab.namespace)
    wait_for(lambda: not lab.site.api.pods(lab.namespace), 20, lambda: "the pods stay")
    lab.site.sync()
    assert lab.site.pods == {}
    lab.site.join_ending()
    assert polite.container().log.text.split() == ["up", "hook", "asked", "done"]
    assert "was killed after 1 s" in deaf.container().events
    networks = lab.kubelet.cage.run("ip", "netns", "list").splitlines()
    assert {line.split()[0] for line in networks} == {"party-9999", "backbone"}


def test_a_command_in_a_container(lab: Lab) -> None:
    pod = lab.pod({})
    with pytest.raises(KubeletError, match="exit code 3"):
        pod.container().execute("sh", "-c", "exit 3")
    began = time.monotonic()
    with pytest.raises(KubeletError, match=r"took longer than 0\.5 s"):
        pod.container().execute("sleep", "77", seconds=0.5)
    assert time.monotonic() - began < 5
    assert "77" not in pod.container().execute("sh", "-c", "cat /proc/[0-9]*/cmdline")


_KEEPS_A_CAGE = """
import sys
from dataplane.kubelet.cage import Cage
from dataplane.kubelet.network import Backbone, NodeNetwork
cage = Cage()
Backbone(cage)
NodeNetwork(cage, "node", ["10.1.1.1"]).add_pod("10.1.1.2", "10.1.1.1")
inside = cage.start(["setsid", "sh", "-c", "setsid sleep 98765 & sleep 98766"], "node-1")
print("up", cage.first, cage.directory, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("number", [2, 9, 15])
def test_nothing_is_left_however_the_tests_end(number: int) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _KEEPS_A_CAGE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
    )
    assert process.stdout is not None
    word, first, directory = process.stdout.readline().split()
    assert word == "up"
    namespace = str(Path(f"/proc/{first}/ns/pid").readlink())
    wait_for(lambda: len(members(namespace)) >= 3, 5, lambda: str(members(namespace)))
    process.send_signal(number)
    process.communicate()
    wait_for(lambda: not members(namespace), 10, lambda: str(members(namespace)))
    wait_for(lambda: not Path(directory).exists(), 10, lambda: f"{directory} is left")


def members(namespace: str) -> list[str]:
    """Return the processes in a pid namespace."""
    found = []
    for directory in Path("/proc").iterdir():
        if directory.name.isdigit():
            try:
                if str((directory / "ns" / "pid").readlink()) == namespace:
                    found.append(directory.name)
            except OSError:
                continue
    return found
