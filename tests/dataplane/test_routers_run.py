"""The routers of a two-party star, from what one `pulumi up` left in the API servers, as real processes."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from dataplane.altered import Altered, Change, as_it_is
from dataplane.federation import EXCHANGE, Federation
from dataplane.kubelet.cage import wait_for
from dataplane.kubelet.errors import KubeletError
from dataplane.kubelet.kubelet import Kubelet
from dataplane.kubelet.pod import Pod
from engine.federation_rig import TWO, FederationRig

from kubefate_pulumi.fate import ports

TAKEN_UP_SECONDS = 30.0
"""The start script looks every five seconds; a busy machine takes longer."""
NEWCOMER = 9998


def log_count(pod: Pod, text: str) -> int:
    return pod.container().log.text.count(text)


def after_reload(federation: Federation, routers: list[Pod], act: Callable[[], None]) -> None:
    """Do something that changes mounted files, let the harness see it, and wait until these routers took it up."""
    before = {pod.key: log_count(pod, "event=reloaded") for pod in routers}
    act()
    federation.kubelet.sync()
    for pod in routers:
        wait_for(lambda pod=pod: log_count(pod, "event=reloaded") > before[pod.key], TAKEN_UP_SECONDS, pod.story)  # type: ignore[misc]


def processes(federation: Federation) -> Mapping[Any, int]:
    """Return the first process of each router, as this machine counts."""
    found = {}
    for pod in federation.routers():
        running = pod.container().running
        assert running is not None
        found[pod.key] = running.pid
    return found


def without_route(text: str, party: int) -> str:
    """Return `control.conf` without the lines that lead to a party."""
    shorter, count = re.subn(rf'(?m)^ *"{party}" "unix:[^\n]*\n', "", text)
    assert count, text
    return shorter


def no_route(config: dict[str, Any]) -> None:
    config["data"]["control.conf"] = without_route(config["data"]["control.conf"], 10000)


def no_text(config: dict[str, Any]) -> None:
    config["data"]["control.conf"] = "map {"


def test_requests_find_their_party(running_star: Federation) -> None:
    for source, dest in ((9999, 10000), (10000, 9999)):
        there = running_star.pod(dest, "python").address
        answer = running_star.ask(source, dest)
        assert (answer.status, answer.document["pod"]) == (200, there)
        assert answer.document["headers"]["src-party-id"] == [str(source)]
        status, said = running_star.ask_grpc(source, dest)
        assert (status, said["pod"]) == ("OK", there)
        assert said["headers"] == {"src-party-id": str(source), "dest-party-id": str(dest)}


def test_an_unknown_party_is_refused(running_star: Federation) -> None:
    running_star.kubelet.sync()
    reached = {party: log_count(running_star.pod(party, "nginx"), "control-in") for party in TWO}
    assert running_star.ask(9999, 4711).status == 404
    assert running_star.ask_grpc(9999, 4711)[0] == "UNIMPLEMENTED"
    router = running_star.pod(9999, "nginx")
    wait_for(lambda: log_count(router, "reason=no-route") >= 2, 5, router.story)
    assert re.search(r'control-out .*reason=no-route status=404 .*dest="4711"', router.container().log.text)
    assert {party: log_count(running_star.pod(party, "nginx"), "control-in") for party in TWO} == reached


def test_what_was_observed_is_what_the_path_needs(running_star: Federation) -> None:
    """A request crosses one router per unit, and nothing else."""
    units: tuple[str | int, ...] = (EXCHANGE, *TWO)
    sites = {unit: running_star.site(unit) for unit in units}
    for site in sites.values():
        site.rules.forget()
    assert running_star.ask(9999, 10000).status == 200
    seen = {
        unit: {(flow.source, flow.destination, flow.port) for flow in site.rules.carried() if flow.protocol == "tcp"}
        for unit, site in sites.items()
    }
    exchange = {pod.address for pod in running_star.pods(EXCHANGE, "nginx")}
    public = {unit: about["host"] for unit, about in running_star.rig.project.outputs("federation")["units"].items()}
    near, far = (running_star.pod(party, "nginx").address for party in (9999, 10000))
    assert seen[9999] == {
        (running_star.pod(9999, "python").address, near, ports.ROUTER_INNER_CONTROL_HTTP),
        (near, public[EXCHANGE], ports.ROUTER_OUTER_CONTROL),
    }
    into, out = sorted(seen[EXCHANGE], key=lambda flow: flow[0] in exchange)
    assert into[1] in exchange
    assert out == (into[1], public["10000"], ports.ROUTER_OUTER_CONTROL)
    outside = {flow for flow in seen[10000] if flow[1] == far}
    assert {flow[2] for flow in outside} == {ports.ROUTER_OUTER_CONTROL}
    assert seen[10000] - outside == {(far, running_star.pod(10000, "python").address, ports.FATE_FLOW_HTTP)}


def test_changed_routes_are_taken_up_without_a_restart(running_star: Federation) -> None:
    # Not changed in the API server itself: a field that somebody else wrote is one that Pulumi refuses to write.
    api = running_star.altered[EXCHANGE]
    before = processes(running_star)

    routers = running_star.pods(EXCHANGE, "nginx")
    try:
        # One route line less: its party is refused, the other one is not.
        after_reload(running_star, routers, lambda: api.set(no_route))
        wait_for(lambda: running_star.ask(9999, 10000).status == 404, 5, lambda: "10000 is still reached")
        assert running_star.ask(10000, 9999).status == 200
        # A file that nginx does not take leaves the last good one in force.
        refused = {pod.key: log_count(pod, "event=refused") for pod in routers}
        api.set(no_text)
        running_star.kubelet.sync()
        for pod in routers:
            wait_for(lambda pod=pod: log_count(pod, "event=refused") > refused[pod.key], TAKEN_UP_SECONDS, pod.story)  # type: ignore[misc]
        assert running_star.ask(10000, 9999).status == 200
    finally:
        after_reload(running_star, routers, lambda: api.set(as_it_is))
    wait_for(lambda: running_star.ask(9999, 10000).status == 200, 5, lambda: "10000 is not reached again")
    assert processes(running_star) == before


def test_a_party_joins_by_pulumi_up(running_star: Federation) -> None:
    before = processes(running_star)
    assert running_star.ask(9999, NEWCOMER).status == 404
    rig, sites = running_star.rig, {**TWO, NEWCOMER: "party-10000"}

    def join() -> None:
        # Another test may have set the exchange's image.
        exchange = (rig.project.stacks / "exchange.yaml").read_text(encoding="utf-8")
        rig.federation(sites)
        rig.project.write("stacks/exchange.yaml", exchange)
        rig.project.up("federation")

    after_reload(running_star, running_star.routers(), join)
    running_star.sites = sites
    running_star.follow(NEWCOMER, "nginx", "python")
    running_star.kubelet.sync()
    running_star.kubelet.wait_ready()
    for source, dest in ((9999, NEWCOMER), (NEWCOMER, 10000)):
        answer = running_star.ask(source, dest)
        assert (answer.status, answer.document["pod"]) == (200, running_star.pod(dest, "python").address)
    assert {key: pid for key, pid in processes(running_star).items() if key in before} == before


# Controls: one thing is different in what the API server says, and what the tests above assert does not hold.


def test_control_a_missing_route_line(star: FederationRig, new_kubelet: Callable[..., Kubelet]) -> None:
    broken = Altered(star.client(EXCHANGE), "configmaps", "nginx-routes", no_route)
    federation = Federation(star, new_kubelet(), dict(TWO), {EXCHANGE: broken})
    federation.run_control_path()
    assert broken.count
    assert federation.ask(9999, 10000).status == 404
    assert federation.ask(10000, 9999).status == 200


def without_mount(path: str) -> Change:
    def change(pod: dict[str, Any]) -> None:
        for container in pod["spec"]["containers"]:
            kept = [each for each in container["volumeMounts"] if each["mountPath"] != path]
            assert len(kept) == len(container["volumeMounts"]) - 1
            container["volumeMounts"] = kept

    return change


def without_group(pod: dict[str, Any]) -> None:
    del pod["spec"]["securityContext"]["fsGroup"]


def as_sub_path(pod: dict[str, Any]) -> None:
    for mount in pod["spec"]["containers"][0]["volumeMounts"]:
        if mount["mountPath"] == "/etc/kubefate/router":
            mount |= {"mountPath": "/etc/kubefate/router/nginx.conf", "subPath": "nginx.conf"}


def other_probe(pod: dict[str, Any]) -> None:
    probe = pod["spec"]["containers"][0]["startupProbe"]
    probe["httpGet"]["path"] = "/none"
    probe |= {"periodSeconds": 1, "failureThreshold": 2}


def other_command(pod: dict[str, Any]) -> None:
    pod["spec"]["containers"][0]["command"] = ["/bin/sh", "/etc/kubefate/start.sh"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without_mount("/etc/kubefate/tls"), r'cannot load certificate "/etc/kubefate/tls/tls\.crt"'),
        (without_mount("/etc/kubefate/routes"), r'open\(\) "/etc/kubefate/routes/control\.conf" failed'),
        (without_mount("/run/router"), "Read-only file system"),
        (without_group, r"/etc/kubefate/tls/tls\.crt.*Permission denied"),
        (as_sub_path, r"cannot open /etc/kubefate/router/start\.sh"),
        (other_probe, "startupProbe fails"),
        (other_command, r"cannot open /etc/kubefate/start\.sh"),
    ],
    ids=["certificate", "routes", "run", "group", "sub-path", "probe", "command"],
)
def test_control_a_pod_with_one_thing_broken(
    change: Change, message: str, star: FederationRig, new_kubelet: Callable[..., Kubelet]
) -> None:
    broken = Altered(star.client(EXCHANGE), "pods", "nginx-", change)
    federation = Federation(star, new_kubelet(), dict(TWO), {EXCHANGE: broken})
    federation.follow(EXCHANGE, "nginx")
    federation.kubelet.sync()
    assert broken.count
    (pod, _) = federation.pods(EXCHANGE, "nginx")
    wait_for(lambda: re.search(message, pod.story(), re.DOTALL) is not None, 15, pod.story)
    with pytest.raises(KubeletError):
        federation.kubelet.wait_ready(1)


def test_nothing_secret_is_in_what_a_failing_test_prints(running_star: Federation) -> None:
    story = "\n".join(pod.story() for site in running_star.kubelet.sites.values() for pod in site.pods.values())
    namespace = running_star.namespace(9999)
    secrets = running_star.rig.client("party-9999").get(f"/api/v1/namespaces/{namespace}/secrets")["items"]
    assert secrets
    assert json.dumps(secrets) not in story
    assert "PRIVATE KEY" not in story
