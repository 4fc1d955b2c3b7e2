"""Types of single values: what they look like, said once for the check, the message and the JSON Schema."""

import ipaddress
import re
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    Strict,
    model_validator,
)
from pydantic_core import CoreSchema, core_schema

from kubefate_pulumi.config.errors import Wrong

MAX_PARTY_ID: Final = 2147483647
"""FATE keeps a party id as a signed 32-bit number."""
MAX_PORT: Final = 65535

_LABEL = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_DNS_NAME = rf"{_LABEL}(\.{_LABEL})*"
DNS_NAME: Final = rf"(?![0-9.]+$){_DNS_NAME}"
"""Lower case; not only digits and dots, which would be a (wrong) IP address."""
DNS_LABEL: Final = r"[a-z]([-a-z0-9]*[a-z0-9])?"
_NUMBER = r"(0|[1-9][0-9]*)(\.[0-9]{1,3})?"


class Model(BaseModel):
    """A mapping in a file: unknown keys and loose types are errors, and messages never show a value.

    A key that is written without a value counts as left out when it may be left out, so that all keys below
    it can be commented out.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _drop_empty(cls, data: Any) -> Any:  # noqa: ANN401 - whatever the file holds
        if not isinstance(data, dict):
            return data
        optional = {name for name, info in cls.model_fields.items() if not info.is_required()}
        return {key: value for key, value in data.items() if value is not None or key not in optional}


@dataclass(frozen=True)
class Shape:
    """Text of a fixed form.

    Attributes:
        pattern: regular expression for the whole text (the subset that JSON Schema has, too).
        what: the form in words, after "must be".
        example: a good value.
        max_length: in characters.
        check: a further check, which raises `Wrong`.
        numbers: also take a plain number, as its decimal text.
    """

    pattern: str
    what: str
    example: str
    max_length: int = 253
    check: Callable[[str], str] | None = None
    numbers: bool = False

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401
        schema = core_schema.no_info_after_validator_function(self.validate, handler(source))
        if self.numbers:
            return core_schema.no_info_before_validator_function(number_to_text, schema)
        return schema

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        found = handler(schema)
        found.update(pattern=f"^(?:{self.pattern})$", maxLength=self.max_length)
        if self.numbers:
            found["type"] = ["string", "number"]
        return found

    def validate(self, text: str) -> str:
        """Return the text if it has the form.

        Raises:
            Wrong: it has not.
        """
        if len(text) > self.max_length or not re.fullmatch(self.pattern, text):
            raise Wrong(f"must be {self.what}", f"For example: {self.example}.")
        return self.check(text) if self.check else text


def number_to_text(value: object) -> object:
    """Turn a plain YAML number into the text it was written as; truth values stay what they are."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return value


def empty_as_mapping(value: object) -> object:
    """Read a key without a value as an empty mapping: all its keys are commented out."""
    return {} if value is None else value


def _check_host(text: str) -> str:
    """Take an IPv4 or IPv6 address or a DNS name, and say which of the usual slips it is otherwise."""
    if re.fullmatch(r"[0-9.]+", text) or ":" in text:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            raise Wrong("is not an IP address", _address_remedy(text)) from None
        if address.is_unspecified or address.is_multicast or "%" in text:
            raise Wrong("is no address that others can connect to", "Give the address of one host.")
        return str(address)
    return text


def _address_remedy(text: str) -> str:
    if re.search(r"^\[|\]|^[^:]*:[0-9]+$", text):
        return "Give the address alone, without port and brackets; ports have their own keys."
    return "An IPv4 address has four numbers from 0 to 255, such as 192.0.2.10."


def _check_cidr(text: str) -> str:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        remedy = "For example 192.0.2.0/24; the bits after the prefix must be zero."
        raise Wrong("is not a CIDR (address/prefix)", remedy) from None
    return text


def _check_more_than_nothing(text: str) -> str:
    if not re.search(r"[1-9]", text):
        raise Wrong("must be more than zero")
    return text


def _check_path(text: str) -> str:
    if "\n" in text or text.lstrip().startswith(("{", "apiVersion")):
        raise Wrong("must be a path, not the content of a file", "Put the content in a file and name it here.")
    return text


T = TypeVar("T", bound=Hashable)


