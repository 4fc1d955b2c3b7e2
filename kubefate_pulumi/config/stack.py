"""Pulumi's stack files, as far as they are ours: `kubefate:` keys, and secrets that are not encrypted."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from kubefate_pulumi.config.document import Document
from kubefate_pulumi.config.errors import FieldPath, nearest
from kubefate_pulumi.config.secrets import is_private_key, is_secret_name, note_private_key_lines
from kubefate_pulumi.config.select import ALL, UNITS_KEY, Place, unit_names
from kubefate_pulumi.fate.model import EXCHANGE

NAMESPACE: Final = "kubefate"
"""Name of the Pulumi project, and so the prefix of its keys."""
ENDPOINTS_ONLY: Final = "endpoints_only"
AUTHORITY_SECRETS: Final = ("ca-certificate", "ca-private-key")
"""Secrets of every unit: an authority of one's own, both or none."""
PARTY_SECRETS: Final = ("mysql-password", "mysql-root-password", "fateboard-password", "notebook-password")
"""Secrets of a party, each generated when it is left out."""

_TOP_KEYS: Final = ("config", "environment", "encryptionsalt", "encryptedkey", "secretsprovider")
"""Keys of a stack file (Pulumi's `ProjectStack`)."""
_UNIT_SECRET = re.compile(r"kubefate:(?P<unit>exchange|[0-9]+)-(?P<name>[a-z-]+)")


@dataclass(frozen=True)
class StackFile:
    """What one stack file says.

    Attributes:
        name: the stack's name.
        units: names of the units that it deploys.
        endpoints_only: it only publishes their endpoints.
    """

    name: str
    units: tuple[str, ...]
    endpoints_only: bool


def read_stack(document: Document, name: str, members: Sequence[str] | None, place: Place) -> StackFile | None:
    """Read a stack file and add what is wrong to the document's problems.

    Args:
        document: the file.
        name: the stack's name.
        members: all units of the federation, or None when the federation could not be read.
        place: the directory and the stack, for messages.

    Returns:
        What the file says, or None when it does not say which units it deploys.
    """
    return _StackReader(document, name, members, place).read()


