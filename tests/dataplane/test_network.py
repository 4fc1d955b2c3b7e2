"""Pods' networks, Services and names, on real namespaces and rules."""

import socket
import urllib.request
from collections.abc import Callable, Iterator

import pytest
from dataplane.calls import reaches
from dataplane.kubelet.cage import wait_for
from dataplane.kubelet.errors import KubeletError
from dataplane.kubelet.names import records, server_address
from dataplane.kubelet.pod import Pod
from dataplane.lab import WEB, Lab
from engine.sites import SiteClient

OTHER_SITE = "party-10000"


@pytest.fixture
def other(lab: Lab, site_client: Callable[[str], SiteClient]) -> Iterator[Lab]:
    """A namespace on another site, run by the same harness."""
    made = Lab(site_client(OTHER_SITE), lab.kubelet, OTHER_SITE)
    yield made
    made.drop()


def get(caller: Pod, address: str, port: int = WEB) -> tuple[str, str]:
    """Return the name of the pod that answered, and the address that it saw."""

    def call() -> tuple[str, str]:
        with urllib.request.urlopen(f"http://{address}:{port}/", timeout=5) as answer:
            name, seen = answer.read().decode().split()
            return name, seen

    return caller.within(call)


def test_a_service_leads_to_what_is_ready(lab: Lab) -> None:
    lab.service("web", {"app": "web"}, WEB)
    caller = lab.pod({}, name="caller")
    assert not reaches(caller, lab.cluster_address("web"), WEB)
    first, second = lab.web_server("web-1"), lab.web_server("web-2")
    lab.site.sync()
    lab.kubelet.wait_ready()
    assert {get(caller, lab.cluster_address("web"))[0] for _ in range(30)} == {"web-1", "web-2"}
    # The caller's own address is seen; a pod that gets itself sees its node's.
    assert get(caller, lab.cluster_address("web"))[1] == caller.address
    own = {get(first, lab.cluster_address("web")) for _ in range(30)}
    assert own == {("web-2", first.address), ("web-1", lab.site.node_addresses[0])}
    # What does not run gets nothing.
    second.kill()
    assert {get(caller, lab.cluster_address("web"))[0] for _ in range(20)} == {"web-1"}
    # Ports that no Service has are closed.
    assert not reaches(caller, lab.cluster_address("web"), WEB + 1)


def test_names_as_a_container_looks_them_up(lab: Lab) -> None:
    lab.service("web", {"app": "web"}, WEB)
    lab.service("headless", {"app": "web"}, WEB, clusterIP="None")
    caller = lab.pod({}, name="caller", hostAliases=[{"ip": "192.0.2.7", "hostnames": ["alias.example.org"]}])

    def look_up(name: str) -> set[str]:
        output = caller.container().execute("getent", "ahostsv4", name)
        return {line.split()[0] for line in output.splitlines()}

    with pytest.raises(KubeletError):
        look_up("headless")
    web = lab.web_server("web-1")
    lab.site.sync()
    lab.kubelet.wait_ready()
    full = f"{lab.namespace}.svc.cluster.local"
    wait_for(
        lambda: "headless" in caller.container().execute("sh", "-c", "getent hosts headless || true"), 5, lambda: ""
    )
    for name in ("web", f"web.{lab.namespace}", f"web.{full}", f"web.{full}."):
        assert look_up(name) == {lab.cluster_address("web")}
    pod_name = web.address.replace(".", "-")
    assert look_up("headless") == look_up(f"{pod_name}.headless") == {web.address}
    assert look_up("alias.example.org") == {"192.0.2.7"}
    assert look_up("caller") == {caller.address}
    for name in ("nothing", "web.elsewhere", "www.example.org"):
        with pytest.raises(KubeletError):
            look_up(name)
    assert f"nameserver {server_address(lab.site.api.service_range())}\n" in caller.container().execute(
        "cat", "/etc/resolv.conf"
    )


