"""The nftables rules of a site's nodes: what kube-proxy does, and a record of who called whom.

Record and rules are two tables: the rules are written anew when Services change, and the record stays.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from dataplane.kubelet.cage import Cage
from dataplane.kubelet.network import UPLINK
from dataplane.kubelet.services import Frontend

RULES = "services"
RECORD = "record"
_MASQUERADE = "0x4000"
"""Mark of connections that leave with the node's address: kube-proxy's own."""


@dataclass(frozen=True, order=True)
class Flow:
    """A connection that was opened: who, to which address and port, `tcp` or `udp`."""

    protocol: str
    source: str
    destination: str
    port: int


class Rules:
    """The rules in the network namespace of one site's nodes."""

    def __init__(self, cage: Cage, network: str, node_address: str) -> None:
        self._cage = cage
        self._node_address = node_address
        self._network = network
        self._current = ""
        self._nft(_RECORD_TABLE)

    def apply(self, frontends: Iterable[Frontend]) -> None:
        """Put these frontends, and no others, in force, all at once."""
        text = ruleset(frontends, self._node_address)
        if text != self._current:
            self._nft(text)
            self._current = text

    def asked(self) -> set[Flow]:
        """Return what pods, and other sites, called: addresses as they used them, before Services are resolved."""
        return self._flows("asked")

    def carried(self) -> set[Flow]:
        """Return what reached a pod, or left for another site: addresses of pods in place of Services."""
        return self._flows("carried")

    def probed(self) -> set[Flow]:
        """Return what the nodes themselves called: the kubelet's probes."""
        return self._flows("probed")

    def forget(self) -> None:
        """Empty the record."""
        self._nft("".join(f"flush set ip {RECORD} {name}\n" for name in ("asked", "carried", "probed")))

    def _flows(self, name: str) -> set[Flow]:
        answer = json.loads(self._cage.run("nft", "--json", "list", "set", "ip", RECORD, name, network=self._network))
        (found,) = (each["set"] for each in answer["nftables"] if "set" in each)
        return {Flow(*each["concat"]) for each in found.get("elem", [])}

    def _nft(self, text: str) -> None:
        self._cage.run("nft", "-f", "-", network=self._network, stdin=text)


def _record_chain(name: str, hook: str, priority: str) -> str:
    return f"""\
  set {name} {{ type inet_proto . ipv4_addr . ipv4_addr . inet_service; flags dynamic; size 65535; }}
  chain {name} {{
    type filter hook {hook} priority {priority};
    ct state new meta l4proto {{ tcp, udp }} add @{name} {{ meta l4proto . ip saddr . ip daddr . th dport }}
  }}
"""


# -150 is before addresses are translated (-100); forward comes after that, and before sources are. 20 is after the
# chains of `ruleset`: what they refuse is not carried.
_RECORD_TABLE = (
    f"table ip {RECORD} {{\n"
    + _record_chain("asked", "prerouting", "-150")
    + _record_chain("carried", "forward", "20")
    + _record_chain("probed", "output", "0")
    + "}\n"
)


def ruleset(frontends: Iterable[Frontend], node_address: str) -> str:
    """Return the text for `nft -f` that replaces all rules of Services."""
    known = list(frontends)
    nat = "\n".join(f"    {line}" for each in known if each.backends for line in _translate(each))
    # A pod that calls a Service and gets itself must not see its own address.
    own = sorted({address for each in known for address, _ in each.backends})
    hairpin = "\n".join(f"    ip saddr {address} ip daddr {address} snat to {node_address}" for address in own)
    refuse = "\n".join(f"    {_match(each)} reject" for each in known if not each.backends)
    return f"""\
table ip {RULES}
delete table ip {RULES}
table ip {RULES} {{
  chain services {{
{nat}
  }}
  chain no-endpoints {{
{refuse}
  }}
  chain translate {{ type nat hook prerouting priority -100; jump services; }}
  chain translate-local {{ type nat hook output priority -100; jump services; }}
  chain masquerading {{
    type nat hook postrouting priority 100;
{hairpin}
    meta mark & {_MASQUERADE} != 0 oifname != {UPLINK} snat to {node_address}
    oifname {UPLINK} masquerade
  }}
  # Pods are reached from outside through Services only, whatever routes there are.
  chain guard-forward {{
    type filter hook forward priority 10; policy accept;
    jump no-endpoints
    iifname {UPLINK} ct state new ct status & dnat == 0 reject
  }}
  chain guard-input {{
    type filter hook input priority 10; policy accept;
    jump no-endpoints
    iifname {UPLINK} ct state new reject
  }}
  chain guard-output {{ type filter hook output priority 10; policy accept; jump no-endpoints; }}
}}
"""


def _match(frontend: Frontend) -> str:
    return f"ip daddr {frontend.address} {frontend.protocol} dport {frontend.port}"


def _translate(frontend: Frontend) -> list[str]:
    match, lines = _match(frontend), []
    if frontend.sources:
        # Dropped in the nat chain: nothing of such a connection is answered.
        lines.append(f"{match} ip saddr != {{ {', '.join(frontend.sources)} }} drop")
    if frontend.outside:
        lines.append(f"{match} meta mark set meta mark | {_MASQUERADE}")
    targets = [f"{address}:{port}" for address, port in frontend.backends]
    for at, target in enumerate(targets):
        left = len(targets) - at
        share = f"numgen random mod {left} 0 " if left > 1 else ""
        lines.append(f"{match} {share}dnat to {target}")
    return lines
