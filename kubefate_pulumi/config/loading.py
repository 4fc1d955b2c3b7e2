"""Read a directory of files into one checked whole, and choose from it what a stack deploys."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from kubefate_pulumi.config.document import Document, read_document
from kubefate_pulumi.config.errors import ConfigError, Problem
from kubefate_pulumi.config.exchange import ExchangeFile
from kubefate_pulumi.config.federation import FederationFile, PeerDocument
from kubefate_pulumi.config.party import PartyFile
from kubefate_pulumi.config.rules import Source, problems_between
from kubefate_pulumi.config.secrets import remove_secrets
from kubefate_pulumi.config.select import Place, Selection, select
from kubefate_pulumi.config.validate import M, validate
from kubefate_pulumi.fate.model import EXCHANGE

FEDERATION_FILE = "federation.yaml"
EXCHANGE_FILE = "exchange.yaml"
_PARTY_NAME = re.compile(r"[1-9][0-9]{0,9}")


@dataclass(frozen=True)
class Loaded:
    """The files of one directory, read and checked.

    Attributes:
        directory: where they are.
        federation: what all parties share.
        exchange: the exchange's file, if there is one.
        parties: the parties' files by party id; a party of the federation need not have one here.
        peers: the peer documents by unit, from `peers/` and from `federation.yaml`.
    """

    directory: Path
    federation: FederationFile
    exchange: ExchangeFile | None
    parties: dict[int, PartyFile]
    peers: dict[str, PeerDocument]

    @property
    def units(self) -> dict[str, ExchangeFile | PartyFile]:
        """The units' own files, by unit."""
        own: dict[str, ExchangeFile | PartyFile] = {} if self.exchange is None else {EXCHANGE: self.exchange}
        return own | {str(party): file for party, file in self.parties.items()}

    def select(
        self, units: str | Sequence[str | int], *, endpoints_only: bool = False, stack: str | None = None
    ) -> Selection:
        """Choose the units that a stack deploys, and the peers that they need.

        Args:
            units: `all`, or a list of `exchange` and party ids.
            endpoints_only: the stack only publishes its endpoints, so it needs no peers yet.
            stack: the name of the stack, for messages.

        Raises:
            ConfigError: a unit is not in the federation or has no file, or a peer document is missing.
        """
        place = Place(shown(self.directory), stack)
        return select(self.federation, self.units, self.peers, units, endpoints_only=endpoints_only, place=place)


@dataclass
class Inspection:
    """What a directory holds, as far as it could be read, and all that is wrong with it."""

    directory: Path
    problems: list[Problem] = field(default_factory=list)
    federation: Source[FederationFile] | None = None
    units: dict[str, Source[ExchangeFile] | Source[PartyFile]] = field(default_factory=dict)
    peers: list[Source[PeerDocument]] = field(default_factory=list)

    @property
    def place(self) -> Place:
        """How the directory is shown in messages."""
        return Place(shown(self.directory))

    def loaded(self) -> Loaded:
        """Return the whole.

        Raises:
            ConfigError: there are problems.
        """
        if self.problems or self.federation is None:
            raise ConfigError(self.problems)
        models = {unit: source.model for unit, source in self.units.items()}
        exchange = models.pop(EXCHANGE, None)
        return Loaded(
            self.directory,
            self.federation.model,
            exchange if isinstance(exchange, ExchangeFile) else None,
            {int(unit): file for unit, file in models.items() if isinstance(file, PartyFile)},
            {source.model.unit: source.model for source in self.peers},
        )


def load(directory: Path) -> Loaded:
    """Read and check `federation.yaml`, `exchange.yaml`, `parties/` and `peers/` of a directory.

    Raises:
        ConfigError: with all problems of all files.
    """
    return inspect(directory).loaded()


def shown(directory: Path) -> str:
    """Return a directory as a user would type it: relative to the current one where it lies below it."""
    try:
        return directory.resolve().relative_to(Path.cwd()).as_posix()
    except (ValueError, OSError, RuntimeError):
        return directory.as_posix()


def inspect(directory: Path) -> Inspection:
    """Read a directory as `load` does, but return problems instead of raising them."""
    inspection = Inspection(directory)
    if not directory.is_dir():
        remedy = "Name the directory that holds federation.yaml, or make one: kubefate init."
        inspection.problems.append(Problem(shown(directory), "is not a directory", remedy=remedy))
        return inspection
    _Reader(inspection).read()
    federation = inspection.federation
    if federation is not None:
        between = problems_between(federation, inspection.units, inspection.peers)
        inspection.problems.extend(between)
    return inspection


