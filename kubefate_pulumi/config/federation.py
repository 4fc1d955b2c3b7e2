"""What all parties share and may see: `stacks/federation.yaml`, and the peer documents of `stacks/peers/`."""

from typing import Annotated, Final

from pydantic import AfterValidator, Field, Strict, model_validator

from kubefate_pulumi.config.errors import Wrong
from kubefate_pulumi.config.fields import (
    DNS_LABEL,
    DNS_NAME,
    Cidr,
    Host,
    Many,
    Model,
    OneOf,
    PartyId,
    Port,
    Shape,
)
from kubefate_pulumi.fate.model import EXCHANGE, Endpoint, FederationFacts, Peer, Plain, Topology
from kubefate_pulumi.fate.ports import KUBEFATE_GRPC
from kubefate_pulumi.fate.profile import supported_versions
from kubefate_pulumi.trust.x509 import CertificateError, check_ca_certificate, check_subject

MAX_DOMAIN: Final = 53
"""A router's certificate has CN=<unit>.<domain>; a CN has 64 characters at most, a party id 10."""
MAX_NAME: Final = 30

Domain = Annotated[
    str,
    Shape(
        DNS_NAME,
        f"a DNS name in lower case, at most {MAX_DOMAIN} characters",
        "fraud.example.org",
        MAX_DOMAIN,
    ),
]
FederationName = Annotated[
    str,
    Shape(
        DNS_LABEL,
        f"a DNS label: lower-case letters, digits and hyphens, a letter first, at most {MAX_NAME} characters",
        "fraud",
        MAX_NAME,
    ),
]
FateVersion = Annotated[str, OneOf(supported_versions, "a supported version of FATE")]


UnitName = Annotated[
    str,
    Shape(rf"{EXCHANGE}|[1-9][0-9]{{0,9}}", f"{EXCHANGE} or the id of a party", "9999", 10, numbers=True),
]


def _check_authority(pem: str) -> str:
    try:
        check_ca_certificate(pem)
    except CertificateError as error:
        raise Wrong(str(error), "Give the unit's CA certificate, PEM, as its stack prints it.") from None
    return pem


def _check_subject(text: str) -> str:
    try:
        check_subject(text)
    except CertificateError as error:
        raise Wrong(str(error), "For example: CN=9999.fate.example.org,O=Bank.") from None
    return text


def _not_empty(parties: tuple[int, ...]) -> tuple[int, ...]:
    if not parties:
        raise Wrong("is an empty list", "Name at least one party, such as 9999.")
    return parties


def _not_empty_ranges(ranges: tuple[str, ...]) -> tuple[str, ...]:
    if not ranges:
        raise Wrong("is an empty list", "Name the CIDRs that its connections come from, such as 192.0.2.0/24.")
    return ranges


class EndpointDocument(Model):
    """The public address of a unit: a host, and one TCP port for each of the two paths."""

    host: Host = Field(
        description="IPv4 or IPv6 address, or DNS name, at which the unit's router is reached.",
        examples=["192.0.2.10"],
    )
    control_port: Port = Field(description="TCP port of the control path (job control).", examples=[9443])
    data_port: Port = Field(description="TCP port of the data path (training data).", examples=[6651])

    @model_validator(mode="after")
    def _ports_differ(self) -> "EndpointDocument":
        if self.control_port == self.data_port:
            raise Wrong("is the same port as control_port", "Give each path its own port.", at=("data_port",))
        return self


class PlainDocument(Model):
    """A party that KubeFATE's own charts deployed: no TLS on its control path, no certificate of its broker.

    What comes from it is known by where it comes from, and by nothing else.
    """

    grpc_port: Port = Field(
        KUBEFATE_GRPC, description="TCP port of gRPC; `endpoint.control_port` is that of HTTP.", examples=[9310]
    )
    accept_from: Annotated[Many[Cidr], AfterValidator(_not_empty_ranges)] = Field(
        description="CIDRs that its connections come from, as this cluster sees them; in a star also those of the "
        "exchange. Whoever can send from there can pass for it.",
        examples=[["192.0.2.0/24"]],
        json_schema_extra={"minItems": 1},
    )


