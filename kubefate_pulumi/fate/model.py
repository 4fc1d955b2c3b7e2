"""The words of a federation as plain, frozen data: what routes and configuration files are made from."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

EXCHANGE = "exchange"
"""The unit name of the exchange; a party's unit name is its id as text."""


class Topology(StrEnum):
    """How parties reach each other: through an exchange, or straight."""

    STAR = "star"
    DIRECT = "direct"


@dataclass(frozen=True)
class FederationFacts:
    """What all parties share and may see (`stacks/federation.yaml`)."""

    name: str
    domain: str
    topology: Topology
    party_ids: tuple[int, ...]
    fate_version: str

    def dns_name(self, unit: str) -> str:
        """Return the DNS name of a unit: `<party_id>.<domain>` or `exchange.<domain>`."""
        return f"{unit}.{self.domain}"


@dataclass(frozen=True)
class Endpoint:
    """The public address of a unit: an IP address or a DNS name, and one TCP port per path."""

    host: str
    control_port: int
    data_port: int


@dataclass(frozen=True)
class Plain:
    """How a party that KubeFATE's own charts deployed speaks: no TLS on its control path, no certificate of its broker.

    The ports of its endpoint are those of HTTP and of its broker's TLS; `grpc_port` is that of gRPC. `accept_from` are
    the CIDRs that its connections come from, in a star also those of the exchange: where traffic comes from is all
    that it is known by.
    """

    grpc_port: int
    accept_from: tuple[str, ...]


@dataclass(frozen=True)
class Peer:
    """What others may know of a unit. Never a secret.

    `ca_certificate` is PEM; `subject` is the distinguished name of the unit's router certificate in
    RFC 2253 form, by default `CN=<unit>.<domain>`. With `plain`, it is that of its broker's certificate, and the
    authority is the one that signed that.
    """

    unit: str
    endpoint: Endpoint
    ca_certificate: str
    subject: str | None = None
    plain: Plain | None = None


@dataclass(frozen=True)
class ConfigFile:
    """One generated file and how a change of it reaches the process that reads it.

    `reload`: the process takes it up by itself. `restart`: its pods are rolled, by a content hash in
    the pod template.
    """

    name: str
    text: str
    applied: Literal["reload", "restart"]
