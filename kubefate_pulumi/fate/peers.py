"""Whether a unit's peers make a federation: units, addresses and certificates, checked before any route."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Final, TypeVar

from kubefate_pulumi.fate.model import EXCHANGE, FederationFacts, Peer, Topology
from kubefate_pulumi.trust.x509 import CertificateError, holds_private_key, subject_of

_LABEL: Final = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DNS_NAME: Final = re.compile(rf"{_LABEL}(\.{_LABEL})*", re.ASCII)
_LONGEST_DNS_NAME: Final = 253
_PEM: Final = re.compile(r"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----", re.ASCII)
_PEM_LINE: Final = 64
_PRINTABLE: Final = re.compile(r"[ -~]+")
_HIGHEST_PORT: Final = 65535
_Value = TypeVar("_Value")


class RouteError(ValueError):
    """A table that cannot be: the text names the unit, what is wrong and the remedy."""


def check_peers(federation: FederationFacts, unit: str, peers: Sequence[Peer]) -> None:
    """Check that these are all peers of this unit, and that none can pass for another.

    Raises:
        RouteError: they are not.
    """
    members = _members(federation)
    if unit == EXCHANGE and unit not in members:
        raise RouteError("a direct federation has no exchange: set `topology: star`, or deploy parties only")
    if unit not in members:
        raise RouteError(f"{unit} is no unit of federation {federation.name}: add it to `parties`")
    _check_completeness(federation, unit, peers, members)
    for peer in peers:
        _check_endpoint(peer)
        _check_plain(peer)
        _check_certificates(federation, peer)
    _check_trust(federation, peers)


@lru_cache(maxsize=1024)
def certificates(pem: str) -> tuple[str, ...]:
    """Return each certificate of a PEM text, written one way whatever its line ends and width."""
    return tuple(_canonical(body) for body in _PEM.findall(pem))


def issuers(peer: Peer) -> tuple[str, ...]:
    """Return the subjects of a peer's CAs, RFC 2253, sorted: one, or more while a CA is replaced."""
    return tuple(sorted({_subject(certificate) for certificate in certificates(peer.ca_certificate)}))


def certificate_subject(federation: FederationFacts, peer: Peer) -> str:
    """Return the subject of a peer's router certificate: its own word, else `CN=<unit>.<domain>`."""
    return peer.subject or f"CN={federation.dns_name(peer.unit)}"


@lru_cache(maxsize=1024)
def _subject(certificate: str) -> str:
    return subject_of(certificate)


