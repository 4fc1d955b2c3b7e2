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
class Peer:
    """What others may know of a unit. Never a secret.

    `ca_certificate` is PEM; `subject` is the distinguished name of the unit's router certificate in
    RFC 2253 form, by default `CN=<unit>.<domain>`.
    """

    unit: str
    endpoint: Endpoint
    ca_certificate: str
    subject: str | None = None


@dataclass(frozen=True)
class ConfigFile:
    """One generated file and how a change of it reaches the process that reads it.

    `reload`: the process takes it up by itself. `restart`: its pods are rolled, by a content hash in
    the pod template.
    """

    name: str
    text: str
    applied: Literal["reload", "restart"]
