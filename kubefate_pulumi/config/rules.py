"""Rules between files: what each file alone cannot show."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from kubefate_pulumi.config.document import Document
from kubefate_pulumi.config.errors import FieldPath, Problem
from kubefate_pulumi.config.federation import FederationFile, PeerDocument
from kubefate_pulumi.config.fields import Model
from kubefate_pulumi.config.unit import UnitFile
from kubefate_pulumi.fate.model import EXCHANGE, Topology
from kubefate_pulumi.fate.names import default_namespace
from kubefate_pulumi.trust.x509 import fingerprint, subject_of

M_co = TypeVar("M_co", bound=Model, covariant=True)


@dataclass(frozen=True)
class Source(Generic[M_co]):
    """A model and where it was read: a document, and the place in it."""

    model: M_co
    document: Document
    path: FieldPath = ()

    def problem(self, path: FieldPath, message: str, remedy: str) -> Problem:
        """Return a problem of a value below this model."""
        return self.document.problem(self.path + path, message, remedy)


Units = Mapping[str, Source[UnitFile]]
Peers = Iterable[Source[PeerDocument]]


def problems_between(federation: Source[FederationFile], units: Units, peers: Peers) -> Iterator[Problem]:
    """Yield every problem that shows only when the files are seen together.

    Args:
        federation: the federation's file.
        units: the files of exchange and parties, by unit.
        peers: the peer documents.
    """
    known = list(peers)
    yield from _strangers(federation.model, units)
    yield from _namespaces(units)
    for peer in known:
        yield from _foreign_peer(federation.model, peer)
    yield from _twice(known)
    yield from _same_authority(known)
    yield from _same_address(units, known)


def _strangers(federation: FederationFile, units: Units) -> Iterator[Problem]:
    for unit, source in units.items():
        if unit in federation.members:
            continue
        if unit == EXCHANGE:
            remedy = "Remove the file, or set topology: star in federation.yaml."
            yield source.problem((), "has no place in a direct topology", remedy)
        else:
            remedy = f"Add {unit} to parties in federation.yaml, or remove the file."
            yield source.problem((), f"party {unit} is not in the federation", remedy)


def _namespaces(units: Units) -> Iterator[Problem]:
    """Two units in one namespace of one cluster would overwrite each other's objects."""
    seen: dict[tuple[str | None, ...], str] = {}
    for unit, source in units.items():
        site = source.model.site.kubernetes
        namespace = source.model.namespace or default_namespace(unit)
        key = (site.kubeconfig, site.context, namespace)
        if key in seen:
            message = f"is the namespace of {_who(seen[key])} in the same cluster, too"
            yield source.problem(("namespace",), message, "Give each unit its own namespace.")
        seen.setdefault(key, unit)


def _foreign_peer(federation: FederationFile, source: Source[PeerDocument]) -> Iterator[Problem]:
    peer = source.model
    if peer.unit not in federation.members:
        if peer.unit == EXCHANGE and federation.topology is Topology.DIRECT:
            message = "is the peer document of an exchange, which a direct topology has not"
        else:
            message = f"party {peer.unit} is not in the federation"
        yield source.problem(("unit",), message, "Remove the document, or add the unit to the federation.")
    checks = {
        "federation": (peer.federation, federation.name, "name"),
        "domain": (peer.domain, federation.domain, "domain"),
        "fate_version": (peer.fate_version, federation.fate_version, "fate_version"),
    }
    for key, (found, expected, name) in checks.items():
        if found != expected:
            message = f"differs from {name} in federation.yaml ({expected})"
            remedy = f"Ask the operator of {_who(peer.unit)} to deploy from the same federation.yaml."
            yield source.problem((key,), message, remedy)


def _twice(peers: list[Source[PeerDocument]]) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for source in peers:
        unit = source.model.unit
        if unit in seen:
            message = f"{_who(unit)} has a second peer document, besides {seen[unit]}"
            yield source.problem(("unit",), message, "Keep one of the two.")
        seen.setdefault(unit, source.document.file)


def _same_authority(peers: list[Source[PeerDocument]]) -> Iterator[Problem]:
    """Refuse two authorities of one name: routers tell peers apart by the issuer's name, not by its key.

    The very same certificate for two units is no such case: one operator runs both.
    """
    seen: dict[str, tuple[str, str]] = {}
    for source in peers:
        pem = source.model.ca_certificate
        subject, print_ = subject_of(pem), fingerprint(pem)
        unit, first = seen.setdefault(subject, (source.model.unit, print_))
        if first != print_:
            message = f"has the same subject as the CA certificate of {_who(unit)}, but another one"
            remedy = "One of the two must make a CA with another subject, else each could pass for the other."
            yield source.problem(("ca_certificate",), message, remedy)


def _same_address(units: Units, peers: list[Source[PeerDocument]]) -> Iterator[Problem]:
    """Two units cannot listen on one port of one host."""
    seen: dict[tuple[str, int], str] = {}
    for unit, host, port, source, path in _addresses(units, peers):
        other = seen.setdefault((host, port), unit)
        if other != unit:
            message = f"is the address of {_who(other)}, too (same host and port)"
            yield source.problem(path, message, "Give each unit its own address, or its own ports.")


def _addresses(
    units: Units, peers: list[Source[PeerDocument]]
) -> Iterator[tuple[str, str, int, Source[PeerDocument] | Source[UnitFile], FieldPath]]:
    for unit, own in units.items():
        exposure = own.model.exposure
        if exposure is not None and exposure.address is not None:
            yield unit, exposure.address, exposure.ports[0], own, ("exposure", "control_port")
            yield unit, exposure.address, exposure.ports[1], own, ("exposure", "data_port")
    for peer in peers:
        endpoint = peer.model.endpoint
        yield peer.model.unit, endpoint.host, endpoint.control_port, peer, ("endpoint", "control_port")
        yield peer.model.unit, endpoint.host, endpoint.data_port, peer, ("endpoint", "data_port")


def _who(unit: str) -> str:
    return "the exchange" if unit == EXCHANGE else f"party {unit}"
