"""Routers for the bench: generated files in real nginx, with parties that answer at once behind them."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.servers import fate_flow
from rig.federation import World, internal_ca_of, leaf_of, world
from rig.routers import Router
from rig.services import broker, internal_leaf
from rig.site import Site, site

from kubefate_pulumi.fate import _router_start, router
from kubefate_pulumi.fate.model import EXCHANGE, Topology

HERE, THERE = "9999", "10000"
"""The two parties that run; in a larger federation the others are entries of the tables."""
SLOWEST = 240.0
"""Seconds in which nginx has read the files of the largest federation, however busy the machine is."""


@contextmanager
def pair_of_parties(topology: Topology) -> Iterator[Site]:
    """Run the routers of two parties (and of an exchange), each party with a FATE Flow and a broker."""
    with ExitStack() as stack:
        here = stack.enter_context(site([int(HERE), int(THERE)], topology, started=False))
        for unit in (HERE, THERE):
            stack.enter_context(fate_flow(here.routers[unit].services))
            stack.enter_context(broker(unit, here.routers[unit].services))
        stack.enter_context(running(list(here.routers.values())))
        yield here


@contextmanager
def running(routers: Sequence[Router]) -> Iterator[None]:
    """Start routers, wait until they serve, and end them."""
    with ExitStack() as stack:
        for made in routers:
            stack.callback(made.kill)
            # As often as in a pod: hashing a thousand files five times a second would be what is measured.
            made.start(RELOAD_SECONDS=str(_router_start.RELOAD_SECONDS))
        end = time.monotonic() + SLOWEST
        for made in routers:
            while made.health(router.HEALTH_PATH) != "ok\n":
                if time.monotonic() > end:
                    raise AssertionError(f"{made.unit}: not ready\n{made.log_text[-2000:]}")
                time.sleep(0.05)
        yield


def wide_world(here: Site, parties: int, topology: Topology, own: dict[str, str]) -> World:
    """Return a federation of so many parties, of which those of `here` run; `own` are other addresses of units."""
    others = {str(20000 + at): f"10.88.{at // 250}.{at % 250 + 1}" for at in range(parties - 2)}
    hosts = others | {unit: here.public(unit) for unit in here.world.units} | own
    ids = [int(unit) for unit in hosts if unit != EXCHANGE]
    return world(ids, topology, hosts)


def wide_router(here: Site, root: Path, unit: str, *, parties: int, topology: Topology, at: int) -> Router:
    """Write the router of a unit in a federation of so many parties, on addresses of its own."""
    prefix = f"127.{here.net}.{at}"
    subject = wide_world(here, parties, topology, {unit: f"{prefix}.1"})
    made = Router(root / f"{at}", unit, f"{prefix}.1", f"{prefix}.2", here.routers[THERE].services)
    made.write(subject.base_texts(unit), subject.route_texts(unit), leaf_of(unit))
    if unit != EXCHANGE:
        made.put_certificate(router.INTERNAL_DIR, internal_leaf(unit), internal_ca_of(unit).certificate_pem)
    return made
