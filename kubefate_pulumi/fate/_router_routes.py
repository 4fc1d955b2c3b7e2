"""A route table as nginx text: the files that change with the peers.

One server for each next hop, behind a Unix socket, because whom nginx trusts cannot be a variable: each hop
is checked against its own CA alone.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from kubefate_pulumi.fate import _router_plain
from kubefate_pulumi.fate._nginx import block, client_tls, map_block, map_bucket_size, server_tls
from kubefate_pulumi.fate._router_layout import (
    CONTROL_CALLERS_CONF,
    CONTROL_CONF,
    DATA_CALLERS_CONF,
    DATA_CONF,
    FATE_FLOW_GRPC_UPSTREAM,
    FATE_FLOW_HTTP_UPSTREAM,
    INTERNAL_DIR,
    ROUTES_DIR,
    TLS_DIR,
    ca_file,
    control_socket,
    data_socket,
)
from kubefate_pulumi.fate.model import EXCHANGE
from kubefate_pulumi.fate.peers import certificates
from kubefate_pulumi.fate.routes import Caller, ControlRoute, DataRoute, Hop, RouteTable

_LOCAL: Final = {"http": FATE_FLOW_HTTP_UPSTREAM, "grpc": FATE_FLOW_GRPC_UPSTREAM}


def texts(table: RouteTable) -> dict[str, str]:
    """Return the text of each route file by name."""
    files = {
        CONTROL_CONF: _control(table),
        CONTROL_CALLERS_CONF: _trust("control", table.control_callers),
        DATA_CONF: _data(table),
    }
    if table.unit != EXCHANGE:
        files[DATA_CALLERS_CONF] = _trust("data", table.data_callers, optional=bool(table.plain_data))
    for kind, callers in (("control", table.control_callers), ("data", table.data_callers)):
        if callers:
            files[f"{kind}-callers.pem"] = _bundle(callers)
            files[f"{kind}-callers-hint.pem"] = certificates(callers[0].ca_certificate)[0]
    hops = [*table.control_hops, *(route.hop for route in table.data)]
    files |= {ca_file(hop.unit): hop.ca_certificate for hop in hops if hop.ca_certificate is not None}
    return files


def _control(table: RouteTable) -> str:
    by_name = {
        f"{issuer}|{caller.subject}": caller.unit for caller in table.control_callers for issuer in caller.issuers
    }
    sources = {f"{caller.unit}:{party}": party for caller in table.control_callers for party in caller.parties}
    return _text(
        f"Control path of {table.unit}: where requests go, and who may come in.",
        [
            f"map_hash_bucket_size {map_bucket_size(by_name)};",
            _control_map(table.control, "http"),
            _control_map(table.control, "grpc"),
            map_block("$ssl_client_i_dn|$ssl_client_s_dn", "control_caller", by_name),
            map_block("$control_caller:$http_src_party_id", "control_source", sources),
            *(_control_server(hop, protocol) for hop in table.control_hops for protocol in ("http", "grpc")),
            *_router_plain.control(table),
        ],
    )


def _control_map(routes: Iterable[ControlRoute], protocol: str) -> str:
    targets = {
        route.party: _LOCAL[protocol] if route.hop is None else control_socket(route.hop.unit, protocol)
        for route in routes
    }
    return map_block("$http_dest_party_id", f"control_{protocol}", targets)


def _control_server(hop: Hop, protocol: str) -> str:
    directive, listen = {"http": ("proxy", ""), "grpc": ("grpc", " http2")}[protocol]
    plain = hop.plain_grpc_address
    scheme = protocol if plain is not None else f"{protocol}s"
    address = plain if plain is not None and protocol == "grpc" else hop.address
    tls = client_tls(directive, TLS_DIR, f"{ROUTES_DIR}/{ca_file(hop.unit)}", hop.tls_name)
    lines = [
        f"listen {control_socket(hop.unit, protocol)}{listen};",
        # The inner listener has logged the request.
        "access_log off;",
        *([] if plain is not None else tls),
        # A variable, so that a name is looked up when it is needed and not only at the start.
        f'set $hop "{address}";',
        block(
            "location /",
            [f"{directive}_set_header Host {hop.tls_name};", f"{directive}_pass {scheme}://$hop;"],
        ),
    ]
    return block("server", lines)


def _data(table: RouteTable) -> str:
    through = table.unit == EXCHANGE
    targets = {route.sni: route.hop.address if through else data_socket(route.hop.unit) for route in table.data}
    by_name = {
        f"{table.own_name}|{issuer}|{caller.subject}": caller.unit
        for caller in table.data_callers
        for issuer in caller.issuers
    }
    by_name |= _router_plain.data_caller(table)
    size = map_bucket_size([*by_name, *targets])
    parts = [f"map_hash_bucket_size {size};", map_block("$ssl_preread_server_name", "data_hop", targets)]
    if not through:
        key = "$ssl_server_name|$ssl_client_i_dn|$ssl_client_s_dn"
        parts += _router_plain.data_sources(table)
        parts.append(map_block(key, "data_caller", by_name))
        parts += [_data_server(route) for route in table.data]
    return _text(f"Data path of {table.unit}: where connections go, and who may come in.", parts)


def _data_server(route: DataRoute) -> str:
    hop = route.hop
    lines = [
        f"listen {data_socket(hop.unit)} ssl;",
        *server_tls(INTERNAL_DIR),
        f"ssl_client_certificate {INTERNAL_DIR}/ca.crt;",
        "ssl_verify_client on;",
        "proxy_ssl on;",
        *client_tls("proxy", TLS_DIR, f"{ROUTES_DIR}/{ca_file(hop.unit)}", hop.tls_name),
        f'set $hop "{hop.address}";',
        "access_log /dev/stdout data_hop;",
        "proxy_pass $hop;",
    ]
    return block("server", lines)


def _trust(kind: str, callers: Sequence[Caller], *, optional: bool = False) -> str:
    """Return whose certificates a listener takes; with no caller, it takes none and refuses everything.

    `optional`: some callers show none; the tables say which those are.
    """
    if not callers:
        return _text(f"Nobody may come in by the {kind} path.", [])
    verify = "optional" if optional else "on"
    return _text(
        f"Who may come in by the {kind} path: these CAs; {kind}.conf tells their certificates apart by name.",
        [
            # All of these names would go to each caller in the handshake, which would grow with the parties.
            # One is as good: a router shows its certificate whatever the list says.
            f"ssl_client_certificate {ROUTES_DIR}/{kind}-callers-hint.pem;",
            f"ssl_trusted_certificate {ROUTES_DIR}/{kind}-callers.pem;",
            f"ssl_verify_client {verify};",
        ],
    )


def _bundle(callers: Iterable[Caller]) -> str:
    """Return every CA of the callers, each once even if units share it."""
    return "".join(dict.fromkeys(pem for caller in callers for pem in certificates(caller.ca_certificate)))


def _text(title: str, parts: Iterable[str]) -> str:
    return "\n\n".join([f"# {title}", *parts]) + "\n"
