"""Problems of the files people write: where, what, and what to do. Never a value that may be secret."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

_SHOWABLE_KEY: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:/-]{0,63}")
_MAX_LISTED: Final = 20

FieldPath = tuple[str | int, ...]
"""The way to a value in a file: keys and list positions, such as `("peers", 0, "endpoint", "host")`."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong in one file.

    `file` is the path as the user would type it; `line` and `column` count from 1; `field` is the dotted
    path of the value; `remedy` is a whole sentence, or empty.
    """

    file: str
    message: str
    field: str = ""
    line: int | None = None
    column: int | None = None
    remedy: str = ""

    def __str__(self) -> str:
        """Return `file:line: field: message. remedy`."""
        file = show_file(self.file)
        place = file if self.line is None else f"{file}:{self.line}"
        parts = [place, self.field, self.message] if self.field else [place, self.message]
        text = ": ".join(parts)
        return f"{text}. {self.remedy}" if self.remedy else f"{text}."


class ConfigError(Exception):
    """The files cannot be used; holds every problem that was found, in the order of files and lines."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("\n\n".join(str(problem) for problem in self.problems))


class Wrong(ValueError):  # noqa: N818
    """What is wrong with one value, raised by the models; the reader of the file adds the place.

    `at` leads to the culprit when the value is a mapping or a list and only one part of it is wrong.
    """

    def __init__(self, message: str, remedy: str = "", at: FieldPath = ()) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.at = at


def show_file(name: str) -> str:
    """Return a file name for one line of a message: what a terminal would not show as it is becomes `?`."""
    return "".join(letter if letter.isprintable() else "?" for letter in name)


def show_path(path: FieldPath) -> str:
    """Return a path as text: `peers[0].endpoint.host`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{show_key(part)}" if text else show_key(part)
    return text


def show_key(key: str) -> str:
    """Return a key for a message, or a stand-in when it may hold more than a name."""
    return key if _SHOWABLE_KEY.fullmatch(key) else "(a key that is no name)"


def nearest(key: str, valid: Iterable[str]) -> str:
    """Return a remedy for an unknown name: the nearest valid one, or the list of all."""
    names = list(valid)
    close = get_close_matches(key, names, n=1, cutoff=0.6)
    if close:
        return f"Did you mean {close[0]}?"
    if not names:
        return "Take it out."
    listed = ", ".join(names[:_MAX_LISTED]) + (", .." if len(names) > _MAX_LISTED else "")
    return f"Known here: {listed}."
