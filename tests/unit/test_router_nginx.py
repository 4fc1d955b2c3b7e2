"""The router's files in real nginx: accepted by `nginx -t`, and doing on loopback what the design says."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from rig.federation import World, leaf_of
from rig.forgery import intermediate_leaf, unbounded_ca
from rig.probes import REFUSED_TLS, cut_off, party, refused
from rig.site import Site, site

from kubefate_pulumi.fate import router
from kubefate_pulumi.fate.model import EXCHANGE, Topology
from kubefate_pulumi.trust.x509 import new_ca, new_leaf

STAR, DIRECT = Topology.STAR, Topology.DIRECT


# nginx -t


@pytest.mark.parametrize("count", [1, 2, 3, 12])
@pytest.mark.parametrize("topology", Topology)
def test_nginx_takes_every_router_s_files(topology: Topology, count: int) -> None:
    with site(range(9001, 9001 + count), topology, started=False) as here:
        for made in here.routers.values():
            result = made.check()
            assert result.returncode == 0, result.stderr
            assert "[warn]" not in result.stderr


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("control.conf", "map ", "mapp "),
        ("control.conf", ";\n}", "\n}"),
        ("control-callers.conf", "control-callers.pem", "nothing.pem"),
        ("data.conf", 'map "$ssl_server_name', 'map "$ssl_server_nam'),
        ("ca-exchange.pem", "BEGIN", "BEGUN"),
    ],
)
def test_nginx_check_can_fail(name: str, right: str, wrong: str) -> None:
    """A control: one file broken, and `nginx -t` refuses."""
    with site([9999, 10000], STAR, started=False) as here:
        texts = here.world.route_texts("9999")
        assert right in texts[name]
        here.routers["9999"].put(router.ROUTES_DIR, {**texts, name: texts[name].replace(right, wrong, 1)})
        assert here.routers["9999"].check().returncode != 0


def test_long_and_odd_names_of_certificates_are_taken_and_told_apart() -> None:
    """A subject needs quoting in nginx' text, and RFC 2253's own; and may be longer than a hash bucket."""
    odd = r'Bank "A" & Co. \ #1; {x}=<$y> + 100%, Ltd. ' + "x" * 20
    with site([9999, 10000], DIRECT, started=False) as here:
        pairs = {unit: new_ca(f"ca {unit}", days=9, organization=odd) for unit in here.world.parties}
        peers = tuple(replace(peer, ca_certificate=pairs[peer.unit].certificate_pem) for peer in here.world.peers)
        odd_world = World(here.world.federation, peers)
        made = here.routers["9999"]
        made.put(router.ROUTES_DIR, odd_world.route_texts("9999"))
        made.start()
        made.wait_ready()
        name = odd_world.federation.dns_name("10000")
        right, wrong = (new_leaf(pairs[unit], name, dns_names=[name], days=2) for unit in ("10000", "9999"))
        # FATE Flow is not there: 502 is beyond every check.
        assert here.knock("9999", right, party("9999", "10000"))[0] == 502
        assert here.knock("9999", wrong, party("9999", "10000"))[0] == 400


# Calls through a star of two parties.


@pytest.fixture(scope="module")
def star() -> Iterator[Site]:
    with site([9999, 10000], STAR) as here:
        yield here


@pytest.fixture(scope="module")
def direct() -> Iterator[Site]:
    with site([9999, 10000, 9998], DIRECT) as here:
        yield here


@pytest.fixture(params=["star", "direct"])
def either(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


def test_a_request_reaches_the_party_it_names(either: Site) -> None:
    for source, dest in (("9999", "10000"), ("10000", "9999"), ("9999", "9999")):
        status, answer = either.submit(source, [("dest-party-id", dest), ("SRC-ROLE", "guest")])
        assert status == 200
        assert (answer["unit"], answer["src"], answer["dest"]) == (dest, [source], [dest])
        assert answer["role"] == "guest"
        assert either.call(source, {"dest-party-id": dest}) == (200, f"{dest}:{source}>{dest}")


def test_large_bodies_pass(either: Site) -> None:
    status, answer = either.submit("9999", [("dest-party-id", "10000")], body=bytes(20_000_000))
    assert (status, answer["bytes"]) == (200, 20_000_000)


def test_a_forged_source_is_overwritten(either: Site) -> None:
    forged = [
        ("dest-party-id", "10000"),
        ("src-party-id", "10000"),
        ("src-party-id", "9998"),
        ("src_party_id", "9998"),
    ]
    status, answer = either.submit("9999", forged)
    assert (status, answer["src"], answer["src_underscore"]) == (200, ["9999"], None)
    grpc = either.call("9999", {"dest-party-id": "10000", "src-party-id": "10000"})
    assert grpc == (200, "10000:9999>10000")


@pytest.mark.parametrize("dest", ["77", "", "exchange", "010000"])
def test_an_unknown_party_is_refused_and_named(star: Site, dest: str) -> None:
    assert star.submit("9999", [("dest-party-id", dest)])[0] == 404
    assert star.call("9999", {"dest-party-id": dest})[0] == 404
    star.routers["9999"].wait_log(f'^control-out .*reason=no-route status=404 .*dest="{dest}"')
    assert star.knock(EXCHANGE, leaf_of("9999"), party(dest, "9999"))[0] == 404
    star.routers[EXCHANGE].wait_log(f'^control-in .*reason=no-route status=404 .*dest="{dest}" peer="9999"')


def test_no_destination_at_all_is_refused(star: Site) -> None:
    assert star.submit("9999", [])[0] == 404
    assert star.submit("9999", [("dest-party-id", "10000"), ("dest-party-id", "9999")])[0] in (200, 404)


def test_the_exchange_checks_who_speaks(star: Site) -> None:
    hub, log = EXCHANGE, star.routers[EXCHANGE].wait_log
    good = leaf_of("9999")
    assert star.knock(hub, good, party("10000", "9999"))[1]["unit"] == "10000"
    assert star.knock(hub, None, party("10000", "9999"))[0] == 400
    log('reason=no-certificate status=400 src="9999" dest="10000" peer=""|reason=no-certificate status=400')
    assert star.knock(hub, good, party("10000", "10000"))[0] == 403
    log('reason=wrong-source status=403 src="10000" dest="10000" peer="9999"')
    assert star.knock(hub, good, [("dest-party-id", "10000")])[0] == 403
    assert star.knock(hub, good, party("9999", "9999"))[0] == 403
    log('reason=loop status=403 src="9999" dest="9999" peer="9999"')
    # A name of 9999's under the CA of 10000.
    assert star.knock(hub, leaf_of("9999", ca_unit="10000"), party("10000", "9999"))[0] == 403
    log(r'reason=unknown-caller status=403 .*issuer="CN=ca 10000,.*subject="CN=9999\..*verify="SUCCESS"')
    assert star.knock(hub, leaf_of("9998"), party("10000", "9998"))[0] == 400
    log('reason=bad-certificate status=400 .*verify="FAILED:')
    assert star.knock_grpc(hub, good, {"dest-party-id": "10000", "src-party-id": "10000"})[0] == 403
    assert star.knock_grpc(hub, good, {"dest-party-id": "9999", "src-party-id": "9999"})[0] == 403
    assert star.knock(hub, good, party("10000", "10000"), body=bytes(5_000_000))[0] == 403


def test_a_party_takes_requests_from_the_exchange_for_itself_only(star: Site) -> None:
    hub, log = leaf_of(EXCHANGE), star.routers["10000"].wait_log
    assert star.knock("10000", hub, party("10000", "9999"))[1]["src"] == ["9999"]
    assert star.knock("10000", hub, party("9999", "9999"))[0] == 421
    log('reason=wrong-destination status=421 .*dest="9999" peer="exchange"')
    assert star.knock("10000", hub, party("10000", "10000"))[0] == 403
    log('reason=wrong-source status=403 src="10000"')
    assert star.knock("10000", hub, party("10000", "9998"))[0] == 403
    assert star.knock("10000", leaf_of("9999"), party("10000", "9999"))[0] == 400
    assert star.knock("10000", leaf_of(EXCHANGE, ca_unit="9999"), party("10000", "9999"))[0] == 400
    assert star.knock("10000", None, party("10000", "9999"))[0] == 400


def test_in_direct_topology_a_peer_speaks_for_itself_only(direct: Site) -> None:
    good = leaf_of("10000")
    assert direct.knock("9999", good, party("9999", "10000"))[1]["src"] == ["10000"]
    assert direct.knock("9999", good, party("9999", "9998"))[0] == 403
    assert direct.knock("9999", good, party("9999", "9999"))[0] == 403
    assert direct.knock("9999", good, party("9998", "10000"))[0] == 421
    assert direct.knock("9999", leaf_of("10000", ca_unit="9998"), party("9999", "10000"))[0] == 403
    assert direct.knock("9999", leaf_of("9999", ca_unit="9998"), party("9999", "9999"))[0] == 403


def test_an_intermediate_of_another_s_name_is_refused() -> None:
    """A peer's CA signs a CA that calls itself another peer's; at nginx' usual depth it would pass."""
    with site([9999, 10000, 9998], DIRECT, started=False) as here:
        loose = unbounded_ca("ca 9998")
        peers = tuple(
            replace(peer, ca_certificate=loose.certificate_pem) if peer.unit == "9998" else peer
            for peer in here.world.peers
        )
        made = here.routers["9999"]
        made.put(router.ROUTES_DIR, World(here.world.federation, peers).route_texts("9999"))
        made.start()
        made.wait_ready()
        name = here.world.federation.dns_name("9998")
        honest = new_leaf(loose, name, dns_names=[name], days=2)
        # FATE Flow is not there: 502 is beyond every check.
        assert here.knock("9999", honest, party("9999", "9998"))[0] == 502
        fake, chain = intermediate_leaf("10000", signed_by=loose)
        assert here.knock("9999", fake, party("9999", "10000"), chain)[0] == 400
        assert refused(here, here.world.federation.dns_name("9999"), fake, chain, unit="9999")
        made.wait_log("^data-in .*reason=bad-certificate")


