"""How generated files are written: the same input gives the same bytes, and a text ends with a newline."""

from collections.abc import Mapping
from typing import Any

import yaml


def yaml_text(data: Mapping[Any, Any]) -> str:
    """Return block-style YAML in the order given, without document markers.

    Block style, because the partial YAML reader in KubeFATE's proxies knows no other.
    """
    return yaml.safe_dump(data, default_flow_style=False, sort_keys=False, width=2**31, allow_unicode=True)


def properties_text(data: Mapping[str, str]) -> str:
    """Return a Java properties file, sorted by key."""
    lines = (f"{_escaped(key, key=True)}={_escaped(value)}\n" for key, value in sorted(data.items()))
    return "".join(lines)


def _escaped(text: str, *, key: bool = False) -> str:
    escaped = text.replace("\\", "\\\\")
    for char, name in (("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"), ("\f", "\\f")):
        escaped = escaped.replace(char, name)
    if key:
        for char in "=: #!":
            escaped = escaped.replace(char, "\\" + char)
    elif escaped.startswith(" "):
        escaped = "\\" + escaped
    # Readers before Java 9's bundles take the file for ISO 8859-1.
    return "".join(char if char.isascii() else _utf16(char) for char in escaped)


def _utf16(char: str) -> str:
    units = char.encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
