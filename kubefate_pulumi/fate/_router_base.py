"""`nginx.conf` of a router: the listeners and what they demand. It names no peer."""

from typing import Final

from kubefate_pulumi.fate import ports
from kubefate_pulumi.fate._nginx import KEEPALIVE, block, client_tls, headers, map_block, refuse, server_tls
from kubefate_pulumi.fate._router_layout import (
    BROKER_HOST,
    BROKER_UPSTREAM,
    CONTROL_CALLERS_CONF,
    CONTROL_CONF,
    DATA_CALLERS_CONF,
    DATA_CONF,
    FATE_FLOW_GRPC_UPSTREAM,
    FATE_FLOW_HOST,
    FATE_FLOW_HTTP_UPSTREAM,
    HEALTH_DIR,
    INTERNAL_DIR,
    PID_FILE,
    RESOLVER_CONF,
    ROUTES_DIR,
    TLS_DIR,
    TMP_DIR,
)
from kubefate_pulumi.fate.model import EXCHANGE, FederationFacts
from kubefate_pulumi.fate.profile import load_profile

_CONNECT: Final = "10s"
_ARRIVAL: Final = "10s"
"""How long a caller may take to say who it is and what it wants: TLS handshake, SNI name, request header."""
_IDLE: Final = "1h"
"""Jobs run for hours; Pulsar's own keep-alive (30 s) finds a dead peer long before."""
_WORKERS: Final = 2
_CONNECTIONS: Final = 4096
_RESTART_NOTE: Final = "A change of this file restarts the pods."


def nginx_conf(federation: FederationFacts, unit: str, worker_shutdown_timeout: int) -> str:
    """Return `nginx.conf` of a unit's router."""
    grpc_location = f"location /{load_profile(federation.fate_version).grpc_service}/"
    own_name = federation.dns_name(unit)
    if unit == EXCHANGE:
        http = _exchange_http(grpc_location)
        stream = _exchange_stream()
    else:
        http = _party_http(unit, grpc_location)
        stream = _party_stream(own_name)
    parts = [
        f"# Router of {unit} in federation {federation.name}. {_RESTART_NOTE}",
        _main(worker_shutdown_timeout),
        block("http", "\n\n".join([_HTTP, *http, _health()]).splitlines()),
        block("stream", "\n\n".join([_STREAM, *stream]).splitlines()),
    ]
    return "\n\n".join(parts) + "\n"


def _main(worker_shutdown_timeout: int) -> str:
    return f"""\
daemon off;
worker_processes {_WORKERS};
# What was connected before a reload may live on this long, then it is cut.
worker_shutdown_timeout {worker_shutdown_timeout}s;
pid {PID_FILE};
error_log stderr notice;

events {{
    worker_connections {_CONNECTIONS};
}}"""


_HTTP: Final = f"""\
server_tokens off;
default_type text/plain;
underscores_in_headers off;
client_max_body_size 0;
# From the connection on, so for the TLS handshake too.
client_header_timeout {_ARRIVAL};
client_body_timeout {_IDLE};
send_timeout {_IDLE};
client_body_temp_path {TMP_DIR}/client-body;
proxy_temp_path {TMP_DIR}/proxy;
fastcgi_temp_path {TMP_DIR}/fastcgi;
uwsgi_temp_path {TMP_DIR}/uwsgi;
scgi_temp_path {TMP_DIR}/scgi;

# Bodies are passed on as they come; the next router refuses or takes them.
proxy_http_version 1.1;
proxy_request_buffering off;
proxy_max_temp_file_size 0;
proxy_connect_timeout {_CONNECT};
proxy_read_timeout {_IDLE};
proxy_send_timeout {_IDLE};
grpc_connect_timeout {_CONNECT};
grpc_read_timeout {_IDLE};
grpc_send_timeout {_IDLE};

log_format control_in 'control-in time=$time_iso8601 reason=$control_in_reason status=$status '
    'src="$http_src_party_id" dest="$http_dest_party_id" peer="$control_caller" '
    'issuer="$ssl_client_i_dn" subject="$ssl_client_s_dn" verify="$ssl_client_verify" '
    'to="$upstream_addr" from=$remote_addr request="$request" bytes=$bytes_sent seconds=$request_time';

include {RESOLVER_CONF};
include {ROUTES_DIR}/{CONTROL_CONF};"""

