"""nginx configuration text read back into data, without any of the code that wrote it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

_TOKEN = re.compile(r'\s+|#[^\n]*|"((?:[^"\\]|\\.)*)"|\'((?:[^\'\\]|\\.)*)\'|([{};])|([^\s{};"\'#][^\s{};]*)')


@dataclass
class Directive:
    name: str
    args: list[str]
    children: list["Directive"] = field(default_factory=list)

    def all(self, name: str) -> list["Directive"]:
        return [child for child in self.children if child.name == name]

    def get(self, name: str) -> str:
        found = self.all(name)
        assert len(found) == 1, f"{name}: {len(found)} times in {self.name}"
        return found[0].args[0]


@lru_cache(maxsize=256)
def parse(text: str) -> Directive:
    root = Directive("", [])
    tokens = _tokens(text)
    _fill(root, tokens)
    return root


def maps(root: Directive) -> dict[str, dict[str, str]]:
    """Return each `map` by the variable that it sets."""
    return {
        block.args[1].lstrip("$"): {entry.name.lower(): entry.args[0] for entry in block.children}
        for block in root.all("map")
    }


def lookup(table: dict[str, str], key: str) -> str:
    """Look a key up as nginx does: whole and without case, or the default. Patterns are not for this."""
    return table.get(key.lower(), table["default"]) if key.lower() != "default" else table["default"]


def _fill(parent: Directive, tokens: Iterator[tuple[str, bool]]) -> None:
    words: list[str] = []
    for token, is_word in tokens:
        if is_word:
            words.append(token)
        elif token == "}":
            assert not words, f"no ';' after {words}"
            return
        else:
            directive = Directive(words[0], words[1:])
            parent.children.append(directive)
            words = []
            if token == "{":
                _fill(directive, tokens)
    assert not words
    assert parent.name == "", f"{parent.name} is not closed"


def _tokens(text: str) -> Iterator[tuple[str, bool]]:
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        assert match, f"not nginx text: {text[at : at + 40]!r}"
        at = match.end()
        double, single, mark, word = match.groups()
        if mark:
            yield mark, False
        elif word is not None:
            yield word, True
        elif double is not None or single is not None:
            yield re.sub(r"\\([\"'\\])", r"\1", double if double is not None else single), True
