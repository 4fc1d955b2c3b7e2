"""Network isolation of a unit: nothing but what `fate.wire` declares."""

from collections.abc import Collection, Sequence
from typing import Any

import pulumi

from kubefate_pulumi.components.args import PeerArgs
from kubefate_pulumi.components.unit import Unit
from kubefate_pulumi.fate import wire
from kubefate_pulumi.fate.names import PART_LABEL, ROUTER
from kubefate_pulumi.fate.routes import next_units
from kubefate_pulumi.kubernetes.network_policy import Rule, address, dns_rule, network_policy, pods, tcp
from kubefate_pulumi.kubernetes.scope import Scope

DEFAULT_DENY = "default-deny"


class Isolation(pulumi.ComponentResource):
    """NetworkPolicies of a unit: one that denies everything in the namespace but DNS, and one for each part.

    Policies add up, so what a site needs besides (its monitoring, say) is one more policy of its own. A network plugin
    that does not enforce policies ignores them.
    """

    def __init__(
        self,
        name: str,
        scope: Scope,
        parts: Sequence[wire.Part],
        ways_out: pulumi.Input[Sequence[Rule]],
        *,
        published: Collection[str] = (),
        plain: bool = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Register the policies.

        Args:
            name: Pulumi name.
            scope: The unit.
            parts: What runs in the unit.
            ways_out: Where the router may go outside the namespace, from `ways_out`.
            published: Parts whose page an ingress controller may reach.
            plain: Whether peers that KubeFATE's own charts deployed dial the router.
            opts: Options.
        """
        super().__init__("kubefate:index:Isolation", name, {}, opts)
        open_to = {wire.PEERS, *({wire.PLAIN_PEERS} if plain else ())}
        child = pulumi.ResourceOptions(parent=self)
        network_policy(scope, DEFAULT_DENY, {}, child, egress=[dns_rule()])
        for part in parts:
            ingress = [
                *_callers(scope, parts, part),
                *_from_outside(part, {*open_to, *({wire.PEOPLE} if part.name in published else ())}),
            ]
            egress = _calls(scope, parts, part, ways_out)
            network_policy(scope, part.name, scope.selector(part.name), child, ingress=ingress, egress=egress)
        self.register_outputs({})


def _ports(listeners: Sequence[wire.Listener]) -> list[Any]:
    return [tcp(listener.port, listener.last_port) for listener in listeners]


def _calls(
    scope: Scope, parts: Sequence[wire.Part], part: wire.Part, ways_out: pulumi.Input[Sequence[Rule]]
) -> pulumi.Input[Sequence[Rule]]:
    inside = [
        {"to": [pods(scope.selector(called.name))], "ports": _ports(listeners)}
        for called in parts
        for caller, listeners in wire.callers(parts, called)
        if caller is part
    ]
    if all(call.to != wire.PEERS for call in part.calls):
        return inside

    outside: pulumi.Output[list[Rule]] = pulumi.Output.from_input(ways_out).apply(lambda rules: [*inside, *rules])
    return outside


def _callers(scope: Scope, parts: Sequence[wire.Part], part: wire.Part) -> list[Rule]:
    return [
        {"from": [pods(scope.selector(caller.name))], "ports": _ports(listeners)}
        for caller, listeners in wire.callers(parts, part)
    ]


def _from_outside(part: wire.Part, open_to: Collection[str]) -> list[Rule]:
    """Return who comes from outside: anybody, since a load balancer may put its own address in the caller's place.

    Who may come to a router is said by the load balancer's source ranges and by the certificates; to a page, by the
    ingress and the password.
    """
    listeners = [part.listener(name) for who, name in part.outside if who in open_to]
    return [{"ports": _ports(listeners)}] if listeners else []


def ways_out(unit: Unit, peers: Sequence[PeerArgs]) -> pulumi.Output[Sequence[Rule]]:
    """Return the router's ways out: the address of each next hop, or any address where a hop has a name only.

    It waits for the addresses that the unit dials and for no other, so a newcomer's does not show up in the plan of
    everybody. In one cluster a peer's public address may become its router's pod before policies are looked at; hence
    the routers of all namespaces.
    """
    dialled = next_units(unit.federation, unit.unit)
    hops = [peer for peer in peers if peer["unit"] in dialled]

    def rules(hosts: Sequence[str]) -> Sequence[Rule]:
        return [*map(_way_out, hosts, hops), _ROUTERS]

    made: pulumi.Output[Sequence[Rule]] = pulumi.Output.all(*(peer["host"] for peer in hops)).apply(rules)
    return made


def _way_out(host: str, peer: PeerArgs) -> Rule:
    block = address(host)
    plain = [int(peer["plain"]["grpc_port"])] if "plain" in peer else []
    numbers = [int(peer["control_port"]), *plain, int(peer["data_port"])]
    return ({} if block is None else {"to": [block]}) | {"ports": [tcp(number) for number in numbers]}


_ROUTERS: Rule = {
    "to": [pods({PART_LABEL: ROUTER}, everywhere=True)],
    "ports": _ports([wire.EXCHANGE[0].listener(name) for who, name in wire.EXCHANGE[0].outside if who == wire.PEERS]),
}