# The data path.


def test_a_broker_reaches_the_peer_s_broker(either: Site) -> None:
    for source, dest in (("9999", "10000"), ("10000", "9999")):
        with either.replicate(source, dest) as stream:
            assert stream.readline() == f"broker {dest}\n".encode()
            stream.write(b"message\n")
            assert stream.readline() == b"message\n"
        either.routers[source].wait_log(f'^data-out .*reason=forwarded status=200 sni="{dest}[.]')
        either.routers[source].wait_log(f"^data-hop .*status=200 sni=.{dest}[.]")
        either.routers[dest].wait_log(f'^data-in .*reason=forwarded status=200 .*peer="{source}"')


@pytest.mark.parametrize("peer", ["77", "9999", "exchange"])
def test_a_broker_that_names_a_stranger_or_itself_is_cut_off(star: Site, peer: str) -> None:
    with pytest.raises(REFUSED_TLS), star.replicate("9999", peer):
        pass
    star.routers["9999"].wait_log(f'^data-out .*reason=no-route status=500 sni="{peer}[.]')


def test_only_the_own_broker_may_go_out_by_the_data_path(star: Site) -> None:
    assert cut_off(star, "9999", "10000", leaf_of("9999"))
    assert not cut_off(star, "9999", "10000")


def test_a_party_s_data_path_checks_who_dials(either: Site) -> None:
    name = either.world.federation.dns_name("10000")
    log = either.routers["10000"].wait_log
    with either.dial("10000", name, leaf_of("9999")) as stream:
        assert stream.readline() == b"broker 10000\n"
    assert refused(either, name, None)
    log("^data-in .*reason=no-certificate")
    assert refused(either, name, leaf_of("777"))
    log("^data-in .*reason=bad-certificate .*verify=.FAILED:")
    ca = "9999" if either.world.federation.topology is STAR else "9998"
    assert refused(either, name, leaf_of("555", ca_unit=ca))
    log(r'^data-in .*reason=unknown-caller .*subject="CN=555\.')
    assert refused(either, either.world.federation.dns_name("9999"), leaf_of("9999"))
    log('^data-in .*reason=wrong-name .*sni="9999[.]')


def test_the_exchange_passes_known_names_only(star: Site) -> None:
    name = star.world.federation.dns_name("10000")
    with star.dial(EXCHANGE, name, leaf_of("9999"), trust="10000") as stream:
        assert stream.readline() == b"broker 10000\n"
    with pytest.raises(REFUSED_TLS), star.dial(EXCHANGE, "77.fraud.example.org", leaf_of("9999")):
        pass
    star.routers[EXCHANGE].wait_log('^data-out .*reason=no-route .*sni="77[.]')


def test_a_diverted_peer_with_another_ca_is_refused() -> None:
    """The hop trusts the CA of that peer alone: a route that leads to 9998 does not reach it as 10000."""
    with site([9999, 10000, 9998], DIRECT) as here:
        texts = here.world.route_texts("9999")
        turned = {name: text.replace(here.public("10000"), here.public("9998")) for name, text in texts.items()}
        here.routers["9999"].reload(turned)
        assert here.submit("9999", [("dest-party-id", "10000")])[0] == 502
        assert cut_off(here, "9999", "10000")
        here.routers["9999"].wait_log("upstream SSL certificate verify error")
        assert here.submit("9999", [("dest-party-id", "9998")])[0] == 200