class _Reader:
    """Reads the files of one directory into an inspection."""

    def __init__(self, inspection: Inspection) -> None:
        self.inspection = inspection
        self.directory = inspection.directory

    def read(self) -> None:
        """Read all files; each is read whatever is wrong with the others."""
        self._misnamed()
        document, federation = self._file(FEDERATION_FILE, FederationFile)
        if document is not None and federation is not None:
            self.inspection.federation = Source(federation, document)
        if self._present(self.directory / EXCHANGE_FILE):
            document, exchange = self._file(EXCHANGE_FILE, ExchangeFile)
            if document is not None and exchange is not None:
                self.inspection.units[EXCHANGE] = Source(exchange, document)
        for name in self._names("parties"):
            self._party(name)
        if self.inspection.federation is not None:
            self._inline_peers(self.inspection.federation)
        for name in self._names("peers"):
            self._peer(name)

    def _party(self, name: str) -> None:
        stem = name.removesuffix(".yaml")
        if not _PARTY_NAME.fullmatch(stem):
            self._problem(f"parties/{name}", "must be named after a party id", "Rename it, to 9999.yaml or so.")
            return
        document, model = self._file(f"parties/{name}", PartyFile)
        if document is not None and model is not None:
            self.inspection.units[stem] = Source(model, document)

    def _peer(self, name: str) -> None:
        document, model = self._file(f"peers/{name}", PeerDocument)
        if document is None or model is None:
            return
        if model.unit != name.removesuffix(".yaml"):
            remedy = f"Rename the file to {model.unit}.yaml, or put the right document there."
            message = "differs from the name of the file"
            self.inspection.problems.append(document.problem(("unit",), message, remedy))
            return
        self.inspection.peers.append(Source(model, document))

    def _inline_peers(self, federation: Source[FederationFile]) -> None:
        for position, peer in enumerate(federation.model.peers or ()):
            self.inspection.peers.append(Source(peer, federation.document, ("peers", position)))

    def _file(self, name: str, model: type[M]) -> tuple[Document | None, M | None]:
        document, problems = read_document(self.directory / name, self.inspection.place.file(name))
        if document is None:
            self.inspection.problems.extend(problems)
            return None, None
        remove_secrets(document)
        result = validate(document, model)
        self.inspection.problems.extend(sorted(document.problems, key=lambda p: (p.line or 0, p.column or 0)))
        return document, result

    def _names(self, folder: str) -> Iterator[str]:
        """Yield the names of the YAML files in a folder, in order; near misses are problems."""
        path = self.directory / folder
        if not self._present(path):
            return
        try:
            names = sorted((entry.name for entry in path.iterdir()), key=lambda name: (len(name), name))
        except OSError as error:
            reason = (error.strerror or type(error).__name__).lower()
            self._problem(folder, f"cannot be listed ({reason})", "It must be a directory that you can read.")
            return
        for name in names:
            if name.startswith("."):
                continue
            if name.endswith(".yaml"):
                yield name
            elif name.endswith((".yml", ".json")):
                self._problem(f"{folder}/{name}", "is not read: its name must end in .yaml", "Rename it.")

    def _misnamed(self) -> None:
        """Find files whose name is almost one that is read."""
        try:
            names = sorted(entry.name for entry in self.directory.iterdir())
        except OSError as error:
            reason = (error.strerror or type(error).__name__).lower()
            self._problem("", f"cannot be listed ({reason})", "Check its owner and permissions.")
            return
        known = [FEDERATION_FILE, EXCHANGE_FILE, "parties", "peers"]
        for name in names:
            if name in known or name.startswith((".", "Pulumi.")) or not name.endswith((".yaml", ".yml")):
                continue
            close = get_close_matches(name, known, n=1, cutoff=0.8)
            if close and not (self.directory / close[0]).exists():
                self._problem(name, "is not read", f"Rename it to {close[0]}.")

    @staticmethod
    def _present(path: Path) -> bool:
        """Tell whether there is anything at a path, a dangling link included."""
        return path.is_symlink() or path.exists()

    def _problem(self, name: str, message: str, remedy: str) -> None:
        place = self.inspection.place
        file = place.file(name) if name else place.directory
        self.inspection.problems.append(Problem(file, message, remedy=remedy))