_PARTY_HTTP_LOGS: Final = """\
log_format control_out 'control-out time=$time_iso8601 reason=$control_out_reason status=$status '
    'src="$http_src_party_id" dest="$http_dest_party_id" to="$upstream_addr" from=$remote_addr '
    'request="$request" bytes=$bytes_sent seconds=$request_time';"""

_STREAM: Final = f"""\
preread_timeout {_ARRIVAL};
ssl_handshake_timeout {_ARRIVAL};
proxy_connect_timeout {_CONNECT};
proxy_timeout {_IDLE};
proxy_socket_keepalive on;

log_format data_out 'data-out time=$time_iso8601 reason=$data_out_reason status=$status '
    'sni="$ssl_preread_server_name" to="$data_hop" upstream="$upstream_addr" from=$remote_addr '
    'received=$bytes_received sent=$bytes_sent seconds=$session_time';"""

_STREAM_ROUTES: Final = f"""\
include {RESOLVER_CONF};
include {ROUTES_DIR}/{DATA_CONF};"""

_PARTY_STREAM_LOGS: Final = """\
log_format data_hop 'data-hop time=$time_iso8601 status=$status sni="$ssl_server_name" upstream="$upstream_addr" '
    'broker="$ssl_client_s_dn" verify="$ssl_client_verify" '
    'received=$bytes_received sent=$bytes_sent seconds=$session_time';
log_format data_in 'data-in time=$time_iso8601 reason=$data_in_reason status=$status sni="$ssl_server_name" '
    'peer="$data_caller" issuer="$ssl_client_i_dn" subject="$ssl_client_s_dn" verify="$ssl_client_verify" '
    'upstream="$upstream_addr" from=$remote_addr '
    'received=$bytes_received sent=$bytes_sent seconds=$session_time';"""


def _party_http(unit: str, grpc_location: str) -> list[str]:
    """Return a party's upstreams, reasons, inner listeners and outer listener."""
    own_id = {"src-party-id": unit, "dest-party-id": "$http_dest_party_id"}
    into = {"src-party-id": "$control_source", "dest-party-id": unit}
    upstreams = [
        block(f"upstream {name}", [f"server {FATE_FLOW_HOST}:{port};"])
        for name, port in (
            (FATE_FLOW_HTTP_UPSTREAM, ports.FATE_FLOW_HTTP),
            (FATE_FLOW_GRPC_UPSTREAM, ports.FATE_FLOW_GRPC),
        )
    ]
    reasons = [
        map_block("$control_http", "control_out_reason", {"": "no-route"}, default="forwarded"),
        map_block("$http_dest_party_id", "control_here", {unit: "here"}),
        _reasons("$control_here", "wrong-destination"),
    ]
    inner = [
        block(
            "server",
            [
                f"listen {ports.ROUTER_INNER_CONTROL_HTTP} {KEEPALIVE};",
                "access_log /dev/stdout control_out;",
                *refuse("$control_http", 404),
                block("location /", [*headers("proxy", own_id), "proxy_pass http://$control_http;"]),
            ],
        ),
        block(
            "server",
            [
                f"listen {ports.ROUTER_INNER_CONTROL_GRPC} http2 {KEEPALIVE};",
                "access_log /dev/stdout control_out;",
                *refuse("$control_grpc", 404),
                block("location /", [*headers("grpc", own_id), "grpc_pass grpc://$control_grpc;"]),
            ],
        ),
    ]
    outer = _outer_control(
        [*refuse("$control_here", 421)],
        [*headers("proxy", into), f"proxy_pass http://{FATE_FLOW_HTTP_UPSTREAM};"],
        [*headers("grpc", into), f"grpc_pass grpc://{FATE_FLOW_GRPC_UPSTREAM};"],
        grpc_location,
    )
    return [_PARTY_HTTP_LOGS, *upstreams, *reasons, *inner, outer]


def _exchange_http(grpc_location: str) -> list[str]:
    """Return the exchange's reasons and outer listener."""
    onward = {"src-party-id": "$control_source", "dest-party-id": "$http_dest_party_id"}
    loop = map_block("$control_source:$http_dest_party_id", "control_loop", {r"~^([0-9]+):\1$": "loop"})
    outer = _outer_control(
        [block("if ($control_loop)", ["return 403;"]), *refuse("$control_http", 404)],
        [*headers("proxy", onward), "proxy_pass http://$control_http;"],
        [*headers("grpc", onward), "grpc_pass grpc://$control_grpc;"],
        grpc_location,
    )
    return [loop, _reasons("$control_loop:$control_http", "no-route", loop=True), outer]


