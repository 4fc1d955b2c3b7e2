"""Messages between two parties' real brokers, through the routers of a star, as FATE sends them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dataplane.altered import Altered, as_it_is
from dataplane.federation import EXCHANGE, Federation
from dataplane.kubelet.cage import wait_for
from dataplane.kubelet.images import Table, Tree
from dataplane.kubelet.kubelet import Kubelet
from dataplane.kubelet.standard_images import stand_in_fate_flow, standard_images
from dataplane.observed import denied
from dataplane.programs.images import mysql, pulsar
from dataplane.programs.python_home import pulsar_client_home
from engine.federation_rig import SHARED, TWO, FederationRig

from kubefate_pulumi.fate import ports

FATE = Path(__file__).with_name("fate_messages.py")
START_SECONDS = 240.0
COUNT = 20


def table() -> Table:
    """Return the images; FATE Flow's gets the client that the real one has."""
    home = pulsar_client_home()
    flow = stand_in_fate_flow()
    return (
        standard_images()
        .with_image(mysql(), pulsar())
        .changed(flow.repository, trees=(*flow.trees, Tree(home, str(home)), Tree(FATE, str(FATE))))
    )


def no_data_route(config: dict[str, Any]) -> None:
    """Leave out the line by which the exchange finds party 10000."""
    name = f"10000.{SHARED['domain']}"
    text, count = re.subn(rf'(?m)^ *"{re.escape(name)}" [^\n]*\n', "", config["data"]["data.conf"])
    assert count == 1, config["data"]["data.conf"]
    config["data"]["data.conf"] = text


@pytest.fixture(scope="module")
def data_path(star: FederationRig) -> Iterator[Federation]:
    """Routers, brokers and FATE Flow's stand-ins of both parties; the exchange does not know 10000's broker yet."""
    routes = Altered(star.client(EXCHANGE), "configmaps", "nginx-routes", no_data_route)
    with Kubelet(table()) as kubelet:
        federation = Federation(star, kubelet, dict(TWO), {EXCHANGE: routes})
        for party in TWO:
            federation.follow(party, "pulsar", "mysql")
        federation.run_control_path(START_SECONDS)
        yield federation


def fate(federation: Federation, party: int, *words: str) -> str:
    """Run one step of FATE in the container of a party's FATE Flow."""
    container = federation.pod(party, "python").container()
    return container.execute("python", str(FATE), str(pulsar_client_home()), *words, seconds=180)


def broker_ready(federation: Federation, party: int) -> bool:
    """Tell whether a broker knows its own cluster: its port is open before."""
    url = f"http://localhost:{ports.PULSAR_ADMIN}/admin/v2/brokers/ready"
    words = ("curl", "--silent", "--output", "/dev/null", "--write-out", "%{http_code}", url)
    return federation.pod(party, "pulsar").container().execute(*words) == "200"


def take(federation: Federation, party: int, topic: str, count: int, seconds: float) -> list[int]:
    found: list[int] = json.loads(fate(federation, party, "take", topic, str(count), str(seconds)).splitlines()[-1])
    return found


def test_messages_go_both_ways_and_wait_for_their_route(data_path: Federation) -> None:
    for party, peer in ((9999, "10000"), (10000, "9999")):
        wait_for(lambda party=party: broker_ready(data_path, party), 60, data_path.pod(party, "pulsar").story)  # type: ignore[misc]
        fate(data_path, party, "setup", peer)
    numbers = list(range(COUNT))
    # The way that is there.
    fate(data_path, 10000, "send", "10000-to-9999", str(COUNT))
    assert take(data_path, 9999, "10000-to-9999", COUNT, 90) == numbers
    # The control: one route line is missing, nothing arrives, and the exchange says why.
    fate(data_path, 9999, "send", "9999-to-10000", str(COUNT))
    name = rf"10000\.{re.escape(SHARED['domain'])}"
    refused = re.compile(rf'data-out .*reason=no-route .*sni="{name}"')

    def seen() -> bool:
        return any(refused.search(pod.container().log.text) for pod in data_path.pods(EXCHANGE, "nginx"))

    wait_for(seen, 90, lambda: "the exchange has refused nothing")
    assert take(data_path, 10000, "9999-to-10000", COUNT, 5) == []
    # With the line all of it comes, in order and once, without anybody's help.
    data_path.altered[EXCHANGE].set(as_it_is)
    data_path.kubelet.sync()
    assert take(data_path, 10000, "9999-to-10000", COUNT, 150) == numbers
    assert take(data_path, 10000, "9999-to-10000", 1, 2) == []


def test_what_was_observed(data_path: Federation) -> None:
    """Each broker is reached by its own router alone; connections themselves are logged when they end."""
    for party in TWO:
        router, broker = (data_path.pod(party, part).address for part in ("nginx", "pulsar"))
        flows = {(flow.source, flow.destination, flow.port) for flow in data_path.site(party).rules.carried()}
        assert {flow for flow in flows if flow[2] == ports.PULSAR_TLS and flow[1] == broker} == {
            (router, broker, ports.PULSAR_TLS)
        }
        assert (broker, router, ports.ROUTER_INNER_DATA) in flows
    for site in data_path.kubelet.sites.values():
        assert denied(site, data_path.rig.client(site.name)) == []
    assert [pod.story() for pod in data_path.routers() if pod.container().restarts] == []
