"""Check a whole directory: the files of the federation, and the stack files that use them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kubefate_pulumi.config.document import read_document
from kubefate_pulumi.config.errors import ConfigError, Problem
from kubefate_pulumi.config.federation import FederationFile
from kubefate_pulumi.config.loading import Inspection, inspect
from kubefate_pulumi.config.select import Place, file_of, no_file
from kubefate_pulumi.config.stack import StackFile, read_stack
from kubefate_pulumi.config.unit import UnitFile

_STACK_FILE = re.compile(r"Pulumi\.(?P<stack>[A-Za-z0-9_.-]{1,100})\.yaml")


@dataclass(frozen=True)
class StackReport:
    """One stack file, and the units whose peer documents it still waits for."""

    file: StackFile
    waits_for: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """The result of a check: all problems, and what was understood besides them."""

    problems: tuple[Problem, ...]
    federation: FederationFile | None
    units: Mapping[str, UnitFile]
    stacks: tuple[StackReport, ...]


def check(directory: Path, stack: str | None = None) -> Report:
    """Check all files of a directory.

    A peer document that is not there yet is no problem of the files. It is one when a single stack is asked
    for: then the question is whether that stack can be deployed now.

    Args:
        directory: the directory that holds `federation.yaml`.
        stack: check only this stack file, and that it has everything it needs.
    """
    inspection = inspect(directory)
    problems = list(inspection.problems)
    found: list[StackFile] = []
    if directory.is_dir():
        for name in [stack] if stack is not None else _stack_names(directory):
            file, wrong = _read(inspection, name)
            problems.extend(wrong)
            if file is not None:
                found.append(file)
    problems.extend(_missing_files(inspection, found))
    if stack is not None and found and not problems:
        problems.extend(_not_ready(inspection, found[0]))
    return Report(
        tuple(problems),
        inspection.federation.model if inspection.federation else None,
        {unit: source.model for unit, source in inspection.units.items()},
        tuple(StackReport(file, _waits_for(inspection, file)) for file in found),
    )


def is_stack_name(name: str) -> bool:
    """Tell whether a text can be the name of a stack."""
    return _STACK_FILE.fullmatch(f"Pulumi.{name}.yaml") is not None


def _stack_names(directory: Path) -> list[str]:
    try:
        names = [entry.name for entry in directory.iterdir()]
    except OSError:  # the inspection says so
        return []
    return sorted(match["stack"] for name in names if (match := _STACK_FILE.fullmatch(name)))


def _read(inspection: Inspection, name: str) -> tuple[StackFile | None, list[Problem]]:
    place = Place(inspection.place.directory, name)
    document, problems = read_document(inspection.directory / f"Pulumi.{name}.yaml", place.stack_file)
    if document is None:
        return None, problems
    members = inspection.federation.model.members if inspection.federation else None
    file = read_stack(document, name, members, place)
    return file, sorted(document.problems, key=lambda problem: (problem.line or 0, problem.column or 0))


def _missing_files(inspection: Inspection, stacks: list[StackFile]) -> list[Problem]:
    """Return a problem for each unit that is deployed without a file; a wrong file is a problem already."""
    deployed: dict[str, list[str | None]] = {}
    for file in stacks:
        for unit in file.units:
            deployed.setdefault(unit, []).append(file.name)
    return [
        no_file(unit, names, inspection.place)
        for unit, names in deployed.items()
        if unit not in inspection.units and not (inspection.directory / file_of(unit)).exists()
    ]


def _not_ready(inspection: Inspection, file: StackFile) -> tuple[Problem, ...]:
    try:
        loaded = inspection.loaded()
        loaded.select(file.units, endpoints_only=file.endpoints_only, stack=file.name)
    except ConfigError as error:
        return error.problems
    return ()


def _waits_for(inspection: Inspection, file: StackFile) -> tuple[str, ...]:
    if inspection.federation is None:
        return ()
    known = {source.model.unit for source in inspection.peers} | set(file.units)
    return tuple(unit for unit in inspection.federation.model.members if unit not in known)