class PeerDocument(Model):
    """`peers/<unit>.yaml`: what the others may know of a unit. Never a secret.

    The unit's own stack prints it: `pulumi stack output peer`.
    """

    unit: UnitName = Field(description="`exchange`, or the id of the party.", examples=["9999"])
    federation: FederationName = Field(description="Name of the federation it is a member of.", examples=["fraud"])
    domain: Domain = Field(description="DNS domain of the federation.", examples=["fraud.example.org"])
    fate_version: FateVersion = Field(description="Version of FATE that the unit runs.", examples=["1.11.2"])
    endpoint: EndpointDocument = Field(description="Where its router is reached.")
    ca_certificate: Annotated[str, AfterValidator(_check_authority)] = Field(
        description="The unit's CA certificate, PEM: one self-signed CA certificate and nothing else.",
        examples=["-----BEGIN CERTIFICATE-----\n(base64)\n-----END CERTIFICATE-----\n"],
    )
    subject: Annotated[str, AfterValidator(_check_subject)] | None = Field(
        None,
        description="Subject of its router's certificate in RFC 2253 form. Default: `CN=<unit>.<domain>`.",
        examples=["CN=9999.fraud.example.org"],
    )
    plain: PlainDocument | None = Field(
        None,
        description="Given for a party that KubeFATE's own charts deployed. Then `ca_certificate` is the one that "
        "signed its broker's certificate. Default: none.",
    )

    @model_validator(mode="after")
    def _only_a_party_is_plain(self) -> "PeerDocument":
        if self.plain is not None and self.unit == EXCHANGE:
            remedy = "Deploy the exchange from these files; its one router takes the place of both of KubeFATE's."
            raise Wrong("cannot be given for the exchange", remedy, at=("plain",))
        return self

    def to_peer(self) -> Peer:
        """Return the peer as the makers of routes and trust files take it."""
        endpoint = Endpoint(self.endpoint.host, self.endpoint.control_port, self.endpoint.data_port)
        plain = None if self.plain is None else Plain(self.plain.grpc_port, self.plain.accept_from)
        return Peer(self.unit, endpoint, self.ca_certificate, self.subject, plain)


class FederationFile(Model):
    """`federation.yaml`: what all parties share and may see. Commit it where all of them can read it."""

    name: FederationName = Field(
        description="Name of the federation, a DNS label of at most 30 characters.", examples=["fraud"]
    )
    domain: Domain = Field(
        description="DNS domain under which every unit has its name: `<party_id>.<domain>` and "
        "`exchange.<domain>`. The names stand in certificates; they need no entry in any DNS. At most 53 "
        "characters.",
        examples=["fraud.example.org"],
    )
    fate_version: FateVersion = Field(
        description="Version of FATE that all parties run; the same for all.", examples=["1.11.2"]
    )
    topology: Annotated[Topology, Strict(strict=False)] = Field(
        description="`star`: the parties reach each other through an exchange. `direct`: straight.",
        examples=["star"],
    )
    parties: Annotated[Many[PartyId], AfterValidator(_not_empty)] = Field(
        description="The ids of all parties, whole numbers from 1 to 2147483647, each once.",
        examples=[[9999, 10000]],
        json_schema_extra={"minItems": 1},
    )
    peers: Annotated[tuple[PeerDocument, ...], Strict(strict=False)] | None = Field(
        None,
        description="Peer documents written here instead of in `peers/<unit>.yaml`, for static addresses. "
        "Default: none.",
    )

    @property
    def members(self) -> tuple[str, ...]:
        """The names of all units: the exchange first, if the topology has one, then the parties in order."""
        exchange = (EXCHANGE,) if self.topology is Topology.STAR else ()
        return exchange + tuple(str(party) for party in self.parties)

    def facts(self) -> FederationFacts:
        """Return the federation as the makers of configuration files take it."""
        return FederationFacts(self.name, self.domain, self.topology, self.parties, self.fate_version)
