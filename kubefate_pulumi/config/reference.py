"""`docs/files.md`: the reference of every file and key, made from the models."""

import re
from collections.abc import Iterable, Iterator
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from annotated_types import Ge, Le
from pydantic.fields import FieldInfo

from kubefate_pulumi.config.exchange import ExchangeFile
from kubefate_pulumi.config.federation import FederationFile, PeerDocument
from kubefate_pulumi.config.fields import Model, OneOf, Shape
from kubefate_pulumi.config.party import PartyFile
from kubefate_pulumi.config.select import ALL, UNITS_KEY
from kubefate_pulumi.config.stack import AUTHORITY_SECRETS, ENDPOINTS_ONLY, NAMESPACE, PARTY_SECRETS
from kubefate_pulumi.config.validate import model_in
from kubefate_pulumi.fate.model import EXCHANGE

FILES: Final[tuple[type[Model], ...]] = (FederationFile, PartyFile, ExchangeFile, PeerDocument)

_INTRODUCTION: Final = """\
# The files people write

Generated from the models by `make pages`.

| file | who writes it | what it holds |
| --- | --- | --- |
| `federation.yaml` | the members together | what all of them share and may see |
| `parties/<id>.yaml` | the operator of that party | its cluster, exposure, storage, sizes |
| `exchange.yaml` | the operator of the exchange | the same for the exchange; only in a star |
| `peers/<unit>.yaml` | printed by the unit's own stack | what others may know of it; never a secret |
| `Pulumi.<stack>.yaml` | Pulumi, and the stack's operator | which units the stack deploys, and its secrets |

All lie in `stacks/`. `kubefate init` writes a commented set. `kubefate check` checks it: every key, and the
files against each other. Editors that read the first line of each file
(`# yaml-language-server: $schema=..`) complete and check while you type.

The files are read strictly. Unknown keys, keys given twice, anchors, tags and second documents are errors. So
are plain values that YAML readers take for different things (`yes`, `010`, `1_000`, `12:30`): write `true`,
plain digits, or quotes. A key that may be left out may also stand without a value.

Secrets are never keys of these files. They lie encrypted in the stack's configuration, or are generated.
"""

_STACK: Final = f"""\
## Pulumi.&lt;stack&gt;.yaml

Pulumi's own file of one stack. Under `config:` it holds these keys of ours:

| key | form | meaning |
| --- | --- | --- |
| `{UNITS_KEY}` | `{ALL}`, or a list of `{EXCHANGE}` and party ids | Units that this stack deploys; all \
others are peers. **Needed.** |
| `{NAMESPACE}:{ENDPOINTS_ONLY}` | `true` or `false` | Only publish the addresses and CA certificates of the \
units, so that their peers can be deployed; no peer document is needed. Default: `false`. |
"""

_STACK_SECRETS: Final = """\
Secrets, encrypted by Pulumi and never in clear. `<unit>` is `exchange` or a party id:

| key | meaning |
| --- | --- |
"""

_SECRET_MEANINGS: Final = {
    "mysql-password": "Password of FATE Flow's database user. Default: generated.",
    "mysql-root-password": "Password of the database's root user. Default: generated.",
    "fateboard-password": "Password of FATE Board's `admin`. Default: generated.",
    "notebook-password": "Password of the notebook. Default: generated.",
    "ca-certificate": "Certificate of the unit's own CA, PEM. Default: generated.",
    "ca-private-key": "Private key of that CA, PEM, PKCS#8, not encrypted. Needed with `ca-certificate`.",
}


def reference() -> str:
    """Return the whole document."""
    parts = [_INTRODUCTION, *(_section(model, "##") for model in FILES), _stack_section()]
    nested = list(dict.fromkeys(inner for model in FILES for inner in _nested(model)))
    parts.append("## Sections\n\nMappings inside the files above.\n")
    parts.extend(_section(model, "###") for model in nested)
    return "\n".join(parts)


