"""What the files of an exchange and of a party have in common."""

from functools import cache
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from kubefate_pulumi.config.errors import Wrong, nearest
from kubefate_pulumi.config.fields import (
    Cpu,
    DnsLabel,
    ImageReference,
    Many,
    Memory,
    Model,
    ObjectName,
    Registry,
)
from kubefate_pulumi.config.site import Exposure, Site
from kubefate_pulumi.fate.profile import load_profile, supported_versions


@cache
def image_names() -> tuple[str, ...]:
    """Return the parts that have an image in any supported version of FATE."""
    return tuple(sorted({part for version in supported_versions() for part in load_profile(version).images}))


def _check_images(images: dict[str, str]) -> dict[str, str]:
    for name in images:
        if name not in image_names():
            raise Wrong("is not a part that has an image", nearest(name, image_names()), at=(name,))
    return images


def _image_schema(schema: dict[str, Any]) -> None:
    """Name the parts one by one, so that editors complete them."""
    value = schema.pop("additionalProperties")
    schema.update(properties=dict.fromkeys(image_names(), value), additionalProperties=False)


Images = Annotated[dict[str, ImageReference], AfterValidator(_check_images), Field(json_schema_extra=_image_schema)]


class Resources(Model):
    """What one container asks for."""

    cpu: Cpu | None = Field(None, description="CPU cores to ask for, such as `500m` or `2`.", examples=["500m"])
    memory: Memory | None = Field(
        None, description="Memory to ask for, and not to exceed, such as `4Gi`.", examples=["4Gi"]
    )


class UnitFile(Model):
    """What the files of an exchange and of a party have in common.

    Keys and structure are those of the components' arguments. What is left out stays unset: the components
    hold the defaults, and the descriptions name them.
    """

    site: Site = Field(description="Where the unit runs.")
    namespace: DnsLabel | None = Field(None, description="Namespace to create and use.")
    exposure: Exposure | None = Field(
        None,
        description="How the unit's router is reached from outside its cluster. Default: a load balancer.",
    )
    registry: Registry | None = Field(
        None,
        description="Registry and path to take all images from, instead of the public ones: "
        "`<registry>/<name>:<tag>`. Default: the public ones.",
        examples=["registry.example.org/fate"],
    )
    images: Images | None = Field(
        None,
        description="Full image references by part, instead of the version's own. Default: none.",
        examples=[{"nginx": "registry.example.org/nginx:1.28.0"}],
    )
    image_pull_secrets: Many[ObjectName] | None = Field(
        None,
        description="Names of Secrets for pulling images; they must exist in the namespace. Default: none.",
        examples=[["registry-login"]],
    )
