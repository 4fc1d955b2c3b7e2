"""From a document to a model: pydantic's findings as problems with a place and a remedy."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeVar, get_args

from pydantic import ValidationError

from kubefate_pulumi.config.document import Document, Unreadable
from kubefate_pulumi.config.errors import FieldPath, Problem, Wrong, nearest
from kubefate_pulumi.config.fields import Model

M = TypeVar("M", bound=Model)

_SHAPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "string_type": "must be text",
        "int_type": "must be a whole number",
        "int_from_float": "must be a whole number",
        "bool_type": "must be true or false",
        "tuple_type": "must be a list",
        "dict_type": "must be a mapping (lines of the form `key: value`)",
        "model_type": "must be a mapping (lines of the form `key: value`)",
        "enum": "must be one of {expected}",
        "literal_error": "must be one of {expected}",
        "greater_than_equal": "must be {ge} or more",
        "less_than_equal": "must be {le} or less",
        "string_too_long": "must have at most {max_length} characters",
        "too_short": "must have at least {min_length} entry",
    }
)
"""Message by pydantic's error type, with pydantic's own context filled in. None of these holds a value."""


def validate(document: Document, model: type[M]) -> M | None:
    """Read a document as a model and add what is wrong to the document's problems.

    Returns:
        The model, or None when anything is wrong.
    """
    result, problems = check_value(document, model, document.value, ())
    document.problems.extend(problems)
    return None if document.problems else result


def check_value(document: Document, model: type[M], value: object, path: FieldPath) -> tuple[M | None, list[Problem]]:
    """Read one value of a document as a model.

    Args:
        document: where the value stands.
        model: what it should be.
        value: the value.
        path: its place in the document.
    """
    try:
        return model.model_validate(value), []
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False)
    return None, [p for details in found if (p := _problem(document, model, details, path)) is not None]


def _problem(document: Document, model: type[Model], details: Mapping[str, Any], base: FieldPath) -> Problem | None:
    """Turn one finding of pydantic into a problem; None when the value's problem is already known."""
    kind, context = details["type"], details.get("ctx", {})
    path: FieldPath = base + tuple(part for part in details["loc"] if part != "[key]")
    if any(isinstance(document.at(path[:end]), Unreadable) for end in range(len(path) + 1)):
        return None
    if kind == "missing":
        return document.problem(path, "is missing", _example(model, details["loc"]))
    if kind == "extra_forbidden":
        valid = _fields(model, details["loc"][:-1])
        return document.problem(path, "is not a known key", nearest(str(path[-1]), valid))
    if kind == "value_error" and isinstance(context.get("error"), Wrong):
        wrong = context["error"]
        return document.problem(path + wrong.at, wrong.message, wrong.remedy)
    message = _SHAPES.get(kind, "is not valid here").format(**context)
    return document.problem(path, message, _type_remedy(kind, document.at(path)))


def _type_remedy(kind: str, value: object) -> str:
    if value is None:
        return "It has no value: write one, or take the key out."
    if kind == "string_type" and isinstance(value, int | float):
        return "Put it in quotes."
    if kind == "int_type" and isinstance(value, str):
        return "Write it without quotes, in digits only."
    return ""


def _example(model: type[Model], location: FieldPath) -> str:
    """Return how a missing key could be written."""
    for parent in _models(model, location[:-1]):
        info = parent.model_fields.get(str(location[-1]))
        if info is not None and info.examples and not str(info.examples[0]).count("\n"):
            return f"For example: {location[-1]}: {info.examples[0]}"
        if info is not None:
            return f"It is needed: {info.description}"
    return "Add it."


def _fields(model: type[Model], location: FieldPath) -> list[str]:
    return [name for parent in _models(model, location) for name in parent.model_fields]


def _models(model: type[Model], location: FieldPath) -> Iterator[type[Model]]:
    """Follow a location through the fields of a model to the model that it ends in."""
    current: type[Model] | None = model
    for part in location:
        if current is None:
            return
        if isinstance(part, str):
            info = current.model_fields.get(part)
            current = None if info is None else model_in(info.annotation)
    if current is not None:
        yield current


def model_in(annotation: object) -> type[Model] | None:
    """Return the model inside an annotation such as `Annotated[tuple[PeerDocument, ...], ..] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, Model):
        return annotation
    for argument in get_args(annotation):
        found = model_in(argument)
        if found is not None:
            return found
    return None
