"""The router's files in real nginx: accepted by `nginx -t`, and doing on loopback what the design says."""

import os
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from rig.federation import World, ca_of, leaf_of, world
from rig.routers import Router, router_root
from rig.services import name_server, wait_port
from rig.site import Site, site

from kubefate_pulumi.fate import ports, router
from kubefate_pulumi.fate.model import EXCHANGE, Endpoint, Topology
from kubefate_pulumi.trust.x509 import KeyPair, new_ca, new_leaf

STAR, DIRECT = Topology.STAR, Topology.DIRECT
REFUSED_TLS = (ssl.SSLError, ConnectionError)


def party(dest: str, src: str) -> list[tuple[str, str]]:
    return [("dest-party-id", dest), ("src-party-id", src)]


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


def test_an_intermediate_of_another_s_name_is_refused(star: Site) -> None:
    """A peer's CA signs a CA that calls itself another peer's; at nginx' usual depth it would pass."""
    fake, chain = intermediate_leaf("9999", signed_by=ca_of("10000"))
    assert star.knock(EXCHANGE, fake, party("10000", "9999"), chain)[0] == 400


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
    fake, chain = intermediate_leaf("9999", signed_by=ca_of(ca))
    assert refused(either, name, fake, chain)


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


# Reload, start and end.


def test_a_join_and_a_leave_cut_nobody_off() -> None:
    with site([9999, 10000, 9998], STAR, worker_shutdown_timeout=60) as here:
        before = smaller(here.world, "9998")
        units = (EXCHANGE, "9999", "10000")
        for unit in units:
            here.routers[unit].reload(before.route_texts(unit))
        assert here.submit("9999", [("dest-party-id", "9998")])[0] == 404
        with here.replicate("9999", "10000") as stream:
            assert stream.readline() == b"broker 10000\n"
            slow: list[tuple[int, Any]] = []
            request = threading.Thread(
                target=lambda: slow.append(here.submit("9999", [("dest-party-id", "10000")], "/slow"))
            )
            request.start()
            for subject in (here.world, before, here.world):
                for unit in units:
                    here.routers[unit].reload(subject.route_texts(unit))
                stream.write(b"still here\n")
                assert stream.readline() == b"still here\n"
            request.join()
            assert slow[0][0] == 200
        assert here.submit("9999", [("dest-party-id", "9998")])[1]["unit"] == "9998"
        with here.replicate("9998", "9999") as stream:
            assert stream.readline() == b"broker 9999\n"


def test_a_removed_party_is_out_after_the_bound() -> None:
    with site([9999, 10000, 9998], DIRECT, worker_shutdown_timeout=1) as here:
        name = here.world.federation.dns_name("9999")
        with here.dial("9999", name, leaf_of("10000")) as stream:
            assert stream.readline() == b"broker 9999\n"
            here.routers["9999"].reload(smaller(here.world, "10000").route_texts("9999"))
            began = time.monotonic()
            assert read(stream) == b""
            assert time.monotonic() - began < 5
        assert refused(here, name, leaf_of("10000"), unit="9999")


def test_a_bad_file_keeps_the_old_configuration_and_is_reported() -> None:
    with site([9999, 10000], STAR) as here:
        made, texts = here.routers["9999"], here.world.route_texts("9999")
        assert made.status["state"] == "ok"
        made.put(router.ROUTES_DIR, {**texts, "data.conf": texts["data.conf"] + "nonsense;\n"})
        made.wait(lambda: made.status["state"] == "failed", "report")
        assert made.status["loaded"] != made.status["seen"]
        assert 'unknown directive "nonsense"' in made.health(router.STATUS_PATH)
        assert "kubefate_router_reload_success 0\n" in made.health(router.METRICS_PATH)
        time.sleep(0.8)
        assert made.log_text.count("event=refused") == 1, "said once, not at every look"
        assert here.submit("9999", [("dest-party-id", "10000")])[0] == 200
        made.put(router.ROUTES_DIR, texts)
        made.wait(lambda: made.status["state"] == "ok", "recovery")
        assert "kubefate_router_reload_success 1\n" in made.health(router.METRICS_PATH)
        assert made.log_text.count("event=reloaded") == 0, "what is in force was never changed"


