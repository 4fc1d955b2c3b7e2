"""Publishing a part's web page."""

import pulumi

from kubefate_pulumi.components.args import IngressArgs
from kubefate_pulumi.components.unit import Unit
from kubefate_pulumi.kubernetes import objects


def publish(
    unit: Unit,
    part: str,
    service: str,
    port: int,
    *,
    host: str | None,
    ingress: IngressArgs,
    opts: pulumi.ResourceOptions,
) -> None:
    """Register the ingress of a part, named like the part, if a host name was given; else nothing."""
    if host is None:
        return
    objects.ingress(
        unit.scope,
        part,
        part,
        host=host,
        service_name=service,
        port=port,
        class_name=ingress.get("class_name"),
        tls_secret=ingress.get("tls_secret"),
        annotations=ingress.get("annotations", {}),
        opts=opts,
    )