def _stack_section() -> str:
    rows = [f"| `{NAMESPACE}:<party_id>-{name}` | {_SECRET_MEANINGS[name]} |" for name in PARTY_SECRETS]
    rows += [f"| `{NAMESPACE}:<unit>-{name}` | {_SECRET_MEANINGS[name]} |" for name in AUTHORITY_SECRETS]
    example = "```\npulumi config set --secret 9999-mysql-password -s party-9999\n```\n"
    return f"{_STACK}\n{_STACK_SECRETS}" + "\n".join(rows) + f"\n\n{example}"


def _nested(model: type[Model]) -> Iterator[type[Model]]:
    """Yield the models of the mappings inside a model, outer ones first."""
    inner = [found for info in model.model_fields.values() if (found := model_in(info.annotation))]
    for found in inner:
        if found not in FILES:
            yield found
        yield from _nested(found)


def _section(model: type[Model], level: str) -> str:
    text = " ".join((model.__doc__ or "").split())
    rest = text.partition(": ")[2] if text.startswith("`") else text
    lines = [
        f"{level} {_title(model).replace('<', '&lt;').replace('>', '&gt;')}",
        "",
        rest[:1].upper() + rest[1:],
        "",
        "| key | form | meaning | example |",
        "| --- | --- | --- | --- |",
        *(_row(name, info) for name, info in model.model_fields.items()),
        "",
    ]
    return "\n".join(lines)


def _row(name: str, info: FieldInfo) -> str:
    meaning = info.description or ""
    if info.is_required():
        meaning += " **Needed.**"
    form = _form(info.annotation, info.metadata)
    return f"| `{name}` | {form} | {meaning} | {_example(info.examples)} |"


def _example(examples: list[Any] | None) -> str:
    if not examples:
        return ""
    value = examples[0]
    if isinstance(value, str) and "\n" in value:
        return ""
    return f"`{_yaml(value)}`"


def _yaml(value: object) -> str:
    """Return a value in YAML's short form."""
    if isinstance(value, dict):
        return "{" + ", ".join(f'{key}: "{item}"' for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(str(item) for item in value) + "]"
    return str(value)


def _form(annotation: Any, metadata: Iterable[Any] = ()) -> str:  # noqa: ANN401 - any annotation
    """Return what a value looks like, in words."""
    for item in metadata:
        if isinstance(item, Shape):
            return item.what
        if isinstance(item, OneOf):
            return _choice(item.names())
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _form(arguments[0], arguments[1:])
    if origin in {UnionType, Union}:
        return _form(next(argument for argument in arguments if argument is not NoneType))
    if origin in {Literal, tuple, dict}:
        return _compound_form(origin, arguments)
    return _plain_form(annotation, list(_flat(metadata)))


def _flat(metadata: Iterable[Any]) -> Iterator[Any]:
    for item in metadata:
        if isinstance(item, FieldInfo):
            yield from item.metadata
        yield item


def _compound_form(origin: Any, arguments: tuple[Any, ...]) -> str:  # noqa: ANN401 - any annotation
    if origin is tuple:
        return f"list of: {_form(arguments[0])}"
    if origin is dict:
        return f"mapping to: {_form(arguments[1])}"
    return _choice(arguments)


def _plain_form(annotation: type, metadata: list[Any]) -> str:
    if issubclass(annotation, Model):
        title = _title(annotation).replace("<", "&lt;").replace(">", "&gt;")
        anchor = re.sub(r"[^a-z0-9 -]", "", _title(annotation).lower()).replace(" ", "-")
        return f"mapping: [{title}](#{anchor})"
    if issubclass(annotation, Enum):
        return _choice([member.value for member in annotation])
    if annotation is int:
        low = next(item.ge for item in metadata if isinstance(item, Ge))
        high = next(item.le for item in metadata if isinstance(item, Le))
        return f"whole number, {low} to {high}"
    return "text"


def _title(model: type[Model]) -> str:
    """Return the heading of a model: the file that it is, or its name in words."""
    text = (model.__doc__ or "").strip()
    if text.startswith("`"):
        return text[1:].partition("`")[0]
    return re.sub(r"(?<!^)(?=[A-Z])", " ", model.__name__.removesuffix("Document")).capitalize()


def _choice(values: Iterable[str]) -> str:
    return " or ".join(f"`{value}`" for value in values)
