"""What one hop costs: through our nginx, through KubeFATE's Lua nginx, and without."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

from bench import table
from bench.federations import HERE, THERE, pair_of_parties
from bench.load import Sample, Target, in_turn, sample
from bench.servers import kubefate_nginx
from rig.federation import leaf_of
from rig.site import GRPC_PATH, Site

from kubefate_pulumi.fate import ports
from kubefate_pulumi.fate.model import EXCHANGE, Topology

ROUNDS = 5
REQUESTS = 1000
_HTTP_PATH = "/v1/party/202611240000000000000/arbiter/10000/create"
_KUBEFATE_HTTP, _KUBEFATE_GRPC = 9300, 9310
_NO_HOP = "no hop: FATE Flow itself, plain"


def run() -> None:
    """Measure and print."""
    with pair_of_parties(Topology.STAR) as here, _kubefate(here) as (lua, lua_star):
        service = here.routers[THERE].services
        mine, theirs = here.routers[HERE].inner, here.routers[THERE].inner
        headers = {"dest-party-id": THERE, "src-party-id": HERE, "service": "fateflow"}
        into = f"https://{here.public(THERE)}:{ports.ROUTER_OUTER_CONTROL}"
        http = {
            _NO_HOP: Target(f"http://{service}:{ports.FATE_FLOW_HTTP}"),
            "KubeFATE: Lua nginx, plain in, plain out": Target(f"http://{lua}:{_KUBEFATE_HTTP}"),
            "ours: a party's own, plain in, plain out": Target(f"http://{theirs}:{ports.ROUTER_INNER_CONTROL_HTTP}"),
            "ours: from a peer, mutual TLS in, plain out": Target(into, pair=leaf_of(EXCHANGE)),
            "KubeFATE: party, exchange, party; plain": Target(f"http://{lua_star}:{_KUBEFATE_HTTP}"),
            "ours: party, exchange, party; mutual TLS between": Target(
                f"http://{mine}:{ports.ROUTER_INNER_CONTROL_HTTP}"
            ),
        }
        grpc = {
            _NO_HOP: f"http://{service}:{ports.FATE_FLOW_GRPC}",
            "KubeFATE: Lua nginx, plain in, plain out": f"http://{lua}:{_KUBEFATE_GRPC}",
            "ours: a party's own, plain in, plain out": f"http://{theirs}:{ports.ROUTER_INNER_CONTROL_GRPC}",
            "KubeFATE: party, exchange, party; plain": f"http://{lua_star}:{_KUBEFATE_GRPC}",
            "ours: party, exchange, party; mutual TLS between": f"http://{mine}:{ports.ROUTER_INNER_CONTROL_GRPC}",
        }
        _measure("HTTP/1.1", {n: Target(t.url + _HTTP_PATH, headers, t.pair) for n, t in http.items()})
        _measure("gRPC's HTTP/2", {n: Target(url + GRPC_PATH, headers, http2=True) for n, url in grpc.items()})


@contextmanager
def _kubefate(here: Site) -> Iterator[tuple[str, str]]:
    """Run KubeFATE's nginx of two parties and an exchange; yield the address of the far one and of the near one."""
    near, middle, far = (f"127.{here.net}.{at}.1" for at in (101, 102, 103))
    flow = (here.routers[THERE].services, ports.FATE_FLOW_HTTP, ports.FATE_FLOW_GRPC)
    with ExitStack() as stack:
        stack.enter_context(kubefate_nginx(far, {THERE: flow}))
        stack.enter_context(kubefate_nginx(middle, {THERE: (far, _KUBEFATE_HTTP, _KUBEFATE_GRPC)}))
        stack.enter_context(kubefate_nginx(near, {THERE: (middle, _KUBEFATE_HTTP, _KUBEFATE_GRPC)}))
        yield far, near


def _measure(protocol: str, targets: dict[str, Target]) -> None:
    found = in_turn({name: partial(sample, target, REQUESTS) for name, target in targets.items()}, ROUNDS)
    bare, lua, rows = found[_NO_HOP], found[_NO_HOP], []
    for name, one in found.items():
        # Ours is compared with the row of KubeFATE's before it: one hop with one, three with three.
        lua = one if name.startswith("KubeFATE") else lua
        rows.append(_row(name, one, bare, lua if name.startswith("ours") else None))
    table.show(
        f"{protocol}: requests per second with 8 callers, and milliseconds added to the request of one",
        ["", "rate over no hop", "over Lua", "p50", "p99", "absolute: req/s", "p50 ms"],
        rows,
    )


def _row(name: str, one: Sample, bare: Sample, lua: Sample | None) -> list[str]:
    added = (f"{one.p50 - bare.p50:+.2f}", f"{one.p99 - bare.p99:+.2f}") if one is not bare else ("", "")
    over = "" if lua is None else table.times(one.rate / lua.rate)
    return [name, table.times(one.rate / bare.rate), over, *added, f"{one.rate:.0f}", f"{one.p50:.2f}"]