def _canonical(body: str) -> str:
    text = "".join(body.split())
    lines = [text[start : start + _PEM_LINE] for start in range(0, len(text), _PEM_LINE)]
    return "\n".join(["-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""])


def _members(federation: FederationFacts) -> set[str]:
    if _doubles(federation.party_ids):
        raise RouteError(f"federation {federation.name}: a party id is listed twice in `parties`")
    if any(party < 1 for party in federation.party_ids):
        raise RouteError(f"federation {federation.name}: party ids are whole numbers from 1")
    _check_dns_name(federation.dns_name(EXCHANGE), f"federation {federation.name}: exchange.<domain>")
    members = {str(party) for party in federation.party_ids}
    return members | {EXCHANGE} if federation.topology is Topology.STAR else members


def _check_completeness(federation: FederationFacts, unit: str, peers: Sequence[Peer], members: set[str]) -> None:
    names = [peer.unit for peer in peers]
    if unit in names:
        raise RouteError(f"{unit} is given as a peer of itself: remove it from its peers")
    if double := _doubles(names):
        raise RouteError(f"{double[0]} is given twice as a peer of {unit}: keep one of its peer documents")
    if EXCHANGE in names and EXCHANGE not in members:
        raise RouteError(f"{unit} is given an exchange as its peer, but the topology is direct: remove it")
    if strange := sorted(set(names) - members):
        raise RouteError(f"{strange[0]} is a peer of {unit} but not in `parties` of {federation.name}")
    if missing := sorted(members - {unit, *names}):
        raise RouteError(
            f"{unit} has no peer document of {', '.join(missing)}: each of them must publish its own "
            "(`pulumi stack output peer`)"
        )


def _check_endpoint(peer: Peer) -> None:
    host, what = peer.endpoint.host, f"peer {peer.unit}: endpoint.host"
    try:
        ip_address(host)
    except ValueError:
        if host.replace(".", "").isdigit():
            raise RouteError(f"{what} is neither an IP address nor a DNS name") from None
        _check_dns_name(host, what)
    else:
        if "%" in host:
            raise RouteError(f"{what} names a network interface: give an address that others can reach")
    for name in ("control_port", "data_port"):
        if not 0 < getattr(peer.endpoint, name) <= _HIGHEST_PORT:
            raise RouteError(f"peer {peer.unit}: endpoint.{name} is no TCP port (1 to {_HIGHEST_PORT})")


def _check_plain(peer: Peer) -> None:
    if peer.plain is None:
        return
    if peer.unit == EXCHANGE:
        raise RouteError("the exchange cannot be one of plain KubeFATE: deploy it from these files, it is one router")
    what = f"peer {peer.unit}: plain"
    if not 0 < peer.plain.grpc_port <= _HIGHEST_PORT:
        raise RouteError(f"{what}.grpc_port is no TCP port (1 to {_HIGHEST_PORT})")
    if not peer.plain.accept_from:
        raise RouteError(f"{what}.accept_from is empty: name the CIDRs that its connections come from")
    for text in peer.plain.accept_from:
        try:
            ip_network(text)
        except ValueError:
            raise RouteError(f"{what}.accept_from: {text} is no CIDR, such as 192.0.2.0/24") from None


def _check_dns_name(name: str, what: str) -> None:
    if len(name) > _LONGEST_DNS_NAME or not _DNS_NAME.fullmatch(name):
        raise RouteError(f"{what} is no DNS name: use letters, digits, '-' and '.'")


def _check_certificates(federation: FederationFacts, peer: Peer) -> None:
    what = f"peer {peer.unit}: ca_certificate"
    if holds_private_key(peer.ca_certificate):
        raise RouteError(f"{what} holds a private key: give the certificate only")
    pems = certificates(peer.ca_certificate)
    if not pems:
        raise RouteError(f"{what} holds no PEM certificate")
    try:
        names = {"ca_certificate": [_subject(pem) for pem in pems]}
    except CertificateError as error:
        raise RouteError(f"{what} {error}") from None
    names["subject"] = [certificate_subject(federation, peer)]
    for field, subjects in names.items():
        for subject in subjects:
            # `|` stands between issuer and subject in the router's tables.
            if not _PRINTABLE.fullmatch(subject) or "|" in subject:
                raise RouteError(f"peer {peer.unit}: {field}: a name may hold printable ASCII, without '|'")


def _check_trust(federation: FederationFacts, peers: Sequence[Peer]) -> None:
    """Refuse trust under which one peer could pass for another; nginx compares names without case."""
    units_by_name = {federation.dns_name(unit).lower(): unit for unit in (EXCHANGE, *map(str, federation.party_ids))}
    for peer in peers:
        _check_name(federation, peer, units_by_name)
    holders: dict[str, set[str]] = {}
    for peer in peers:
        for pem in certificates(peer.ca_certificate):
            holders.setdefault(pem, set()).add(peer.unit)
    groups: dict[str, set[frozenset[str]]] = {}
    for pem, units in holders.items():
        groups.setdefault(_subject(pem).lower(), set()).add(frozenset(units))
    for subject, sharing in sorted(groups.items()):
        if len(sharing) > 1:
            units = set().union(*sharing)
            raise RouteError(
                f"peers {', '.join(sorted(units))} have different CAs with the same subject {subject}, so "
                "either could sign for the other: one of them must take a CA with a subject of its own"
            )
    names = [
        (issuer.lower(), certificate_subject(federation, peer).lower()) for peer in peers for issuer in issuers(peer)
    ]
    if double := _doubles(names):
        raise RouteError(f"two peers have the certificate name {double[0][1]} under the same CA")


def _check_name(federation: FederationFacts, peer: Peer, units: Mapping[str, str]) -> None:
    named = re.search(r"(?:^|,)CN=([^,+]*)", certificate_subject(federation, peer), re.IGNORECASE)
    claimed = units.get(named[1].lower(), peer.unit) if named else peer.unit
    if claimed != peer.unit:
        raise RouteError(f"peer {peer.unit}: subject names {claimed}, which is another unit")


def _doubles(values: Iterable[_Value]) -> list[_Value]:
    return [value for value, count in Counter(values).items() if count > 1]
