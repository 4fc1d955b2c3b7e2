"""One YAML file as plain data that remembers the line of every value.

YAML is read narrowly: what two readers could take for two different values is an error, not a guess.
So there are no tags, anchors, merge keys or second documents, keys are text, and a plain scalar is a number
or a truth value only in the one form that all readers agree on (`010`, `1_000`, `12:30`, `yes` are refused).
"""

import re
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

import yaml

from kubefate_pulumi.config.errors import FieldPath, Problem, show_path

MAX_BYTES: Final = 1 << 20
MAX_DEPTH: Final = 32
_MAX_DIGITS: Final = 18

_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+")
_LONG_QUOTE = re.compile(r"'[^']{2,}'")
_SURROGATE = re.compile("[\ud800-\udfff]")
_TAG = "tag:yaml.org,2002:"


class Mark(NamedTuple):
    """A place in a file; both count from 1."""

    line: int
    column: int


class Unreadable:
    """Stands where a value could not be read. Its problem is already known, and no model accepts it."""


@dataclass
class Document:
    """The content of one file: its data, the place of every key and list entry, and what was wrong."""

    file: str
    text: str = field(repr=False)
    value: dict[str, object] = field(default_factory=dict, repr=False)
    marks: dict[FieldPath, Mark] = field(default_factory=dict, repr=False)
    problems: list[Problem] = field(default_factory=list)

    def problem(self, path: FieldPath, message: str, remedy: str = "") -> Problem:
        """Return a problem of the value at a path, placed at it or at the nearest value around it."""
        known = path
        while known and known not in self.marks:
            known = known[:-1]
        mark = self.marks.get(known, Mark(1, 1))
        return Problem(self.file, message, show_path(path), mark.line, mark.column, remedy)

    def at(self, path: FieldPath) -> object:
        """Return the value at a path, or None when there is none."""
        value: object = self.value
        for part in path:
            if isinstance(value, dict) and isinstance(part, str):
                value = value.get(part)
            elif isinstance(value, list) and isinstance(part, int) and part < len(value):
                value = value[part]
            else:
                return None
        return value


class _StopError(Exception):
    """The file cannot be read any further."""

    def __init__(self, problem: Problem) -> None:
        super().__init__()
        self.problem = problem


def read_document(path: Path, shown: str) -> tuple[Document | None, list[Problem]]:
    """Read one YAML file whose top is a mapping.

    Args:
        path: the file.
        shown: its name in messages.

    Returns:
        The document, or None when nothing of it could be read; and the problems found on the way.
    """
    try:
        document = Document(shown, _read_text(path, shown))
        _Builder(document).build()
    except _StopError as stop:
        return None, [stop.problem]
    return document, document.problems


def _read_text(path: Path, shown: str) -> str:
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            kind = "a directory" if stat.S_ISDIR(mode) else "no regular file"
            raise _StopError(Problem(shown, f"is {kind}, not a file", remedy="Write a YAML file in its place."))
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        remedy = "Write it, or point to the right directory."
        raise _StopError(Problem(shown, "does not exist", remedy=remedy)) from None
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        remedy = "Check its owner and permissions."
        raise _StopError(Problem(shown, f"cannot be read ({reason})", remedy=remedy)) from None
    if len(data) > MAX_BYTES:
        raise _StopError(Problem(shown, f"is larger than {MAX_BYTES} bytes", remedy="Is it the right file?"))
    return _decode(data, shown)


def _decode(data: bytes, shown: str) -> str:
    if data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        remedy = "Save it as UTF-8 without BOM."
        raise _StopError(Problem(shown, "starts with a byte order mark", line=1, column=1, remedy=remedy))
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1
        problem = Problem(shown, "is not UTF-8 text", line=line, column=column, remedy="Save it as UTF-8.")
        raise _StopError(problem) from None


