"""docs/wire.md: every listener and flow, as text. `python -m kubefate_pulumi.fate.wire_page` writes it."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from kubefate_pulumi.fate import wire

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "wire.md"

_HEAD: Final = """\
# What is on the wire

Generated from `kubefate_pulumi/fate/wire.py` by `make pages`. The network policies of every unit are made from the
same declarations: a listener that is not here is not reachable, and a call that is not here is not possible, on a
cluster whose network plugin enforces policies.

Beside these, every pod may ask the cluster's resolver (port 53 of any pod, or of NodeLocal DNSCache), and the kubelet
of a pod's node probes it. A policy of your own adds to them, for example to let your monitoring read `/metrics` of a
router on port 9302.

- **peers** are the routers of other units. A router may call the address of each next hop, and the routers of all
  namespaces of its own cluster: there, a public address may become a pod's before policies are looked at. A peer that
  is given by name is reached at any address, on its two ports.
- **people** come through the cluster's ingress controller, where `ingress.fateboard_host` or `ingress.notebook_host`
  publishes the page, and not otherwise.
- Who may come to a public port from where is `exposure.source_ranges`; a policy cannot say it, since a load balancer
  may put its own address in the caller's place.
"""


def page() -> str:
    """Return the text of docs/wire.md."""
    sections = [("A party", wire.PARTY), ("The exchange", wire.EXCHANGE)]
    parts = [_HEAD]
    for title, unit in sections:
        parts += [f"## {title}\n", "### Listeners\n", _table(_LISTENERS, _listeners(unit))]
        parts += ["### Flows\n", _table(_FLOWS, _flows(unit))]
    return "\n".join(parts)


_FROM_OUTSIDE: Final = {
    wire.PEERS: "the unit's public address",
    wire.PLAIN_PEERS: "the same, on ports 9300 and 9310, if there is such a peer",
    wire.PEOPLE: "the ingress, if it is published",
}
_LISTENERS: Final = ("part", "listener", "port", "protocol", "who authenticates whom")
_FLOWS: Final = ("from", "to", "port", "what carries the route")


def _listeners(parts: Sequence[wire.Part]) -> Iterator[tuple[str, ...]]:
    for part in parts:
        for each in part.listeners:
            yield part.name, each.name, _port(each), each.protocol, each.authentication


def _flows(parts: Sequence[wire.Part]) -> Iterator[tuple[str, ...]]:
    known = {part.name: part for part in parts}
    for part in parts:
        for who, name in part.outside:
            yield who, f"{part.name} {name}", _port(part.listener(name)), _FROM_OUTSIDE[who]
        for call in part.calls:
            for name in call.listeners:
                called = known.get(call.to)
                port = "the peer's own" if called is None else _port(called.listener(name))
                yield part.name, f"{call.to} {name}", port, call.route


def _port(listener: wire.Listener) -> str:
    return str(listener.port) if listener.last_port is None else f"{listener.port}-{listener.last_port}"


def _table(head: Sequence[str], rows: Iterator[tuple[str, ...]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
