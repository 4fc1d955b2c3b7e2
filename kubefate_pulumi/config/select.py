"""Which units a stack deploys, and whose peer documents it needs for that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kubefate_pulumi.config.errors import ConfigError, Problem, nearest
from kubefate_pulumi.config.exchange import ExchangeFile
from kubefate_pulumi.config.federation import FederationFile, PeerDocument
from kubefate_pulumi.config.party import PartyFile
from kubefate_pulumi.fate.model import EXCHANGE

ALL = "all"
"""Value of `kubefate:units` that means every unit of the federation."""
UNITS_KEY = "kubefate:units"


@dataclass(frozen=True)
class Selection:
    """What one stack deploys and whom it must know.

    Attributes:
        units: names of the units that the stack deploys: the exchange, then parties as in the federation.
        own: their files, by unit.
        peers: the documents of all other units, by unit; empty when the stack only publishes endpoints.
    """

    units: tuple[str, ...]
    own: dict[str, ExchangeFile | PartyFile]
    peers: dict[str, PeerDocument]


@dataclass(frozen=True)
class Place:
    """Where problems of a selection are shown: the directory as the user types it, and the stack's name."""

    directory: str
    stack: str | None = None

    def file(self, name: str) -> str:
        """Return the name of a file of the directory for messages."""
        return name if self.directory in {"", "."} else f"{self.directory}/{name}"

    @property
    def stack_file(self) -> str:
        """The stack's file, or a word for it when the stack is not known."""
        return self.file(f"Pulumi.{self.stack or '<stack>'}.yaml")


def file_of(unit: str) -> str:
    """Return the name of a unit's own file, relative to the directory."""
    return "exchange.yaml" if unit == EXCHANGE else f"parties/{unit}.yaml"


def select(
    federation: FederationFile,
    own: Mapping[str, ExchangeFile | PartyFile],
    peers: Mapping[str, PeerDocument],
    units: str | Sequence[str | int],
    *,
    endpoints_only: bool,
    place: Place,
) -> Selection:
    """Choose the own units and their peers.

    In a star, every unit needs the exchange and, because trust on the data path is end to end, every party.

    Raises:
        ConfigError: see `Loaded.select`.
    """
    names, problems = unit_names(federation.members, units, place)
    if not problems:
        problems = [no_file(unit, [place.stack], place) for unit in names if unit not in own]
    others = [unit for unit in federation.members if unit not in names]
    if not problems and not endpoints_only:
        problems = [_no_peer(unit, place) for unit in others if unit not in peers]
    if problems:
        raise ConfigError(problems)
    needed = {} if endpoints_only else {unit: peers[unit] for unit in others}
    return Selection(names, {unit: own[unit] for unit in names}, needed)


def unit_names(members: Sequence[str], units: object, place: Place) -> tuple[tuple[str, ...], list[Problem]]:
    """Read the value of `kubefate:units`.

    Args:
        members: names of all units of the federation.
        units: the value: `all`, or a list of names and party ids.
        place: for messages.

    Returns:
        The names in the order of `members`, and what is wrong with the value.
    """
    if units == ALL:
        return tuple(members), []
    if isinstance(units, str) or not isinstance(units, Sequence) or not units:
        remedy = f"For example: {UNITS_KEY}: all, or {UNITS_KEY}: [{members[-1]}]."
        return (), [_units_problem(place, "", "must be all, or a list of units", remedy)]
    problems: list[Problem] = []
    found: list[str] = []
    for position, entry in enumerate(units):
        name = str(entry) if isinstance(entry, str | int) and not isinstance(entry, bool) else ""
        if name not in members:
            remedy = nearest(name, members)
            message = "is not a unit of the federation"
            problems.append(_units_problem(place, f"[{position}]", message, remedy))
        elif name in found:
            message = f"names {name} a second time"
            problems.append(_units_problem(place, f"[{position}]", message, "Take one of the two out."))
        else:
            found.append(name)
    return tuple(unit for unit in members if unit in found), problems


def _units_problem(place: Place, position: str, message: str, remedy: str) -> Problem:
    return Problem(place.stack_file, message, f"{UNITS_KEY}{position}", remedy=remedy)


def no_file(unit: str, stacks: Sequence[str | None], place: Place) -> Problem:
    """Return the problem of a unit that stacks deploy, but that has no file."""
    by = " and ".join(f"stack {stack}" if stack else "this stack" for stack in stacks)
    remedy = "Write it, with at least the key site, or take the unit out of kubefate:units."
    return Problem(place.file(file_of(unit)), f"does not exist, but {by} deploys {unit}", remedy=remedy)


def _no_peer(unit: str, place: Place) -> Problem:
    who, stack = ("the exchange", unit) if unit == EXCHANGE else (f"party {unit}", f"party-{unit}")
    file = place.file(f"peers/{unit}.yaml")
    remedy = (
        f'Ask its operator to run "pulumi stack output peer -s {stack} > {file}" and to give you that file. '
        'To publish your own first: "pulumi config set endpoints_only true", then "pulumi up".'
    )
    return Problem(file, f"no peer document for {who}", remedy=remedy)
