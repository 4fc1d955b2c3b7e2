"""The way in for parties that KubeFATE's own charts deployed: control path without TLS, data path without certificate.

Where a connection comes from is all that such a party is known by, so everything here asks for that first.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from kubefate_pulumi.fate import ports
from kubefate_pulumi.fate._nginx import KEEPALIVE, block, geo_block, headers, map_block, refuse
from kubefate_pulumi.fate._router_layout import FATE_FLOW_GRPC_UPSTREAM, FATE_FLOW_HTTP_UPSTREAM
from kubefate_pulumi.fate.model import EXCHANGE
from kubefate_pulumi.fate.routes import RouteTable

PLAIN: Final = "plain"
"""What the data path calls a caller without a certificate; which of them it is cannot be known."""

_LOG: Final = """\
log_format control_plain 'control-plain time=$time_iso8601 reason=$control_plain_reason status=$status '
    'src="$http_src_party_id" dest="$http_dest_party_id" to="$upstream_addr" from=$remote_addr '
    'request="$request" bytes=$bytes_sent seconds=$request_time';"""


def control(table: RouteTable) -> list[str]:
    """Return the listeners of the control path without TLS; none, if nobody comes that way."""
    if not table.plain_control:
        return []
    sources = {caller.unit: f"$plain_from_{caller.unit}" for caller in table.plain_control}
    exchange = table.unit == EXCHANGE
    destination = "$control_plain_loop:$control_http" if exchange else "$control_here"
    return [
        *(geo_block(f"plain_from_{each.unit}", each.unit, each.sources) for each in table.plain_control),
        map_block("$http_src_party_id", "control_plain_source", sources),
        *([_loop()] if exchange else []),
        map_block(f"$control_plain_source:{destination}", "control_plain_reason", _reasons(exchange), "forwarded"),
        _LOG,
        _server("http", table),
        _server("grpc", table),
    ]


def _loop() -> str:
    return map_block("$control_plain_source:$http_dest_party_id", "control_plain_loop", {r"~^([0-9]+):\1$": "loop"})


def _reasons(exchange: bool) -> Mapping[str, str]:
    nobody = {"~^:": "unknown-caller"}
    if exchange:
        return nobody | {"~^[^:]+:loop:": "loop", "~^[^:]+::$": "no-route"}
    return nobody | {"~^[^:]+:$": "wrong-destination"}


def _server(protocol: str, table: RouteTable) -> str:
    directive, port, options, upstream = {
        "http": ("proxy", ports.ROUTER_PLAIN_HTTP, "", FATE_FLOW_HTTP_UPSTREAM),
        "grpc": ("grpc", ports.ROUTER_PLAIN_GRPC, " http2", FATE_FLOW_GRPC_UPSTREAM),
    }[protocol]
    if table.unit == EXCHANGE:
        checks = [block("if ($control_plain_loop)", ["return 403;"]), *refuse(f"$control_{protocol}", 404)]
        destination, target = "$http_dest_party_id", f"$control_{protocol}"
    else:
        checks = refuse("$control_here", 421)
        destination, target = table.unit, upstream
    parties = {"src-party-id": "$control_plain_source", "dest-party-id": destination}
    lines = [
        f"listen {port}{options} {KEEPALIVE};",
        "access_log /dev/stdout control_plain;",
        *refuse("$control_plain_source", 403),
        *checks,
        block("location /", [*headers(directive, parties), f"{directive}_pass {protocol}://{target};"]),
    ]
    return block("server", lines)


def data_sources(table: RouteTable) -> Iterable[str]:
    """Return where connections without a certificate may come from."""
    if table.plain_data:
        cidrs = dict.fromkeys(source for caller in table.plain_data for source in caller.sources)
        yield geo_block("data_plain", PLAIN, cidrs)


def data_caller(table: RouteTable) -> Mapping[str, str]:
    """Return the entry of the table of callers for this party's name and no certificate, if anybody comes that way."""
    return {f"{table.own_name}||": "$data_plain"} if table.plain_data else {}
