"""What came of a call: refused, cut off, or who answered."""

import ssl
from dataclasses import replace
from typing import Any

from rig.federation import World
from rig.services import wait_port
from rig.site import Site

from kubefate_pulumi.fate import ports
from kubefate_pulumi.trust.x509 import KeyPair

REFUSED_TLS = (ssl.SSLError, ConnectionError)


def party(dest: str, src: str) -> list[tuple[str, str]]:
    return [("dest-party-id", dest), ("src-party-id", src)]


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
