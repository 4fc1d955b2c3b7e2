"""The one place where objects are not typed field by field."""

from typing import Any, TypeAlias

Fields: TypeAlias = Any
"""Fields of an object in the SDK's dictionary form (snake_case). The SDK's types cannot follow dictionaries that
are put together from parts; the schema tests check every rendered object against Kubernetes' own schemas instead."""
