"""A party that KubeFATE's own charts deployed, beside ours, through real routers: its way in, its way out, refusals.

Its nginx and its broker are stand-ins that listen as KubeFATE's do: HTTP and gRPC without TLS, TLS without a client's
certificate.
"""

import http.client
import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from rig import http2
from rig.federation import World, ca_of, leaf_of, world
from rig.probes import REFUSED_TLS, cut_off, party
from rig.routers import PATIENCE
from rig.services import fate_flow, grpc_backends, kubefate_broker, load_pair
from rig.site import GRPC_PATH, Site, site

from kubefate_pulumi.fate import ports
from kubefate_pulumi.fate.model import EXCHANGE, Endpoint, Plain, Topology
from kubefate_pulumi.fate.routes import RouteError, route_table

STAR, DIRECT = Topology.STAR, Topology.DIRECT
FOREIGN = "10000"


@dataclass
class Mixed:
    """9999 and 9998 are ours, 10000 is not; `home` is the address that it comes from."""

    here: Site
    home: str

    def http(self, unit: str, headers: list[tuple[str, str]], source: str | None = None) -> tuple[int, dict[str, Any]]:
        """Call a unit's control path as KubeFATE's nginx does."""
        connection = http.client.HTTPConnection(
            self.here.public(unit),
            ports.ROUTER_PLAIN_HTTP,
            timeout=PATIENCE,
            source_address=(source or self.home, 0),
        )
        try:
            connection.request("POST", "/v1/party/x", body=b"", headers=dict(headers))
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if answer.status == http.client.OK else {}
        finally:
            connection.close()

    def grpc(self, unit: str, headers: dict[str, str], source: str | None = None) -> tuple[int, str]:
        """Call it by gRPC."""
        address = (self.here.public(unit), ports.ROUTER_PLAIN_GRPC)
        with socket.create_connection(address, PATIENCE, source_address=(source or self.home, 0)) as connection:
            return http2.post(connection, GRPC_PATH, {"content-type": "application/grpc"} | headers)

    def broker(self, unit: str, sni: str, source: str | None = None, *, certificate: bool = False) -> bytes:
        """Connect to a data path as its broker does; return the first line, nothing if there is none."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if certificate:
            load_pair(context, leaf_of(FOREIGN))
        address = (self.here.public(unit), ports.ROUTER_OUTER_DATA)
        try:
            with (
                socket.create_connection(address, PATIENCE, source_address=(source or self.home, 0)) as plain,
                context.wrap_socket(plain, server_hostname=sni) as connection,
            ):
                return connection.recv(100)
        except REFUSED_TLS:
            return b""


def plain_world(base: World, home: str, *more: str) -> World:
    def foreign(peer: Any) -> Any:
        if peer.unit != FOREIGN:
            return peer
        endpoint = Endpoint(peer.endpoint.host, ports.KUBEFATE_HTTP, ports.PULSAR_TLS)
        return replace(peer, endpoint=endpoint, plain=Plain(ports.KUBEFATE_GRPC, (f"{home}/32", *more)))

    return World(base.federation, tuple(map(foreign, base.peers)))


@contextmanager
def mixed(topology: Topology) -> Iterator[Mixed]:
    with ExitStack() as stack:
        here = stack.enter_context(site([9999, 9998, int(FOREIGN)], topology))
        host = here.public(FOREIGN)
        here.routers.pop(FOREIGN).kill()
        home = host.removesuffix(".1") + ".9"
        stack.enter_context(fate_flow(FOREIGN, host, ports.KUBEFATE_HTTP))
        stack.enter_context(grpc_backends({FOREIGN: host}, ports.KUBEFATE_GRPC))
        stack.enter_context(kubefate_broker(FOREIGN, host, leaf_of(FOREIGN)))
        # What the exchange passes on comes from its own address.
        subject = plain_world(here.world, home, *(["127.0.0.1/32"] if topology is STAR else []))
        for unit, made in here.routers.items():
            if unit in subject.units:
                made.reload(subject.route_texts(unit))
        yield Mixed(here, home)


@pytest.fixture(scope="module", params=[STAR, DIRECT], ids=str)
def federation(request: pytest.FixtureRequest) -> Iterator[Mixed]:
    with mixed(request.param) as made:
        yield made


def door(federation: Mixed) -> str:
    """Return the unit that the foreign party dials for its control path."""
    return EXCHANGE if federation.here.world.federation.topology is STAR else "9999"


def name(federation: Mixed, unit: str) -> str:
    return federation.here.world.federation.dns_name(unit)


# Out.


def test_ours_reaches_it_by_every_protocol(federation: Mixed) -> None:
    status, answer = federation.here.submit("9999", [*party(FOREIGN, "9999"), ("service", "fateflow")])
    assert (status, answer["unit"], answer["src"], answer["dest"]) == (200, FOREIGN, ["9999"], [FOREIGN])
    called = federation.here.call("9999", {"dest-party-id": FOREIGN, "src-party-id": "9999"})
    assert called == (200, f"{FOREIGN}:9999>{FOREIGN}")
    with federation.here.replicate("9999", FOREIGN) as stream:
        assert stream.readline() == f"broker {FOREIGN}\n".encode()


def test_ours_reach_each_other_as_before(federation: Mixed) -> None:
    assert federation.here.submit("9999", party("9998", "9999"))[1]["unit"] == "9998"
    with federation.here.replicate("9999", "9998") as stream:
        assert stream.readline() == b"broker 9998\n"


# In.


def test_it_reaches_ours_by_every_protocol(federation: Mixed) -> None:
    unit = door(federation)
    status, answer = federation.http(unit, party("9999", FOREIGN))
    assert (status, answer["unit"], answer["src"], answer["dest"]) == (200, "9999", [FOREIGN], ["9999"])
    called = federation.grpc(unit, {"dest-party-id": "9999", "src-party-id": FOREIGN})
    assert called == (200, f"9999:{FOREIGN}>9999")
    assert federation.broker("9999", name(federation, "9999")) == b"broker 9999\n"
    if unit == EXCHANGE:
        assert federation.broker(EXCHANGE, name(federation, "9999")) == b"broker 9999\n"


def test_what_it_may_not_do_is_refused_with_the_reason(federation: Mixed) -> None:
    unit = door(federation)
    log = federation.here.routers[unit]
    stranger = federation.home.rpartition(".")[0] + ".77"
    assert federation.http(unit, party("9999", FOREIGN), source=stranger)[0] == 403
    log.wait_log(f'control-plain .*reason=unknown-caller .*src="{FOREIGN}" .*from={stranger}')
    # Another party's name, and that of one of ours.
    assert federation.http(unit, party("9999", "9998"))[0] == 403
    assert federation.http(unit, [("dest-party-id", "9999")])[0] == 403
    assert federation.grpc(unit, {"dest-party-id": "9999", "src-party-id": "9998"})[0] == 403
    if unit == EXCHANGE:
        assert federation.http(unit, party(FOREIGN, FOREIGN))[0] == 403
        log.wait_log("control-plain .*reason=loop")
        assert federation.http(unit, party("77", FOREIGN))[0] == 404
        log.wait_log("control-plain .*reason=no-route")
    else:
        assert federation.http(unit, party("9998", FOREIGN))[0] == 421
        log.wait_log("control-plain .*reason=wrong-destination")


def test_without_a_certificate_only_it_comes_in_and_only_by_this_name(federation: Mixed) -> None:
    stranger = federation.home.rpartition(".")[0] + ".77"
    assert federation.broker("9999", name(federation, "9999"), source=stranger) == b""
    assert federation.broker("9999", name(federation, "9998")) == b""
    # A certificate that no CA of ours signed is not the same as none.
    assert federation.broker("9999", name(federation, "9999"), certificate=True) == b""


def test_a_federation_without_such_a_party_has_no_such_door() -> None:
    with site([9999, int(FOREIGN)], DIRECT) as here:
        texts = here.world.route_texts("9999")
        assert not any("plain" in text or "optional" in text for text in texts.values())
        with pytest.raises(ConnectionRefusedError):
            Mixed(here, "127.0.0.1").http("9999", party("9999", FOREIGN))
        assert Mixed(here, "127.0.0.1").broker("9999", here.world.federation.dns_name("9999")) == b""


def test_another_s_broker_is_refused_on_the_way_out() -> None:
    """Its broker is known by its own CA and name, as ours are; a control to the way out above."""
    with mixed(DIRECT) as federation, ExitStack() as stack:
        host = federation.here.public(FOREIGN).removesuffix(".1") + ".20"
        stack.enter_context(kubefate_broker(FOREIGN, host, leaf_of("9998")))
        moved = tuple(
            replace(peer, endpoint=replace(peer.endpoint, host=host)) if peer.unit == FOREIGN else peer
            for peer in plain_world(federation.here.world, federation.home).peers
        )
        here = federation.here
        here.routers["9999"].reload(World(here.world.federation, moved).route_texts("9999"))
        assert cut_off(here, "9999", FOREIGN)


# Tables that cannot be.


@pytest.mark.parametrize(
    ("unit", "plain", "said"),
    [
        (EXCHANGE, Plain(9310, ("192.0.2.0/24",)), "the exchange cannot be one of plain KubeFATE"),
        (FOREIGN, Plain(0, ("192.0.2.0/24",)), "plain.grpc_port is no TCP port"),
        (FOREIGN, Plain(9310, ()), "plain.accept_from is empty"),
        (FOREIGN, Plain(9310, ("192.0.2.7/24",)), "is no CIDR"),
    ],
)
def test_a_plain_peer_that_cannot_be_is_refused(unit: str, plain: Plain, said: str) -> None:
    base = world([9999, 10000], STAR)
    peers = [replace(peer, plain=plain) if peer.unit == unit else peer for peer in base.peers if peer.unit != "9999"]
    with pytest.raises(RouteError, match=said):
        route_table(base.federation, "9999", peers)


def test_its_authority_signs_for_nobody_s_way_in() -> None:
    """Its CA is trusted on the way out to it, and nowhere else."""
    base = plain_world(world([9999, 9998, 10000], DIRECT), "192.0.2.9")
    texts = base.route_texts("9999")
    assert ca_of(FOREIGN).certificate_pem.split()[4] in texts["ca-10000.pem"]
    assert ca_of(FOREIGN).certificate_pem.split()[4] not in texts["control-callers.pem"] + texts["data-callers.pem"]
