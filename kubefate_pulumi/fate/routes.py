"""Who reaches whom, on both paths and in both topologies: the one function that makes every route.

A unit's table says, for the control path, where a request for a `dest-party-id` goes next, for the data path,
where a TLS connection for an SNI name goes next, and for both, who may come in, under which certificate.
`router` writes it as nginx configuration; nothing else decides about routes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address

from kubefate_pulumi.fate.model import EXCHANGE, FederationFacts, Peer, Topology
from kubefate_pulumi.fate.peers import RouteError, certificate_subject, certificates, check_peers, issuers

__all__ = [
    "Caller",
    "ControlRoute",
    "DataRoute",
    "Hop",
    "PlainCaller",
    "RouteError",
    "RouteTable",
    "next_units",
    "route_table",
]


@dataclass(frozen=True)
class Hop:
    """The next router on the way.

    Attributes:
        unit: The unit at which the connection ends: whom the certificate must name.
        host: IP address or DNS name that is dialled.
        port: TCP port that is dialled.
        tls_name: Name in its certificate, sent as SNI.
        ca_certificate: PEM, one or more: the only CA that is trusted on this way. None: TLS is passed
            through, and the two ends check each other.
        plain_grpc_port: Of a party that plain KubeFATE deployed, on the control path: there is no TLS, `port`
            speaks HTTP, and this one gRPC.
    """

    unit: str
    host: str
    port: int
    tls_name: str
    ca_certificate: str | None
    plain_grpc_port: int | None = None

    @property
    def address(self) -> str:
        """Return `host:port`, with an IPv6 address in brackets."""
        return _address(self.host, self.port)

    @property
    def plain_grpc_address(self) -> str | None:
        """Return `host:plain_grpc_port`, if there is one."""
        return None if self.plain_grpc_port is None else _address(self.host, self.plain_grpc_port)


@dataclass(frozen=True)
class ControlRoute:
    """Where a request for one party goes; no hop means into this unit's own FATE Flow."""

    party: str
    hop: Hop | None


@dataclass(frozen=True)
class DataRoute:
    """Where a TLS connection for one SNI name goes."""

    sni: str
    hop: Hop


@dataclass(frozen=True)
class Caller:
    """Who may come in.

    Attributes:
        unit: The unit that calls.
        issuers: Subjects of its CAs, RFC 2253: one, or more while a CA is replaced.
        subject: Subject of its certificate, RFC 2253.
        ca_certificate: PEM, one or more.
        parties: The `src-party-id` values that it may speak for, in numeric order.
    """

    unit: str
    issuers: tuple[str, ...]
    subject: str
    ca_certificate: str
    parties: tuple[str, ...]


@dataclass(frozen=True)
class PlainCaller:
    """A party that plain KubeFATE deployed, and the CIDRs that it may come from."""

    unit: str
    sources: tuple[str, ...]


@dataclass(frozen=True)
class RouteTable:
    """Everything that the router of one unit must know of the others, in a fixed order.

    Attributes:
        unit: Whose table it is.
        own_name: The unit's DNS name, which the certificates of its router and its broker carry.
        control: Routes by `dest-party-id`; an id that is not listed is refused.
        data: Routes by SNI name, outward at a party, through at the exchange; others are refused.
        control_callers: Who may come in by the control path.
        data_callers: Who may come in by the data path; none at the exchange, which passes TLS through.
        plain_control: Who may come in by the control path without TLS.
        plain_data: Who may come in by the data path without a certificate.
    """

    unit: str
    own_name: str
    control: tuple[ControlRoute, ...]
    data: tuple[DataRoute, ...]
    control_callers: tuple[Caller, ...]
    data_callers: tuple[Caller, ...]
    plain_control: tuple[PlainCaller, ...] = ()
    plain_data: tuple[PlainCaller, ...] = ()

    @property
    def control_hops(self) -> tuple[Hop, ...]:
        """Return the hops of the control path, each once, in order."""
        return tuple(dict.fromkeys(route.hop for route in self.control if route.hop is not None))


def route_table(federation: FederationFacts, unit: str, peers: Sequence[Peer]) -> RouteTable:
    """Make the route table of one unit.

    Args:
        federation: What all parties share.
        unit: Whose table: a party id as text, or `exchange` (star topology only).
        peers: All other units of the federation, in any order. In star topology a party needs the exchange
            (its address is where everything goes) and the other parties (their CAs, not their addresses).

    Raises:
        RouteError: no such table can be: a unit that the federation does not have, a peer that is missing,
            doubled or the unit itself, an exchange in direct topology, an address, name or certificate that
            is none, or trust that would let one peer pass for another.
    """
    check_peers(federation, unit, peers)
    known = {peer.unit: peer for peer in peers}
    parties = [str(party) for party in sorted(federation.party_ids)]
    others = [party for party in parties if party != unit]
    through_exchange = next_units(federation, unit) == (EXCHANGE,)
    callers = tuple(_caller(federation, known[party], [party]) for party in others if known[party].plain is None)
    plain = tuple(
        PlainCaller(peer.unit, peer.plain.accept_from) for peer in map(known.get, others) if peer and peer.plain
    )

    def control(party: str) -> ControlRoute:
        if party == unit:
            return ControlRoute(party, None)
        target = known[EXCHANGE if through_exchange else party]
        hop = _hop(federation, target, target, target.endpoint.control_port)
        if target.plain is not None:
            hop = replace(hop, ca_certificate=None, plain_grpc_port=target.plain.grpc_port)
        return ControlRoute(party, hop)

    def data(party: str) -> DataRoute:
        dialled = known[EXCHANGE if through_exchange else party]
        hop = _hop(federation, known[party], dialled, dialled.endpoint.data_port)
        if unit == EXCHANGE:
            hop = replace(hop, ca_certificate=None)
        return DataRoute(federation.dns_name(party), hop)

    return RouteTable(
        unit=unit,
        own_name=federation.dns_name(unit),
        control=tuple(control(party) for party in parties),
        data=tuple(data(party) for party in others),
        control_callers=(_caller(federation, known[EXCHANGE], others),) if through_exchange else callers,
        data_callers=() if unit == EXCHANGE else callers,
        plain_control=() if through_exchange else plain,
        plain_data=() if unit == EXCHANGE else plain,
    )


def next_units(federation: FederationFacts, unit: str) -> tuple[str, ...]:
    """Return the units whose public address a unit dials: a party of a star only the exchange's."""
    if federation.topology is Topology.STAR and unit != EXCHANGE:
        return (EXCHANGE,)
    return tuple(str(party) for party in sorted(federation.party_ids) if str(party) != unit)


def _hop(federation: FederationFacts, end: Peer, dialled: Peer, port: int) -> Hop:
    return Hop(
        unit=end.unit,
        host=_normal(dialled.endpoint.host),
        port=port,
        tls_name=federation.dns_name(end.unit),
        ca_certificate=_bundle(end),
    )


def _caller(federation: FederationFacts, peer: Peer, parties: Sequence[str]) -> Caller:
    return Caller(
        unit=peer.unit,
        issuers=issuers(peer),
        subject=certificate_subject(federation, peer),
        ca_certificate=_bundle(peer),
        parties=tuple(parties),
    )


def _bundle(peer: Peer) -> str:
    """Return a peer's CA certificates in an order that does not depend on how they were given."""
    return "".join(sorted(set(certificates(peer.ca_certificate))))


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _normal(host: str) -> str:
    """Return one spelling of an address, so that the same address gives the same text."""
    try:
        return str(ip_address(host))
    except ValueError:
        return host.lower()
