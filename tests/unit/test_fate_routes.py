"""Tables that cannot be are refused, with a text that says who and what, and never a traceback's worth more."""

from dataclasses import replace

import pytest
from rig.federation import World, ca_of, leaf_of, world

from kubefate_pulumi.fate.model import EXCHANGE, Endpoint, Peer, Topology
from kubefate_pulumi.fate.router import route_files
from kubefate_pulumi.fate.routes import RouteError, route_table
from kubefate_pulumi.trust.x509 import new_ca

STAR, DIRECT = Topology.STAR, Topology.DIRECT


@pytest.fixture
def star() -> World:
    return world([9999, 10000, 9998], STAR)


def others(subject: World, unit: str) -> list[Peer]:
    return [peer for peer in subject.peers if peer.unit != unit]


def changed(base: World, unit: str, **values: object) -> list[Peer]:
    return [
        replace(peer, **values) if peer.unit == unit else peer  # type: ignore[arg-type]
        for peer in others(base, "9999")
    ]


def refuse(subject: World, peers: list[Peer], *words: str, unit: str = "9999") -> None:
    with pytest.raises(RouteError) as caught:
        route_table(subject.federation, unit, peers)
    for word in words:
        assert word in str(caught.value)


def test_a_missing_peer_is_named_with_the_remedy(star: World) -> None:
    rest = [peer for peer in others(star, "9999") if peer.unit not in ("9998", EXCHANGE)]
    refuse(star, rest, "9999", "9998, exchange", "pulumi stack output peer")


def test_peers_that_do_not_belong(star: World) -> None:
    peers = others(star, "9999")
    refuse(star, [*peers, star.peer("9999")], "peer of itself")
    refuse(star, [*peers, star.peer("9998")], "9998", "twice")
    stranger = replace(star.peer("9998"), unit="77")
    refuse(star, [*peers, stranger], "77", "`parties`")
    refuse(star, peers, "77", unit="77")
    direct = world([9999, 10000, 9998], DIRECT)
    refuse(direct, [*others(direct, "9999"), star.peer(EXCHANGE)], "exchange", "direct")
    refuse(direct, list(direct.peers), "no exchange", unit=EXCHANGE)


def test_party_ids(star: World) -> None:
    for ids, word in (((9999, 9999), "twice"), ((0, 9999), "from 1"), ((-1,), "from 1")):
        with pytest.raises(RouteError, match=word):
            route_table(replace(star.federation, party_ids=ids), "9999", [])


@pytest.mark.parametrize(
    "host",
    ["", "a b", "x;y", "a\nb", "-a.org", "a..b", "300.1.1.1", "fe80::1%eth0", "[::1]", "a" * 64, 'q"'],
)
def test_addresses_that_are_none(star: World, host: str) -> None:
    refuse(star, changed(star, "10000", endpoint=Endpoint(host, 9443, 6651)), "10000", "endpoint.host")


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_ports_that_are_none(star: World, port: int) -> None:
    refuse(star, changed(star, "10000", endpoint=Endpoint("h", port, 6651)), "endpoint.control_port")
    refuse(star, changed(star, "10000", endpoint=Endpoint("h", 9443, port)), "endpoint.data_port")


@pytest.mark.parametrize("domain", ["", "a b", "x;y", "$x.org", "a.org\n"])
def test_domains_that_are_none(star: World, domain: str) -> None:
    subject = World(replace(star.federation, domain=domain), star.peers)
    refuse(subject, others(star, "9999"), "domain")


def test_certificates_that_are_none(star: World) -> None:
    secret = leaf_of("10000").private_key_pem
    for pem, word in (
        ("", "no PEM"),
        ("hello", "no PEM"),
        (secret, "private key"),
        (ca_of("10000").certificate_pem + secret, "private key"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "ca_certificate"),
    ):
        peers = changed(star, "10000", ca_certificate=pem)
        refuse(star, peers, "10000", word)
        with pytest.raises(RouteError) as caught:
            route_table(star.federation, "9999", peers)
        assert secret.splitlines()[1] not in str(caught.value)


def test_two_cas_of_one_subject_are_refused(star: World) -> None:
    same = new_ca("ca 9998", days=5, organization="Bank, Ltd.").certificate_pem
    refuse(star, changed(star, "10000", ca_certificate=same), "10000, 9998", "same subject")
    # nginx looks names up without case.
    shouted = new_ca("CA 9998", days=5, organization="BANK, Ltd.").certificate_pem
    refuse(star, changed(star, "10000", ca_certificate=shouted), "10000, 9998", "same subject")
    # Beside its own, as in a rotation, it is as bad.
    both = ca_of("10000").certificate_pem + same
    refuse(star, changed(star, "10000", ca_certificate=both), "same subject")


def test_one_ca_for_all_is_allowed(star: World) -> None:
    shared = ca_of("9998").certificate_pem
    peers = [replace(peer, ca_certificate=shared) for peer in others(star, "9999")]
    files = {file.name: file.text for file in route_files(route_table(star.federation, "9999", peers))}
    assert files["data-callers.pem"] == shared, "each certificate once"


def test_a_ca_that_is_renewed_under_its_name_is_allowed(star: World) -> None:
    both = ca_of("10000").certificate_pem + new_ca("ca 10000", days=5, organization="Bank, Ltd.").certificate_pem
    table = route_table(star.federation, "9999", changed(star, "10000", ca_certificate=both))
    caller = next(caller for caller in table.data_callers if caller.unit == "10000")
    assert caller.ca_certificate.count("BEGIN CERTIFICATE") == 2
    assert caller.issuers == (r"CN=ca 10000,O=Bank\, Ltd.",)


def test_a_peer_may_not_take_another_s_name(star: World) -> None:
    for subject in ("CN=9998.fraud.example.org", "cn=9999.FRAUD.example.org,O=x"):
        refuse(star, changed(star, "10000", subject=subject), "10000", "another unit")
    shared = [
        replace(peer, ca_certificate=ca_of("x").certificate_pem, subject="CN=router") for peer in others(star, "9999")
    ]
    refuse(star, shared, "cn=router", "same CA")


@pytest.mark.parametrize("subject", ["CN=a|b", "CN=a\nb", "CN=ä"])
def test_subjects_that_nginx_could_take_for_something_else(star: World, subject: str) -> None:
    refuse(star, changed(star, "10000", subject=subject), "10000", "subject")


def test_spelling_does_not_change_the_text(star: World) -> None:
    def texts(host: str, pem: str) -> list[str]:
        peers = changed(star, EXCHANGE, endpoint=Endpoint(host, 9443, 6651), ca_certificate=pem)
        return [file.text for file in route_files(route_table(star.federation, "9999", peers))]

    pem = ca_of(EXCHANGE).certificate_pem
    assert texts("2001:DB8::0:1", pem) == texts("2001:db8::1", pem.replace("\n", "\r\n"))
    assert texts("Hub.Example.NET", f"subject=x\n{pem}") == texts("hub.example.net", pem)
    assert "[2001:db8::1]:9443" in "".join(texts("2001:db8::1", pem))


def test_a_party_alone_lets_nobody_in() -> None:
    alone = world([9999], DIRECT).route_texts("9999")
    for name in ("control-callers.conf", "data-callers.conf"):
        assert "ssl_client_certificate" not in alone[name]
    assert not [name for name in alone if name.endswith(".pem")]
