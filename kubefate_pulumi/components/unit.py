"""One unit as its parts see it: names, labels, images, sizes. Everything is decided here, before a resource is made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi

from kubefate_pulumi.components import defaults
from kubefate_pulumi.components.args import FederationArgs, PeerArgs, ResourceArgs, StorageArgs, UnitArgs
from kubefate_pulumi.fate.model import EXCHANGE, FederationFacts, Topology
from kubefate_pulumi.fate.names import PART_LABEL, default_namespace
from kubefate_pulumi.fate.profile import Profile, load_profile
from kubefate_pulumi.fate.routes import next_units
from kubefate_pulumi.kubernetes.scope import Scope
from kubefate_pulumi.kubernetes.workload import Claim, Resources


@dataclass(frozen=True)
class Unit:
    """A party or the exchange, with what its parts need to know of it."""

    unit: str
    federation: FederationFacts
    profile: Profile
    scope: Scope
    registry: str | None = None
    images: Mapping[str, str] = field(default_factory=dict)
    resources: Mapping[str, Resources] = field(default_factory=dict)
    storage: StorageArgs = field(default_factory=StorageArgs)

    @property
    def party_id(self) -> int:
        """The party id; the exchange has none."""
        return int(self.unit)

    @property
    def dns_name(self) -> str:
        """The name that others know the unit by on the wire."""
        return self.federation.dns_name(self.unit)

    def image(self, part: str) -> str:
        """Return the full image reference of a part."""
        return self.profile.image(part, self.registry, self.images)

    def claim(self, volume: str, name: str) -> Claim:
        """Return a part's volume by the key of the storage arguments, under the name its pod uses."""
        given = self.storage.get("volumes", {}).get(volume, {})
        return Claim(
            name,
            given.get("size", defaults.VOLUME_SIZES[volume]),
            given.get("storage_class", self.storage.get("storage_class")),
        )


def federation_facts(args: FederationArgs) -> FederationFacts:
    """Return the federation as plain data. Numbers come as floats from other languages."""
    return FederationFacts(
        name=args["name"],
        domain=args["domain"],
        topology=Topology(args["topology"]),
        party_ids=tuple(int(party) for party in args["parties"]),
        fate_version=args.get("fate_version", defaults.FATE_VERSION),
    )


def is_dialled_plainly(federation: FederationFacts, unit: str, peers: Sequence[PeerArgs]) -> bool:
    """Return whether a party that KubeFATE's own charts deployed dials a unit: none dials a party of a star."""
    dialled = next_units(federation, unit)
    return any("plain" in peer for peer in peers if peer["unit"] in dialled)


def cluster_labels(unit: str, federation: FederationFacts) -> dict[str, str]:
    """Return the labels of everything of a unit that belongs to no part."""
    labels = {
        "name": default_namespace(unit),
        "owner": "kubefate",
        "cluster": "fate-exchange" if unit == EXCHANGE else "fate",
        "app.kubernetes.io/part-of": federation.name,
    }
    return labels if unit == EXCHANGE else labels | {"partyId": unit}


def scope_of(
    name: str,
    unit: str,
    federation: FederationFacts,
    namespace: pulumi.Input[str],
    image_pull_secrets: Sequence[str] = (),
) -> Scope:
    """Return where a unit's objects go, labelled as KubeFATE's charts label theirs (chart inventory, note)."""
    common = cluster_labels(unit, federation)
    selected = {key: value for key, value in common.items() if key in {"name", "partyId"}}
    return Scope(
        name=name,
        namespace=namespace,
        part_labels=lambda part: {**common, PART_LABEL: part, "app.kubernetes.io/name": part},
        part_selector=lambda part: {**selected, PART_LABEL: part},
        image_pull_secrets=tuple(image_pull_secrets),
    )


def make_resources(given: Mapping[str, ResourceArgs]) -> dict[str, Resources]:
    """Return what each part asks for: the defaults, with what was given instead."""
    return {
        part: Resources(
            cpu=given.get(part, {}).get("cpu", base.cpu),
            memory=given.get(part, {}).get("memory", base.memory),
        )
        for part, base in defaults.RESOURCES.items()
    }


def make_unit(
    name: str,
    unit: str,
    args: UnitArgs,
    resources: Mapping[str, ResourceArgs],
    storage: StorageArgs | None = None,
) -> Unit:
    """Return a unit from the arguments of its component."""
    federation = federation_facts(args["federation"])
    return Unit(
        unit=unit,
        federation=federation,
        profile=load_profile(federation.fate_version),
        scope=scope_of(name, unit, federation, args["namespace"], args.get("image_pull_secrets", ())),
        registry=args.get("registry"),
        images=args.get("images", {}),
        resources=make_resources(resources),
        storage=storage or StorageArgs(),
    )
