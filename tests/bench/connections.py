"""What connections cost a router: memory of those of the data path, and strangers that say nothing."""

import socket
import statistics
import time
from contextlib import ExitStack

from bench import table
from bench.federations import HERE, THERE, pair_of_parties
from bench.load import Target
from bench.processes import resident_kibibytes
from rig.routers import PATIENCE
from rig.site import Site

from kubefate_pulumi.fate import ports
from kubefate_pulumi.fate.model import EXCHANGE, Topology

CONNECTIONS = 500
HALF_OPEN = 1000
ROUNDS = 5
STRANGERS = {
    "connected, and silent": b"",
    "a TLS hello that does not end": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}


def run() -> None:
    """Measure and print."""
    with pair_of_parties(Topology.STAR) as here:
        _abuse(here)
    with pair_of_parties(Topology.STAR) as here:
        _memory(here)


def _memory(here: Site) -> None:
    roles = {
        HERE: "party that dials: mutual TLS with its broker, mutual TLS to the peer",
        EXCHANGE: "exchange: TLS passed through",
        THERE: "party that is dialled: mutual TLS in, mutual TLS to its broker",
    }
    with ExitStack() as stack:
        # What the first connections set up is not theirs.
        _open(here, stack, 20)
        before = {unit: resident_kibibytes(here.routers[unit]) for unit in roles}
        _open(here, stack, CONNECTIONS)
        time.sleep(1)
        after = {unit: resident_kibibytes(here.routers[unit]) for unit in roles}
    rows = [[role, f"{(after[unit] - before[unit]) / CONNECTIONS:.1f}"] for unit, role in roles.items()]
    title = f"Memory for each open data connection, KiB (RSS of nginx, {CONNECTIONS} idle connections)"
    table.show(title, ["", "KiB"], rows)


def _open(here: Site, stack: ExitStack, count: int) -> None:
    for _ in range(count):
        stream = stack.enter_context(here.replicate(HERE, THERE))
        assert stream.readline() == f"broker {THERE}\n".encode()


def _abuse(here: Site) -> None:
    inner = here.routers[HERE].inner
    target = Target(f"http://{inner}:{ports.ROUTER_INNER_CONTROL_HTTP}/v1/party/x", {"dest-party-id": THERE})
    listeners = [
        (here.public(unit), port)
        for unit in (EXCHANGE, THERE)
        for port in (ports.ROUTER_OUTER_CONTROL, ports.ROUTER_OUTER_DATA)
    ]
    found: dict[str, list[float]] = {"nobody": [], **{kind: [] for kind in STRANGERS}}
    for _ in range(ROUNDS):
        found["nobody"].append(target.ask(200, 1)[1])
        for kind, sent in STRANGERS.items():
            with ExitStack() as stack:
                for address in listeners:
                    for _ in range(HALF_OPEN):
                        stack.enter_context(socket.create_connection(address, timeout=PATIENCE)).sendall(sent)
                found[kind].append(target.ask(200, 1)[1])
    middle = {kind: statistics.median(times) for kind, times in found.items()}
    rows = [[kind, table.times(one / middle["nobody"]), f"{one:.2f}"] for kind, one in middle.items()]
    title = f"Median time of a request among {HALF_OPEN} strangers at each of {len(listeners)} outer listeners"
    table.show(title, ["", "ratio", "ms"], rows)