def _reasons(destination: str, refused: str, *, loop: bool = False) -> str:
    """Return why a request from outside is refused; the order is that of the checks of the listener."""
    known = "~^SUCCESS:[^:]+:[^:]+:"
    values = {
        "~^NONE:": "no-certificate",
        "~^FAILED:": "bad-certificate",
        "~^SUCCESS::": "unknown-caller",
        "~^SUCCESS:[^:]+::": "wrong-source",
        **({f"{known}loop:": "loop"} if loop else {}),
        f"{known}{':' if loop else ''}:": refused,
        # Else nobody was wrong, but nothing was passed on: a header that is too long, or cut off.
        f"{known}.*[^:]$": "forwarded",
    }
    key = f"$ssl_client_verify:$control_caller:$control_source:{destination}:$upstream_addr"
    return map_block(key, "control_in_reason", values, default="bad-request")


def _outer_control(checks: list[str], http: list[str], grpc: list[str], grpc_location: str) -> str:
    return block(
        "server",
        [
            f"listen {ports.ROUTER_OUTER_CONTROL} ssl http2 {KEEPALIVE};",
            "access_log /dev/stdout control_in;",
            # An HTTP/2 header that does not end is ended after this, too. Routers do not keep connections.
            f"keepalive_timeout {_ARRIVAL};",
            # At `info` nginx says why a certificate is refused.
            "error_log stderr info;",
            *server_tls(TLS_DIR),
            f"include {ROUTES_DIR}/{CONTROL_CALLERS_CONF};",
            # Empty too when nobody knows the certificate.
            *refuse("$control_source", 403),
            *checks,
            block("location /", http),
            block(grpc_location, grpc),
        ],
    )


def _health() -> str:
    return block(
        "server",
        [
            f"listen {ports.ROUTER_HEALTH};",
            "access_log off;",
            block("location = /test", ['return 200 "ok\\n";']),
            block("location = /status", [f"root {HEALTH_DIR};"]),
            block("location = /metrics", [f"root {HEALTH_DIR};"]),
            block("location /", ["return 404;"]),
        ],
    )


def _data_out_reason() -> str:
    return map_block("$data_hop", "data_out_reason", {"": "no-route"}, default="forwarded")


def _preread_server(port: int) -> str:
    return block(
        "server",
        [
            f"listen {port} {KEEPALIVE};",
            "access_log /dev/stdout data_out;",
            "ssl_preread on;",
            "proxy_pass $data_hop;",
        ],
    )


def _exchange_stream() -> list[str]:
    return [_STREAM_ROUTES, _data_out_reason(), _preread_server(ports.ROUTER_OUTER_DATA)]


def _party_stream(own_name: str) -> list[str]:
    """Return a party's way out for its broker, and the way in to it."""
    reasons = {
        # From a peer that plain KubeFATE deployed, if there is one.
        "~^NONE:here:plain$": "forwarded",
        "~^NONE:": "no-certificate",
        "~^FAILED:": "bad-certificate",
        "~^SUCCESS::": "wrong-name",
        "~^SUCCESS:here:$": "unknown-caller",
        "~^SUCCESS:here:": "forwarded",
    }
    outer = [
        f"listen {ports.ROUTER_OUTER_DATA} ssl {KEEPALIVE};",
        "access_log /dev/stdout data_in;",
        "error_log stderr info;",
        *server_tls(TLS_DIR),
        f"include {ROUTES_DIR}/{DATA_CALLERS_CONF};",
        "proxy_ssl on;",
        *client_tls("proxy", INTERNAL_DIR, f"{INTERNAL_DIR}/ca.crt", own_name),
        "proxy_pass $data_in;",
    ]
    return [
        # Before the routes, whose servers write such lines.
        _PARTY_STREAM_LOGS,
        _STREAM_ROUTES,
        block(f"upstream {BROKER_UPSTREAM}", [f"server {BROKER_HOST}:{ports.PULSAR_TLS};"]),
        _data_out_reason(),
        map_block("$data_caller", "data_in", {"": ""}, default=BROKER_UPSTREAM),
        map_block("$ssl_server_name", "data_here", {own_name: "here"}),
        map_block("$ssl_client_verify:$data_here:$data_caller", "data_in_reason", reasons, default="refused"),
        _preread_server(ports.ROUTER_INNER_DATA),
        block("server", outer),
    ]