def unique(entries: tuple[T, ...]) -> tuple[T, ...]:
    """Return the entries if none is there twice.

    Raises:
        Wrong: one is.
    """
    seen: set[T] = set()
    for position, entry in enumerate(entries):
        if entry in seen:
            raise Wrong("is listed twice", "Take one of the two out.", at=(position,))
        seen.add(entry)
    return entries


@dataclass(frozen=True)
class OneOf:
    """Text that is one of a few names.

    Attributes:
        names: returns the names; called late, for they may be read from files.
        what: one such name, after "is not".
    """

    names: Callable[[], Sequence[str]]
    what: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401
        return core_schema.no_info_after_validator_function(self.validate, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), "enum": list(self.names())}

    def validate(self, text: str) -> str:
        """Return the text if it is one of the names.

        Raises:
            Wrong: it is not.
        """
        if text not in self.names():
            raise Wrong(f"is not {self.what}", f"Known: {', '.join(self.names())}.")
        return text


DnsLabel = Annotated[
    str,
    Shape(
        DNS_LABEL,
        "a DNS label: lower-case letters, digits and hyphens, a letter first, at most 63 characters",
        "fate-9999",
        63,
    ),
]
DnsName = Annotated[
    str,
    Shape(
        DNS_NAME,
        "a DNS name in lower case: labels of letters, digits and hyphens, with dots between them",
        "fate.example.org",
    ),
]
ObjectName = Annotated[
    str,
    Shape(
        _DNS_NAME,
        "the name of a Kubernetes object: lower-case letters, digits, hyphens and dots",
        "my-secret",
    ),
]
Host = Annotated[
    str,
    Shape(
        rf"{_DNS_NAME}|\[?[0-9a-fA-F:.%\]]*:[0-9a-fA-F:.%\]]*|[0-9.]+",
        "an IPv4 or IPv6 address or a DNS name in lower case",
        "192.0.2.10 or fate.example.org",
        check=_check_host,
    ),
]
Cidr = Annotated[
    str,
    Shape(
        r"[0-9a-fA-F:.]+/[0-9]{1,3}",
        "a CIDR: an address and a prefix length",
        "192.0.2.0/24",
        64,
        _check_cidr,
    ),
]
Cpu = Annotated[
    str,
    Shape(
        rf"{_NUMBER}|[0-9]+m",
        "a number of CPU cores, as Kubernetes writes it",
        "500m or 2",
        20,
        _check_more_than_nothing,
        numbers=True,
    ),
]
Memory = Annotated[
    str,
    Shape(
        rf"{_NUMBER}(Ki|Mi|Gi|Ti|Pi|k|M|G|T|P)",
        "a number of bytes with a unit, as Kubernetes writes it",
        "4Gi",
        20,
        _check_more_than_nothing,
    ),
]
Registry = Annotated[
    str,
    Shape(
        r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?(:[0-9]{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*",
        "a registry, or a registry and a path, without https:// and without a slash at the end",
        "registry.example.org/fate",
    ),
]
ImageReference = Annotated[
    str,
    Shape(
        r"([a-zA-Z0-9]([-a-zA-Z0-9.]*[a-zA-Z0-9])?(:[0-9]{1,5})?/)?"
        r"[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*"
        r"(:[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127}(@sha256:[0-9a-f]{64})?|@sha256:[0-9a-f]{64})",
        "a full image reference with a tag or a digest",
        "registry.example.org/fate/fateboard:1.11.2-release",
        512,
    ),
]
AnnotationName = Annotated[
    str,
    Shape(
        rf"({_DNS_NAME}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{{0,61}}[A-Za-z0-9])?",
        "the name of a Kubernetes annotation",
        "service.example.org/internal",
        317,
    ),
]
Text = Annotated[str, Shape(r"[^\x00-\x1f\x7f]+", "one line of text that is not empty", "some text", 253)]
FilePath = Annotated[str, Shape(r"(.|\n)+", "a path of a file", "kubeconfig.yaml or ~/.kube/config", 4096, _check_path)]

PartyId = Annotated[int, Field(ge=1, le=MAX_PARTY_ID)]
Port = Annotated[int, Field(ge=1, le=MAX_PORT)]
Count = Annotated[int, Field(ge=1, le=10_000)]
Annotations = dict[AnnotationName, str]

Many = Annotated[
    tuple[T, ...],
    Strict(strict=False),
    AfterValidator(unique),
    Field(json_schema_extra={"uniqueItems": True}),
]
"""A list without repetitions."""