class _StackReader:
    """Checks one stack file."""

    def __init__(self, document: Document, name: str, members: Sequence[str] | None, place: Place) -> None:
        self.document = document
        self.name = name
        self.members = members
        self.place = place

    def read(self) -> StackFile | None:
        """Check everything in the file."""
        self._top_keys()
        before = len(self.document.problems)
        self._secrets(self.document.value, ())
        if before == len(self.document.problems):
            note_private_key_lines(self.document)
        config = self.document.value.get("config")
        if config is None or not isinstance(config, dict):
            message = "is missing" if config is None else "must be a mapping (lines of the form `key: value`)"
            self._problem(("config",), message, f"Write config: and below it {UNITS_KEY}: {ALL}.")
            return None
        self._keys(config)
        units = self._units(config)
        self._unit_secrets(config, units)
        endpoints_only = self._endpoints_only(config)
        return None if units is None else StackFile(self.name, units, endpoints_only)

    def _problem(self, path: FieldPath, message: str, remedy: str) -> None:
        self.document.problems.append(self.document.problem(path, message, remedy))

    def _top_keys(self) -> None:
        for key in self.document.value:
            close = get_close_matches(key, _TOP_KEYS, n=1, cutoff=0.7)
            if key not in _TOP_KEYS and (close or key.startswith(f"{NAMESPACE}:")):
                remedy = f"Did you mean {close[0]}?" if close else "Move it below config:."
                self._problem((key,), "is not a known key", remedy)

    def _secrets(self, value: object, path: FieldPath) -> None:
        """Find secrets that are not encrypted: by name below `config`, by form everywhere."""
        if isinstance(value, Mapping):
            if set(value) == {"secure"} and isinstance(value["secure"], str):
                return
            for key, child in value.items():
                place = (*path, key)
                named = path[:1] == ("config",) and child is not None and self._is_secret(path, key)
                if named and not _encrypted(child):
                    self._in_clear(place)
                else:
                    self._secrets(child, place)
        elif isinstance(value, list):
            for position, child in enumerate(value):
                self._secrets(child, (*path, position))
        elif isinstance(value, str) and is_private_key(value):
            self._in_clear(path)

    def _is_secret(self, path: FieldPath, key: str) -> bool:
        ours = len(path) == 1 and _secret_parts(key) is not None
        return ours or is_secret_name(key)

    def _in_clear(self, path: FieldPath) -> None:
        key = str(path[1]) if len(path) > 1 else "NAME"
        name = key.removeprefix(f"{NAMESPACE}:")
        nested = " --path" if len(path) > 2 else ""  # noqa: PLR2004 - config, key, and more below
        remedy = (
            "Change the secret, for it may have been seen; then store it encrypted: "
            f"pulumi config set --secret{nested} {name} -s {self.name}"
        )
        self._problem(path, "is a secret in clear", remedy)

    def _keys(self, config: Mapping[str, Any]) -> None:
        valid = [UNITS_KEY, f"{NAMESPACE}:{ENDPOINTS_ONLY}", *self._secret_keys()]
        for key in config:
            if ":" not in key:
                remedy = f"Did you mean {NAMESPACE}:{key}?" if f"{NAMESPACE}:{key}" in valid else "Add it."
                self._problem(("config", key), "has no namespace", remedy)
            elif key.startswith(f"{NAMESPACE}:") and key not in valid and not self._reported(key):
                foreign = _secret_parts(key) is not None and self.members is None
                if not foreign:
                    self._problem(("config", key), "is not a known key", nearest(key, valid))

    def _reported(self, key: str) -> bool:
        """Tell whether a key is a problem already, as a secret in clear may be."""
        mark = self.document.marks.get(("config", key))
        return any(mark is not None and problem.line == mark.line for problem in self.document.problems)

    def _secret_keys(self) -> Iterator[str]:
        for unit in self.members or ():
            names = AUTHORITY_SECRETS if unit == EXCHANGE else PARTY_SECRETS + AUTHORITY_SECRETS
            yield from (f"{NAMESPACE}:{unit}-{name}" for name in names)

    def _units(self, config: Mapping[str, Any]) -> tuple[str, ...] | None:
        value = config.get(UNITS_KEY)
        if value is None:
            remedy = f"Add {UNITS_KEY}: {ALL}, or a list such as {UNITS_KEY}: [9999]."
            self._problem(("config", UNITS_KEY), "is missing", remedy)
            return None
        if self.members is None:
            return None
        names, problems = unit_names(self.members, value, self.place)
        for problem in problems:
            position = re.search(r"\[(\d+)\]$", problem.field)
            path: FieldPath = ("config", UNITS_KEY, *((int(position[1]),) if position else ()))
            self._problem(path, problem.message, problem.remedy)
        return None if problems else names

    def _endpoints_only(self, config: Mapping[str, Any]) -> bool:
        """Read the switch; `pulumi config set` writes it as text."""
        key = f"{NAMESPACE}:{ENDPOINTS_ONLY}"
        value = config.get(key, False)
        if value in (True, "true"):
            return True
        if value not in (False, "false"):
            self._problem(("config", key), "must be true or false", "Leave it out for false.")
        return False

    def _unit_secrets(self, config: Mapping[str, Any], units: tuple[str, ...] | None) -> None:
        """Check that secrets are of units that this stack deploys, and that authorities are whole."""
        found = {key: parts for key in config if (parts := _secret_parts(key)) is not None}
        for key, (unit, _) in found.items():
            if units is not None and unit in (self.members or ()) and unit not in units:
                message = f"is a secret of {unit}, which this stack does not deploy"
                remedy = "Keep it in the stack that deploys the unit, and remove it here: pulumi config rm."
                self._problem(("config", key), message, remedy)
        for key, (unit, name) in found.items():
            for one, other in (AUTHORITY_SECRETS, AUTHORITY_SECRETS[::-1]):
                if name == one and f"{NAMESPACE}:{unit}-{other}" not in config:
                    remedy = f"Add it: pulumi config set --secret {unit}-{other} -s {self.name}"
                    self._problem(("config", key), f"needs {unit}-{other} beside it", remedy)


def _encrypted(value: object) -> bool:
    return isinstance(value, dict) and set(value) == {"secure"} and isinstance(value["secure"], str)


def _secret_parts(key: str) -> tuple[str, str] | None:
    """Return unit and name of a key such as `kubefate:9999-mysql-password`, or None for other keys."""
    match = _UNIT_SECRET.fullmatch(key)
    if match is None or match["name"] not in PARTY_SECRETS + AUTHORITY_SECRETS:
        return None
    return match["unit"], match["name"]
