"""FATE versions as data: what differs from one version to the next, read from `profiles/<version>.yaml`."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any, Final

import yaml

_SUFFIX: Final = ".yaml"
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The C loader reads a profile in a tenth of the time; PyYAML can be built without it."""


class ProfileError(ValueError):
    """A FATE version that has no profile, or a part that a profile does not name."""


@dataclass(frozen=True)
class Profile:
    """What is true of one FATE version.

    Attributes:
        version: The FATE version, such as `1.11.2`.
        images: Full image reference, with tag, by part.
        paths: Absolute paths inside FATE's images, without a slash at the end, by name.
        api_prefix: First part of FATE Flow's HTTP paths.
        python: FATE Flow's server script, relative to `paths["fate"]`.
        grpc_service: Full name of the gRPC service that carries calls between parties.
    """

    version: str
    images: Mapping[str, str]
    paths: Mapping[str, str]
    api_prefix: str
    python: str
    grpc_service: str

    def image(self, part: str, registry: str | None = None, overrides: Mapping[str, str] = MappingProxyType({})) -> str:
        """Return the image reference of a part.

        Args:
            part: A key of `images`.
            registry: Replaces the reference's registry and repository: `<registry>/<name>:<tag>`. A slash
                at its end makes no difference.
            overrides: Full references by part; an override is used as it is, whatever the registry.

        Raises:
            ProfileError: no such part.
        """
        if part in overrides:
            return overrides[part]
        if part not in self.images:
            known = ", ".join(sorted(self.images))
            raise ProfileError(f"FATE {self.version} has no image for {part!r}: known parts are {known}")
        reference = self.images[part]
        if registry is None:
            return reference
        return f"{registry.rstrip('/')}/{reference.rsplit('/', 1)[-1]}"


@cache
def supported_versions() -> tuple[str, ...]:
    """Return the FATE versions that have a profile, oldest first."""
    names = (entry.name for entry in resources.files(__package__).joinpath("profiles").iterdir())
    versions = (name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX))
    return tuple(sorted(versions, key=lambda version: [int(part) for part in version.split(".")]))


@cache
def load_profile(version: str) -> Profile:
    """Return the profile of a FATE version.

    Raises:
        ProfileError: the version has no profile.
    """
    if version not in supported_versions():
        raise ProfileError(f"FATE version {version!r} is not supported: use one of {', '.join(supported_versions())}")
    text = resources.files(__package__).joinpath("profiles", version + _SUFFIX).read_text(encoding="utf-8")
    data: dict[str, Any] = yaml.load(text, Loader=_LOADER)  # noqa: S506 - a safe loader, written in C
    return Profile(
        version=data["version"],
        images=MappingProxyType({part: _reference(image) for part, image in data["images"].items()}),
        paths=MappingProxyType(data["paths"]),
        api_prefix=data["api_prefix"],
        python=data["python"],
        grpc_service=data["grpc_service"],
    )


def _reference(image: Mapping[str, str]) -> str:
    name = f"{image['name']}:{image['tag']}"
    return f"{image['repository']}/{name}" if "repository" in image else name