@pytest.mark.parametrize("directory", [router.TLS_DIR])
def test_a_rotated_certificate_is_taken_up(directory: str) -> None:
    with site([9999, 10000], STAR) as here:
        made, name = here.routers["9999"], here.world.federation.dns_name("9999")
        first = served(here, "9999")
        made.put_certificate(directory, new_leaf(ca_of("9999"), name, dns_names=[name], days=3))
        made.wait_log("event=reloaded")
        made.wait(lambda: served(here, "9999") != first, "new certificate")
        assert here.submit("9999", [("dest-party-id", "10000")])[0] == 200
        # The old and the new CA together, while a peer changes its own.
        fresh = new_ca("ca 10000 b", days=9)
        peers = tuple(
            replace(peer, ca_certificate=peer.ca_certificate + fresh.certificate_pem) if peer.unit == "10000" else peer
            for peer in here.world.peers
        )
        both = World(here.world.federation, peers)
        here.routers[EXCHANGE].reload(both.route_texts(EXCHANGE))
        far = here.world.federation.dns_name("10000")
        for pair in (leaf_of("10000"), new_leaf(fresh, far, dns_names=[far], days=2)):
            assert here.knock(EXCHANGE, pair, party("9999", "10000"))[0] == 200


def test_a_router_that_was_killed_starts_again() -> None:
    with site([9999, 10000], STAR) as here:
        made = here.routers["9999"]
        made.kill()
        assert list((made.root / "run").glob("*.sock")), "stale sockets are what this is about"
        made.start()
        made.wait_ready()
        assert here.submit("9999", [("dest-party-id", "10000")])[0] == 200


def test_it_ends_by_signal_and_with_nginx() -> None:
    with site([9999, 10000], STAR) as here:
        made = here.routers["9999"]
        with here.replicate("9999", "10000") as stream:
            assert stream.readline() == b"broker 10000\n"
            began = time.monotonic()
            assert made.stop() == 0
            assert time.monotonic() - began < 8, "a connection must not hold up the end of a pod"
        other = here.routers["10000"]
        pid = int((other.root / "run" / "nginx.pid").read_text())
        os.kill(pid, 9)
        assert other.process is not None
        assert other.process.wait(timeout=10) != 0
        other.wait_log("event=ended")


def test_it_waits_for_files_that_nginx_takes() -> None:
    with site([9999, 10000], DIRECT, started=False) as here:
        made, texts = here.routers["9999"], here.world.route_texts("9999")
        made.put(router.ROUTES_DIR, {**texts, "control.conf": "nonsense;\n"})
        made.start()
        made.wait_log("event=refused .*nonsense|nonsense")
        made.put(router.ROUTES_DIR, texts)
        made.wait_ready()
        assert made.status["state"] == "ok"
        assert made.stop() == 0


def test_a_peer_may_be_a_name() -> None:
    """It is looked up when it is dialled: a name that is gone stops its peer only, and comes back by itself."""
    with site([9999, 10000, 9998], DIRECT) as here:
        made = here.routers["9999"]
        names = {"peer.example.net": here.public("10000")}
        peers = tuple(
            replace(peer, endpoint=Endpoint("Peer.example.net", 9443, 6651)) if peer.unit == "10000" else peer
            for peer in here.world.peers
        )
        texts = World(here.world.federation, peers).route_texts("9999")
        server = made.inner.removesuffix(".2") + ".9"
        resolver = f"resolver {server}:5353 valid=1s ipv6=off;\nresolver_timeout 2s;\n"
        (made.root / "run" / "resolver.conf").write_text(resolver)
        with name_server(server, 5353, names):
            made.reload(texts)
            assert here.submit("9999", [("dest-party-id", "10000")])[1]["unit"] == "10000"
            assert here.call("9999", {"dest-party-id": "10000"})[0] == 200
            with here.replicate("9999", "10000") as stream:
                assert stream.readline() == b"broker 10000\n"
            names.clear()
            made.wait(lambda: here.submit("9999", [("dest-party-id", "10000")])[0] == 502, "loss of the name")
            made.wait_log("peer.example.net could not be resolved")
            assert here.submit("9999", [("dest-party-id", "9998")])[0] == 200
            names["peer.example.net"] = here.public("10000")
            made.wait(lambda: here.submit("9999", [("dest-party-id", "10000")])[0] == 200, "the name again")


