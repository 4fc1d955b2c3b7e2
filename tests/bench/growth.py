"""What more parties cost: the time to check and reload a router's files, and the time of a request."""

import re
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping
from functools import partial

from bench import table
from bench.federations import HERE, SLOWEST, THERE, pair_of_parties, running, wide_router, wide_world
from bench.load import Sample, Target, in_turn
from bench.processes import hang_up
from rig.federation import leaf_of
from rig.routers import Router, router_root
from rig.site import Site

from kubefate_pulumi.fate import ports, router
from kubefate_pulumi.fate.model import EXCHANGE, Topology

PARTIES = (2, 100, 1000)
MOST = 1.2
"""How much longer a request may take among the most parties than among the fewest."""
ROUNDS = 7
RELOADS = 3
_PATH = "/v1/party/x"
_HOP_FILES = ("control.conf", "data.conf")


def run() -> bool:
    """Measure and print; tell whether the time of a request stayed."""
    kept = [_requests(Topology.STAR, EXCHANGE), _requests(Topology.DIRECT, HERE)]
    return all(kept)


def _requests(topology: Topology, unit: str) -> bool:
    title = f"{unit if unit == EXCHANGE else 'a party'}, {topology.value} topology"
    with pair_of_parties(topology) as here, router_root() as root:
        routers = {
            count: wide_router(here, root, unit, parties=count, topology=topology, at=at)
            for at, count in enumerate(PARTIES, start=50)
        }
        with running(list(routers.values())):
            _reloads(title, routers)
            good = _latency(title, unit, routers)
        if unit == EXCHANGE:
            _shares(title, here, unit, topology, routers[PARTIES[-1]])
    return good


def _reloads(title: str, routers: Mapping[int, Router]) -> None:
    checks: dict[int, list[float]] = {count: [] for count in routers}
    reloads: dict[int, list[float]] = {count: [] for count in routers}
    for _ in range(RELOADS):
        for count, made in routers.items():
            checks[count].append(_check(made))
            reloads[count].append(_reload(made))
    rows = []
    for name, found in (("nginx -t", checks), ("reload: signal to new workers", reloads)):
        middle = [statistics.median(found[count]) for count in PARTIES]
        rows.append([name, table.times(middle[-1] / middle[0]), *(f"{1000 * one:.0f}" for one in middle)])
    table.show(f"{title}: files of 1000 parties over 2, and milliseconds", _head(), rows)


def _head() -> list[str]:
    return ["", f"{PARTIES[-1]}:{PARTIES[0]}", *(str(count) for count in PARTIES)]


def _check(made: Router) -> float:
    """Return the seconds of `nginx -t`."""
    conf = made.directory(router.BASE_DIR) / "nginx.conf"
    command = [str(made.root / "bin" / "nginx"), "-t", "-q", "-e", "stderr", "-c", str(conf)]
    begun = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SLOWEST)
    assert done.returncode == 0, done.stderr
    return time.perf_counter() - begun


def _reload(made: Router) -> float:
    """Tell nginx to reload; return the seconds until it has started other workers."""
    before = made.workers()
    begun = time.perf_counter()
    hang_up(made)
    while not made.workers() - before:
        if time.perf_counter() - begun > SLOWEST:
            raise AssertionError(f"no reload\n{made.log_text[-2000:]}")
        time.sleep(0.002)
    return time.perf_counter() - begun


def _latency(title: str, unit: str, routers: Mapping[int, Router]) -> bool:
    """Ask each router in turn, on a connection that is kept and, as routers do, on a new one for each request."""
    caller, dest = (HERE, THERE) if unit == EXCHANGE else (THERE, unit)
    headers = {"dest-party-id": dest, "src-party-id": caller}
    into = {
        count: Target(f"https://{made.public}:{ports.ROUTER_OUTER_CONTROL}{_PATH}", headers, leaf_of(caller))
        for count, made in routers.items()
    }
    kinds = {
        "a request, connection kept": (into, True),
        "a request, new connection (TLS handshake)": (into, False),
    }
    if unit != EXCHANGE:
        out = {
            count: Target(f"http://{made.inner}:{ports.ROUTER_INNER_CONTROL_HTTP}{_PATH}", {"dest-party-id": THERE})
            for count, made in routers.items()
        }
        kinds["a request out, to a peer"] = (out, True)
    rows, good = [], True
    for name, (targets, keep) in kinds.items():
        found = _again_if_over(partial(_medians, targets, keep))
        ratio = found[PARTIES[-1]].p50 / found[PARTIES[0]].p50
        good = good and ratio <= MOST
        verdict = "kept" if ratio <= MOST else "MISSED"
        rows.append([name, table.times(ratio), *(f"{found[n].p50:.2f}" for n in PARTIES), f"<= {MOST}x", verdict])
    table.show(f"{title}: median time of a request, milliseconds", [*_head(), "budget", ""], rows)
    return good


def _medians(targets: Mapping[int, Target], keep: bool, rounds: int) -> dict[int, Sample]:
    def one(target: Target) -> Sample:
        return Sample(*target.ask(100, 1, kept=keep))

    found = in_turn({str(count): partial(one, target) for count, target in targets.items()}, rounds)
    return {int(name): value for name, value in found.items()}


def _again_if_over(measure: Callable[[int], dict[int, Sample]]) -> dict[int, Sample]:
    """Measure; what looks like growth is looked at longer, since it may have been another's moment."""
    found = measure(ROUNDS)
    if found[PARTIES[-1]].p50 / found[PARTIES[0]].p50 > MOST:
        found = measure(2 * ROUNDS)
    return found


def _shares(title: str, here: Site, unit: str, topology: Topology, made: Router) -> None:
    """Print what the check of the largest table spends its time on, by leaving parts out."""
    texts = wide_world(here, PARTIES[-1], topology, {unit: made.public}).route_texts(unit)
    variants = {
        "without the CA of each next hop": _without(texts, r"^ *\w+_ssl_(trusted_certificate|verify) .*\n"),
        "without the own certificate at each next hop": _without(texts, r"^ *\w+_ssl_certificate(_key)? .*\n"),
        "without TLS to the next hops": _without(texts, r"^ *\w+_ssl_\w+ .*\n"),
        "without servers for next hops": {
            name: text.split("\nserver {")[0] if name in _HOP_FILES else text for name, text in texts.items()
        },
    }
    seconds: dict[str, list[float]] = {name: [] for name in ("as it is", *variants)}
    for _ in range(RELOADS):
        for name, changed in {"as it is": texts, **variants}.items():
            made.put(router.ROUTES_DIR, changed)
            seconds[name].append(_check(made))
    middle = {name: statistics.median(found) for name, found in seconds.items()}
    rows = [[name, table.times(one / middle["as it is"]), f"{1000 * one:.0f}"] for name, one in middle.items()]
    table.show(f"{title}: where `nginx -t` of {PARTIES[-1]} parties spends its time", ["", "time", "ms"], rows)


def _without(texts: Mapping[str, str], pattern: str) -> dict[str, str]:
    return {
        name: re.sub(pattern, "", text, flags=re.MULTILINE) if name in _HOP_FILES else text
        for name, text in texts.items()
    }
