"""A federation for tests: facts, one CA per unit, peers, each unit on loopback addresses of its own."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache, lru_cache

from kubefate_pulumi.fate.model import EXCHANGE, ConfigFile, Endpoint, FederationFacts, Peer, Topology
from kubefate_pulumi.fate.router import base_files, route_files
from kubefate_pulumi.fate.routes import RouteTable, route_table
from kubefate_pulumi.trust.x509 import KeyPair, new_ca, new_leaf

DOMAIN = "fraud.example.org"


@cache
def ca_of(unit: str) -> KeyPair:
    return new_ca(f"ca {unit}", days=10, organization="Bank, Ltd.")


@lru_cache(maxsize=64)
def internal_ca_of(unit: str) -> KeyPair:
    return new_ca(f"internal {unit}", days=10)


@lru_cache(maxsize=64)
def leaf_of(unit: str, ca_unit: str | None = None, domain: str = DOMAIN) -> KeyPair:
    name = f"{unit}.{domain}"
    return new_leaf(ca_of(ca_unit or unit), name, dns_names=[name], days=5)


@lru_cache(maxsize=64)
def _table(federation: FederationFacts, peers: tuple[Peer, ...], unit: str) -> RouteTable:
    return route_table(federation, unit, [peer for peer in peers if peer.unit != unit])


@lru_cache(maxsize=64)
def _route_files(federation: FederationFacts, peers: tuple[Peer, ...], unit: str) -> tuple[ConfigFile, ...]:
    return route_files(_table(federation, peers, unit))


@dataclass(frozen=True)
class World:
    """A federation and its peers' documents; `hosts` are the units' public addresses."""

    federation: FederationFacts
    peers: tuple[Peer, ...] = field(repr=False)

    @property
    def units(self) -> tuple[str, ...]:
        return tuple(peer.unit for peer in self.peers)

    @property
    def parties(self) -> tuple[str, ...]:
        return tuple(unit for unit in self.units if unit != EXCHANGE)

    def peer(self, unit: str) -> Peer:
        return next(peer for peer in self.peers if peer.unit == unit)

    def table(self, unit: str) -> RouteTable:
        return _table(self.federation, self.peers, unit)

    def route_texts(self, unit: str) -> dict[str, str]:
        return {file.name: file.text for file in _route_files(self.federation, self.peers, unit)}

    def base_texts(self, unit: str, **options: int) -> dict[str, str]:
        return {file.name: file.text for file in base_files(self.federation, unit, **options)}


def world(
    party_ids: Iterable[int], topology: Topology, hosts: dict[str, str] | None = None, domain: str = DOMAIN
) -> World:
    ids = tuple(party_ids)
    federation = FederationFacts("fraud", domain, topology, ids, "1.11.2")
    units = [*([EXCHANGE] if topology is Topology.STAR else []), *map(str, ids)]
    hosts = hosts or {unit: f"10.77.{at}.1" for at, unit in enumerate(units)}
    peers = tuple(Peer(unit, Endpoint(hosts[unit], 9443, 6651), ca_of(unit).certificate_pem) for unit in units)
    return World(federation, peers)