@pytest.mark.parametrize(
    ("resolv", "servers"),
    [
        ("search a.b\nnameserver 10.96.0.10\noptions ndots:5\n", "resolver 10.96.0.10 valid"),
        ("nameserver\t10.0.0.1 # x\nnameserver fd00::a\n", "resolver 10.0.0.1 [fd00::a] valid"),
        ("nameserver fe80::1%eth0\nnameserver 10.0.0.2\n", "resolver 10.0.0.2 valid"),
        ("# nothing\n", ""),
    ],
)
def test_the_resolver_is_the_pod_s(resolv: str, servers: str) -> None:
    with router_root() as root:
        subject = world([9999, 10000], DIRECT, {"9999": "127.9.9.9", "10000": "127.9.9.8"})
        made = Router(root / "r", "9999", "127.9.9.9", "127.9.9.7", "127.9.9.6")
        base = subject.base_texts("9999")
        (root / "resolv.conf").write_text(resolv)
        base["start.sh"] = base["start.sh"].replace("/etc/resolv.conf", f"{root}/resolv.conf")
        made.write(base, subject.route_texts("9999"), leaf_of("9999"))
        made.start()
        try:
            # Without the internal certificate nginx does not start; the resolver is written before.
            made.wait_log("event=refused")
            text = (made.root / "run" / "resolver.conf").read_text()
        finally:
            assert made.stop() == 0
        assert text.startswith(servers)
        assert bool(text) == bool(servers)


# What the tests need.


def read(stream: Any) -> bytes:
    """Read what is left; a cut connection reads as its end or as an error."""
    try:
        return bytes(stream.readline())
    except REFUSED_TLS:
        return b""


def cut_off(here: Site, unit: str, peer: str, pair: KeyPair | None = None) -> bool:
    """Tell whether a party's broker gets nothing from a peer."""
    try:
        with here.replicate(unit, peer, pair) as stream:
            return bool(stream.readline() == b"")
    except REFUSED_TLS:
        return True


def refused(here: Site, sni: str, pair: KeyPair | None, chain: str = "", unit: str = "10000") -> bool:
    """Tell whether a data listener lets nothing come back."""
    try:
        with here.dial(unit, sni, pair, chain=chain) as stream:
            return bool(stream.readline() == b"")
    except REFUSED_TLS:
        return True


def served(here: Site, unit: str) -> str:
    """Return the certificate that a unit's outer control listener shows."""
    wait_port(here.public(unit), ports.ROUTER_OUTER_CONTROL)
    return ssl.get_server_certificate((here.public(unit), ports.ROUTER_OUTER_CONTROL))


def smaller(subject: World, gone: str) -> World:
    ids = tuple(int(unit) for unit in subject.parties if unit != gone)
    peers = tuple(peer for peer in subject.peers if peer.unit != gone)
    return World(replace(subject.federation, party_ids=ids), peers)


def intermediate_leaf(unit: str, signed_by: KeyPair) -> tuple[KeyPair, str]:
    """Return a leaf of a unit's name under an intermediate that has the name of that unit's CA."""
    now = datetime.now(UTC)
    root = x509.load_pem_x509_certificate(signed_by.certificate_pem.encode())
    root_key = serialization.load_pem_private_key(signed_by.private_key_pem.encode(), None)
    genuine = x509.load_pem_x509_certificate(ca_of(unit).certificate_pem.encode())
    assert isinstance(root_key, ec.EllipticCurvePrivateKey)

    def sign(
        subject: x509.Name,
        issuer: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        by: ec.EllipticCurvePrivateKey,
        ca: bool,
    ) -> str:
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .sign(by, hashes.SHA256())
        )
        return certificate.public_bytes(serialization.Encoding.PEM).decode()

    middle_key, leaf_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    middle = sign(genuine.subject, root.subject, middle_key, root_key, ca=True)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{unit}.fraud.example.org")])
    leaf = sign(name, genuine.subject, leaf_key, middle_key, ca=False)
    pem = leaf_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    return KeyPair(pem, leaf), middle
