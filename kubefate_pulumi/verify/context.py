"""What the checks of one unit work with."""

from collections.abc import Callable
from dataclasses import dataclass

from kubefate_pulumi.fate.model import EXCHANGE, FederationFacts
from kubefate_pulumi.fate.profile import Profile, load_profile
from kubefate_pulumi.verify.cluster import UnitCluster


@dataclass(frozen=True)
class Check:
    """One thing to try.

    Attributes:
        step: Its id.
        tried: What is tried.
        run: Returns what was seen, or raises `CheckError`.
        peer: The other unit that it is about.
        decisive: Without it the rest of its step would only say the same again.
    """

    step: str
    tried: str
    run: Callable[[], str]
    peer: str | None = None
    decisive: bool = False


@dataclass(frozen=True)
class UnitContext:
    """One unit: its place in the federation, and its cluster.

    Attributes:
        unit: `exchange`, or the party id as text.
        federation: What all parties share.
        cluster: Its namespace.
        given_address: The address that its file gives, if any.
        published_address: The address in its peer document, if there is one.
        seconds: How long one answer may take.
    """

    unit: str
    federation: FederationFacts
    cluster: UnitCluster
    given_address: str | None = None
    published_address: str | None = None
    seconds: float = 15

    @property
    def is_party(self) -> bool:
        """Whether it runs FATE."""
        return self.unit != EXCHANGE

    @property
    def others(self) -> list[str]:
        """The other parties."""
        return [str(party) for party in self.federation.party_ids if str(party) != self.unit]

    @property
    def profile(self) -> Profile:
        """What is true of its FATE version."""
        return load_profile(self.federation.fate_version)