def test_between_sites_only_what_is_published_can_be_reached(lab: Lab, other: Lab) -> None:
    lab.service("web", {"app": "web"}, WEB, type="LoadBalancer")
    lab.service("inside", {"app": "web"}, WEB)
    web = lab.web_server("web-1")
    public = lab.public_address("web")
    stranger = other.pod({}, name="stranger")
    lab.kubelet.sync()
    lab.kubelet.wait_ready()
    # The node's address is seen, as `externalTrafficPolicy: Cluster` has it.
    assert get(stranger, public) == ("web-1", lab.site.node_addresses[0])
    for address in (web.address, lab.cluster_address("inside"), lab.cluster_address("web"), lab.site.node_addresses[0]):
        assert not reaches(stranger, address, WEB)
    # The site's own pods reach all of it.
    for address in (web.address, lab.cluster_address("inside"), public):
        assert get(web, address)[0] == "web-1"
    for name, policy, expected in (("local", "Local", True), ("cluster", "Cluster", False)):
        lab.service(name, {"app": "web"}, WEB, type="NodePort", externalTrafficPolicy=policy)
        wait_for(lambda: lab.listed("web-1"), 20, lambda: "no EndpointSlice")
        lab.site.sync()
        port = lab.service_object(name)["spec"]["ports"][0]["nodePort"]
        seen = get(stranger, lab.site.node_addresses[0], port)[1]
        assert (seen != lab.site.node_addresses[0]) is expected


def test_source_ranges_keep_others_out(lab: Lab, other: Lab) -> None:
    web = lab.web_server("web-1")
    stranger = other.pod({}, name="stranger")

    def source() -> str:
        with socket.create_connection((public, WEB), timeout=5) as connection:
            return str(connection.getsockname()[0])

    lab.service("web", {"app": "web"}, WEB, type="LoadBalancer", loadBalancerSourceRanges=["192.0.2.0/24"])
    wait_for(lambda: lab.listed("web-1"), 20, lambda: "no EndpointSlice")
    public = lab.public_address("web")
    lab.kubelet.sync()
    lab.kubelet.wait_ready()
    assert not reaches(stranger, public, WEB)
    lab.client.core.patch_namespaced_service(
        "web", lab.namespace, {"spec": {"loadBalancerSourceRanges": ["192.0.2.0/24", "100.127.0.0/16"]}}
    )
    lab.kubelet.sync()
    assert stranger.within(source) == stranger.address
    assert web.ready


def test_flows_are_recorded_before_and_after_services(lab: Lab) -> None:
    lab.service("web", {"app": "web"}, WEB)
    caller, web = lab.pod({}, name="caller"), lab.web_server("web-1")
    lab.site.sync()
    lab.kubelet.wait_ready()
    lab.site.rules.forget()
    get(caller, lab.cluster_address("web"))
    caller.container().execute("getent", "hosts", "web")
    asked = {(flow.protocol, flow.source, flow.destination, flow.port) for flow in lab.site.rules.asked()}
    server = server_address(lab.site.api.service_range())
    assert asked == {("tcp", caller.address, lab.cluster_address("web"), WEB), ("udp", caller.address, server, 53)}
    (carried,) = lab.site.rules.carried()
    assert (carried.source, carried.destination, carried.port) == (caller.address, web.address, WEB)
    # A refused connection is recorded, too: somebody tried.
    assert not reaches(caller, web.address, WEB + 1)
    assert {flow.port for flow in lab.site.rules.carried()} == {WEB, WEB + 1}


def test_an_alias_is_refused_where_pods_are_run_and_nowhere_else() -> None:
    alias = {
        "metadata": {"namespace": "lab", "name": "alias"},
        "spec": {"type": "ExternalName", "externalName": "example.org"},
    }
    assert records([alias], {}, {"other"}) == ""
    with pytest.raises(KubeletError, match="lab/alias: ExternalName"):
        records([alias], {}, {"lab"})
