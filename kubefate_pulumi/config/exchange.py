"""What the operator of the exchange decides: `stacks/exchange.yaml`."""

from pydantic import Field

from kubefate_pulumi.config.fields import Count, DnsLabel
from kubefate_pulumi.config.unit import Resources, UnitFile


class ExchangeFile(UnitFile):
    """`exchange.yaml`: what the operator of the exchange decides. Only in a star topology."""

    namespace: DnsLabel | None = Field(
        None,
        description="Namespace to create and use. Default: `fate-exchange`.",
        examples=["fate-exchange"],
    )
    replicas: Count | None = Field(None, description="Number of routers that share the load. Default: 2.", examples=[2])
    resources: Resources | None = Field(None, description="What each router asks for. Default: 100m CPU, 256Mi memory.")