@dataclass
class _Frame:
    """A mapping or list that is being filled."""

    container: dict[str, object] | list[object]
    path: FieldPath
    key: str | None = None
    discard: bool = False
    """The next value belongs to a key that cannot be kept."""


class _Builder:
    """Turns the events of PyYAML's parser into data. Without recursion: depth is the input's to choose."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.frames: list[_Frame] = []
        self.documents = 0

    def build(self) -> None:
        """Fill the document.

        Raises:
            _StopError: the file is no YAML, or not one mapping.
        """
        try:
            self.loader = yaml.SafeLoader(self.document.text)
            while self.loader.check_event():
                self._take(self.loader.get_event())  # type: ignore[no-untyped-call]
        except yaml.reader.ReaderError as error:
            raise _StopError(self._bad_character(error)) from None
        except yaml.MarkedYAMLError as error:
            raise _StopError(self._syntax(error)) from None
        if not self.documents:
            raise self._stop(None, "is empty", "Write the required keys, or remove the file.")

    def _take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                raise self._stop(event, "holds a second YAML document", "Keep one, without --- lines.")
        elif isinstance(event, yaml.AliasEvent):
            raise self._stop(event, "holds a YAML alias (*name)", "Write the value out.")
        elif isinstance(event, yaml.ScalarEvent):
            self._refuse_extras(event)
            self._scalar(event)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._refuse_extras(event)
            self._open(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self.frames.pop()

    def _refuse_extras(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        if event.anchor is not None:
            raise self._stop(event, "holds a YAML anchor (&name)", "Write the value out where it is used.")
        if event.tag is not None:
            raise self._stop(event, "holds a YAML tag (!name)", "Take it out: only plain values are read.")

    def _open(self, event: yaml.CollectionStartEvent) -> None:
        mapping = isinstance(event, yaml.MappingStartEvent)
        if not self.frames:
            if not mapping:
                raise self._not_a_mapping(event)
            self.document.marks[()] = _mark(event)
            self.frames.append(_Frame(self.document.value, ()))
            return
        if self._wants_key():
            raise self._stop(event, "has a key that is not text", "Write keys as plain words.")
        if len(self.frames) >= MAX_DEPTH:
            raise self._stop(event, f"is nested more than {MAX_DEPTH} deep", "Check the indentation.")
        container: dict[str, object] | list[object] = {} if mapping else []
        path = self._next_path(event)
        self._put(container)
        self.frames.append(_Frame(container, path))

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        if not self.frames:
            if event.value == "" or event.value in {"~", "null"}:
                raise self._stop(None, "is empty", "Write the required keys, or remove the file.")
            raise self._not_a_mapping(event)
        if self._wants_key():
            self._take_key(event)
        else:
            self._put(self._resolve(event, self._next_path(event)))

    def _wants_key(self) -> bool:
        frame = self.frames[-1]
        return isinstance(frame.container, dict) and frame.key is None

    def _take_key(self, event: yaml.ScalarEvent) -> None:
        frame, mark = self.frames[-1], _mark(event)
        path = (*frame.path, event.value)
        if _SURROGATE.search(event.value):
            raise self._stop(event, "has a key that is not valid Unicode", "Write keys as plain words.")
        if event.value == "<<" and event.style is None:
            raise self._stop(event, "holds a YAML merge key (<<)", "Write the values out.")
        frame.key = event.value
        frame.discard = isinstance(frame.container, dict) and event.value in frame.container
        if frame.discard:
            first = self.document.marks[path].line
            problem = self.document.problem(path, f"is given twice, first in line {first}", "Keep one of the two.")
            self.document.problems.append(
                Problem(problem.file, problem.message, problem.field, mark.line, mark.column, problem.remedy)
            )
        else:
            self.document.marks[path] = mark

    def _next_path(self, event: yaml.Event) -> FieldPath:
        """Return the path that the next value gets in the open mapping or list."""
        frame = self.frames[-1]
        if isinstance(frame.container, dict):
            return (*frame.path, frame.key or "")
        path = (*frame.path, len(frame.container))
        self.document.marks.setdefault(path, _mark(event))
        return path

    def _put(self, value: object) -> None:
        """Store a value in the open mapping or list."""
        frame = self.frames[-1]
        if isinstance(frame.container, list):
            frame.container.append(value)
            return
        key, frame.key = frame.key or "", None
        if not frame.discard:
            frame.container[key] = value

    def _resolve(self, event: yaml.ScalarEvent, path: FieldPath) -> object:
        """Return the value of a scalar, or `Unreadable` after noting why it has none."""
        text: str = event.value
        if _SURROGATE.search(text):
            return self._unreadable(path, "is not valid Unicode", "Write the characters themselves.")
        if event.style is not None:
            return text
        resolved: str = self.loader.resolve(yaml.ScalarNode, text, event.implicit)  # type: ignore[no-untyped-call]
        tag = resolved.removeprefix(_TAG)
        if tag == "null":
            return None
        if tag == "bool":
            return self._truth(text, path)
        if tag in {"int", "float"}:
            return self._number(text, path)
        return text

    def _truth(self, text: str, path: FieldPath) -> object:
        if text.lower() in {"true", "false"}:
            return text.lower() == "true"
        message = f"is {text}, which some readers take for a truth value and others for text"
        return self._unreadable(path, message, f'Write true or false, or "{text}" in quotes for text.')

    def _number(self, text: str, path: FieldPath) -> object:
        if _INTEGER.fullmatch(text) and len(text) <= _MAX_DIGITS:
            return int(text)
        if _DECIMAL.fullmatch(text) and len(text) <= _MAX_DIGITS:
            return float(text)
        message = "is a number in a form that readers take for different values (such as 010, 1_000, 0x10, 12:30)"
        return self._unreadable(path, message, "Write plain digits, or put it in quotes for text.")

    def _unreadable(self, path: FieldPath, message: str, remedy: str) -> Unreadable:
        self.document.problems.append(self.document.problem(path, message, remedy))
        return Unreadable()

    def _stop(self, event: yaml.Event | None, message: str, remedy: str) -> _StopError:
        mark = _mark(event) if event else Mark(1, 1)
        return _StopError(Problem(self.document.file, message, show_path(self._here()), mark.line, mark.column, remedy))

    def _here(self) -> FieldPath:
        """Return the path of the value that is being read."""
        if not self.frames:
            return ()
        frame = self.frames[-1]
        if isinstance(frame.container, list):
            return (*frame.path, len(frame.container))
        return frame.path if frame.key is None else (*frame.path, frame.key)

    def _not_a_mapping(self, event: yaml.Event) -> _StopError:
        return self._stop(event, "is not a mapping", "Write lines of the form `key: value`.")

    def _bad_character(self, error: yaml.reader.ReaderError) -> Problem:
        before = self.document.text[: error.position]
        column = len(before) - (before.rfind("\n") + 1) + 1
        message = "holds a control character that YAML does not allow"
        return Problem(self.document.file, message, "", before.count("\n") + 1, column, "Remove the character.")

    def _syntax(self, error: yaml.MarkedYAMLError) -> Problem:
        """Say what the parser said, without the excerpt and the quoted words: they may be of a secret."""
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        lines = self.document.text.splitlines()
        said = _LONG_QUOTE.sub("(..)", error.problem or "it cannot be parsed")
        if "'\\t'" in said or (line <= len(lines) and "\t" in lines[line - 1][:column]):
            return Problem(self.document.file, "is indented with a tab", "", line, column, "Indent with spaces only.")
        remedy = "Check the indentation, colons, quotes and brackets of this line and the one before."
        return Problem(self.document.file, f"is not valid YAML: {said}", "", line, column, remedy)


def _mark(event: yaml.Event) -> Mark:
    mark = event.start_mark
    if mark is None:
        return Mark(1, 1)
    return Mark(mark.line + 1, mark.column + 1)
