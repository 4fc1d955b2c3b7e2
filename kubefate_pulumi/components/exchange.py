"""The exchange: the hub of a star."""

import pulumi

from kubefate_pulumi.components import defaults
from kubefate_pulumi.components.args import ExchangeArgs
from kubefate_pulumi.components.isolation import Isolation, ways_out
from kubefate_pulumi.components.router import PART, Router, RouterSettings
from kubefate_pulumi.components.unit import is_dialled_plainly, make_unit
from kubefate_pulumi.fate import wire
from kubefate_pulumi.fate.model import EXCHANGE


class Exchange(pulumi.ComponentResource):
    """The router between parties, highly available: two pods on two nodes, and a budget that drains one at a time.

    It needs a Kubernetes provider with `enable_config_map_mutable` and `enable_secret_mutable`.
    """

    def __init__(self, name: str, args: ExchangeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kubefate:index:Exchange", name, {"unit": EXCHANGE}, opts)
        child = pulumi.ResourceOptions(parent=self)
        given = {PART: args["resources"]} if "resources" in args else {}
        unit = make_unit(name, EXCHANGE, args, given)
        settings = RouterSettings(
            unit,
            args["peers"],
            args["ca_certificate"],
            args["ca_private_key"],
            internal=None,
            replicas=int(args.get("replicas", defaults.EXCHANGE_REPLICAS)),
        )
        Router(f"{name}-nginx", settings, child)
        plain = is_dialled_plainly(unit.federation, EXCHANGE, args["peers"])
        Isolation(
            f"{name}-isolation", unit.scope, wire.EXCHANGE, ways_out(unit, args["peers"]), plain=plain, opts=child
        )
        self.register_outputs({})
