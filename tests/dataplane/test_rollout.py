"""Old and new pods of a workload, while it is changed."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from dataplane.federation import EXCHANGE, Federation
from dataplane.kubelet.rollout import must_serve, recreates
from engine.federation_rig import TWO

NEW_IMAGE = "nginx:1.28.1"


@contextmanager
def asking(federation: Federation) -> Iterator[list[str]]:
    """Ask 10000 from 9999 again and again; yield what came of it when it was not an answer."""
    stop, wrong = threading.Event(), list[str]()
    count = 0

    def ask() -> None:
        nonlocal count
        while not stop.wait(0.05):
            try:
                answer = federation.ask(9999, 10000)
            except Exception as error:  # noqa: BLE001 - it is what the test looks for
                wrong.append(f"{time.strftime('%X')} {error!r}")
            else:
                count += 1
                if answer.status != 200:
                    wrong.append(f"{time.strftime('%X')} {answer.status}")

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    try:
        yield wrong
    finally:
        stop.set()
        thread.join()
    assert count > 20


def test_a_new_image_of_the_exchange_interrupts_nobody(running_star: Federation) -> None:
    rig, before = running_star.rig, {pod.uid for pod in running_star.pods(EXCHANGE, "nginx")}
    parties = {pod.uid for party in TWO for pod in running_star.pods(party, "nginx")}
    rig.unit("exchange.yaml", "exchange", images={"nginx": NEW_IMAGE})
    with running_star.kubelet.following(), asking(running_star) as wrong:
        rig.project.up("federation")
        running_star.kubelet.settle(120)
        time.sleep(1)
    assert wrong == []
    after = running_star.pods(EXCHANGE, "nginx")
    assert {pod.about["spec"]["containers"][0]["image"] for pod in after} == {NEW_IMAGE}
    assert not before & {pod.uid for pod in after}
    assert parties == {pod.uid for party in TWO for pod in running_star.pods(party, "nginx")}


def test_control_pods_that_are_deleted_by_hand_interrupt(running_star: Federation) -> None:
    core, namespace = running_star.rig.client(EXCHANGE).core, running_star.namespace(EXCHANGE)
    with running_star.kubelet.following(), asking(running_star) as wrong:
        core.delete_collection_namespaced_pod(namespace, label_selector="fateMoudle=nginx")
        time.sleep(2)
        running_star.kubelet.settle(120)
        time.sleep(1)
    assert any("502" in each for each in wrong), wrong


@pytest.mark.parametrize(
    ("replicas", "strategy", "expected"),
    [
        (2, {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0}}, 2),
        (2, {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}}, 1),
        (3, {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%"}}, 3),
        (4, {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%"}}, 3),
        (2, {"type": "Recreate"}, 0),
    ],
)
def test_how_many_pods_must_serve(replicas: int, strategy: dict[str, object], expected: int) -> None:
    deployment = {"spec": {"replicas": replicas, "strategy": strategy}}
    assert must_serve(deployment) == expected
    assert recreates(deployment) is (strategy["type"] == "Recreate")


def test_a_workload_that_is_gone_needs_nobody() -> None:
    assert must_serve(None) == 0
    assert not recreates(None)
