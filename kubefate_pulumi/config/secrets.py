"""Secrets have no place in these files: find them by name and by form, and never show them."""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from kubefate_pulumi.config.document import Document, Unreadable
from kubefate_pulumi.config.errors import FieldPath

REMEDY: Final = (
    "Take it out, and change the secret if the file was shared. Secrets belong in the stack's configuration: "
    "pulumi config set --secret NAME (NAME such as 9999-mysql-password), or are generated."
)
_PRIVATE_KEY: Final = "is a private key in clear"
_SECRET_NAME = re.compile(
    r"passw(or)?d|passphrase|token|private_?key|secret|credential|api_?key|access_?key|key_?data",
    re.IGNORECASE,
)
_NAMES_OF_OBJECTS: Final = frozenset({"tls_secret", "image_pull_secrets"})
"""Keys that hold the names of Kubernetes Secrets, not secrets."""
_FREE_MAPPINGS: Final = frozenset({"annotations"})
"""Mappings whose keys are other programs' words, such as `auth-tls-secret`."""
_PEM = re.compile(r"-----BEGIN[A-Z0-9 ]*PRIVATE KEY|PRIVATE KEY-----", re.IGNORECASE)
_BASE64_PEM: Final = base64.b64encode(b"-----BEGIN")[:12].decode()


def is_secret_name(key: str) -> bool:
    """Tell whether a key names a secret, by its usual words."""
    return key not in _NAMES_OF_OBJECTS and bool(_SECRET_NAME.search(key.replace("-", "_")))


def is_private_key(text: str) -> bool:
    """Tell whether a text holds a PEM private key, in clear or in base64."""
    if _PEM.search(text):
        return True
    start = text.find(_BASE64_PEM)
    if start < 0:
        return False
    head = "".join(text[start : start + 200].split())
    try:
        return bool(_PEM.search(base64.b64decode(head[: len(head) // 4 * 4]).decode("ascii", "replace")))
    except (binascii.Error, ValueError):
        return False


def remove_secrets(document: Document) -> None:
    """Take every secret out of a document's data and note each as a problem."""
    for path, is_key in list(_find(document.value, ())):
        message = _PRIVATE_KEY if is_key else "is a secret in clear"
        document.problems.append(document.problem(path, message, REMEDY))
        _remove(document.value, path, keep_place=is_key)
    if any(problem.message == _PRIVATE_KEY for problem in document.problems):
        return
    note_private_key_lines(document)


def note_private_key_lines(document: Document) -> None:
    """Note a private key anywhere in the text, also in a comment."""
    for number, line in enumerate(document.text.splitlines(), start=1):
        if is_private_key(line):
            problem = document.problem((), _PRIVATE_KEY, REMEDY)
            document.problems.append(replace(problem, line=number, column=1))
            return


def _find(value: object, path: FieldPath) -> Iterator[tuple[FieldPath, bool]]:
    """Yield the places of secrets, and whether each shows by its form (else by its name)."""
    if isinstance(value, str):
        if is_private_key(value):
            yield path, True
    elif isinstance(value, Mapping):
        free = bool(path) and path[-1] in _FREE_MAPPINGS
        for key, child in value.items():
            place = (*path, key)
            if not free and child is not None and is_secret_name(key):
                yield place, False
            else:
                yield from _find(child, place)
    elif isinstance(value, list):
        for position, child in enumerate(value):
            yield from _find(child, (*path, position))


def _remove(root: dict[str, object], path: FieldPath, *, keep_place: bool) -> None:
    """Delete a value, or leave a mark in its place so that its key does not count as missing."""
    parent: object = root
    for part in path[:-1]:
        parent = parent[part]  # type: ignore[index]
    if keep_place:
        parent[path[-1]] = Unreadable()  # type: ignore[index]
    else:
        del parent[path[-1]]  # type: ignore[attr-defined]
