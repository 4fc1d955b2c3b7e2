"""What stands behind the routers in tests: FATE Flow and a broker that echo, and a name server."""

import json
import socket
import socketserver
import ssl
import struct
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from rig.federation import DOMAIN, internal_ca_of
from rig.routers import PATIENCE, nginx_command

from kubefate_pulumi.fate import ports
from kubefate_pulumi.trust.x509 import KeyPair, new_leaf

taken: Counter[str] = Counter()
"""Connections that came as far as a party's `flow <unit>` (its HTTP port) or `broker <unit>`."""


class _Echo(BaseHTTPRequestHandler):
    """Answers with what it got; `/slow` takes its time."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self._body()
        if self.path == "/slow":
            time.sleep(1.5)
        answer = {
            "unit": self.server.unit,  # type: ignore[attr-defined]
            "path": self.path,
            "bytes": len(body),
            "src": self.headers.get_all("src-party-id"),
            "dest": self.headers.get_all("dest-party-id"),
            "src_underscore": self.headers.get_all("src_party_id"),
            "role": self.headers.get("src-role"),
        }
        text = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""


class _Flow(ThreadingHTTPServer):
    daemon_threads = True
    unit: str

    def get_request(self) -> tuple[socket.socket, Any]:
        taken[f"flow {self.unit}"] += 1
        return super().get_request()


@contextmanager
def fate_flow(unit: str, host: str, port: int = ports.FATE_FLOW_HTTP) -> Iterator[None]:
    """Serve FATE Flow's HTTP port."""
    server = _Flow((host, port), _Echo)
    server.unit = unit
    with running(server):
        yield


@contextmanager
def grpc_backends(hosts: dict[str, str], port: int = ports.FATE_FLOW_GRPC) -> Iterator[None]:
    """Serve FATE Flow's gRPC port of several units: HTTP/2 without TLS, which says who was asked by whom."""
    with tempfile.TemporaryDirectory(prefix="kfg-") as root:
        servers = "".join(
            f"server {{ listen {host}:{port} http2;"
            f' location / {{ return 200 "{unit}:$http_src_party_id>$http_dest_party_id"; }} }}\n'
            for unit, host in hosts.items()
        )
        temp = "".join(
            f"{name}_temp_path {root}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        conf = Path(root, "nginx.conf")
        conf.write_text(
            f"daemon off; pid {root}/pid; error_log stderr;\nevents {{}}\nhttp {{ access_log off;\n{temp}{servers} }}\n"
        )
        command = [*nginx_command(), "-e", "stderr", "-c", str(conf)]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            for host in hosts.values():
                wait_port(host, port)
            yield
        finally:
            process.terminate()
            process.wait(timeout=PATIENCE)


@lru_cache(maxsize=64)
def broker_leaf(unit: str) -> KeyPair:
    names = ["pulsar", f"{unit}.{DOMAIN}"]
    return new_leaf(internal_ca_of(unit), "pulsar", dns_names=names, days=5)


@lru_cache(maxsize=64)
def internal_leaf(unit: str) -> KeyPair:
    names = ["nginx", f"*.{DOMAIN}"]
    return new_leaf(internal_ca_of(unit), "nginx", dns_names=names, days=5)


class _Broker(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    unit: str
    context: ssl.SSLContext

    def get_request(self) -> tuple[socket.socket, Any]:
        taken[f"broker {self.unit}"] += 1
        return super().get_request()


class _BrokerHandler(socketserver.BaseRequestHandler):
    """Says whose broker it is, then repeats every line."""

    def handle(self) -> None:
        server = self.server
        assert isinstance(server, _Broker)
        try:
            with server.context.wrap_socket(self.request, server_side=True) as connection:
                stream = connection.makefile("rwb", buffering=0)
                stream.write(f"broker {server.unit}\n".encode())
                while line := stream.readline():
                    stream.write(line)
        except OSError:
            return


@contextmanager
def broker(unit: str, host: str) -> Iterator[None]:
    """Serve a party's broker: mutual TLS, the internal CA only."""
    with tls_broker(unit, host, broker_leaf(unit), trusted=internal_ca_of(unit)):
        yield


@contextmanager
def kubefate_broker(unit: str, host: str, pair: KeyPair) -> Iterator[None]:
    """Serve a broker as KubeFATE's charts set it up for a star: TLS with its own certificate, and none asked for."""
    with tls_broker(unit, host, pair):
        yield


@contextmanager
def tls_broker(
    unit: str,
    host: str,
    pair: KeyPair,
    *,
    trusted: KeyPair | None = None,
    handler: type[socketserver.BaseRequestHandler] = _BrokerHandler,
) -> Iterator[None]:
    """Serve a broker's TLS port; `trusted` signs the certificates that it asks for."""
    server = _Broker((host, ports.PULSAR_TLS), handler)
    server.unit = unit
    server.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if trusted is not None:
        server.context.verify_mode = ssl.CERT_REQUIRED
        server.context.load_verify_locations(cadata=trusted.certificate_pem)
    load_pair(server.context, pair)
    with running(server):
        yield


@contextmanager
def name_server(host: str, port: int, names: dict[str, str]) -> Iterator[None]:
    """Answer questions for the IPv4 address of these names; no other name exists."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            query, sock = self.request
            sock.sendto(_answer(query, names), self.client_address)

    with running(socketserver.UDPServer((host, port), Handler)):
        yield


def _answer(query: bytes, names: dict[str, str]) -> bytes:
    at, labels = 12, []
    while size := query[at]:
        labels.append(query[at + 1 : at + 1 + size].decode())
        at += size + 1
    question = query[12 : at + 5]
    address = names.get(".".join(labels).lower())
    known = address is not None and query[at + 1 : at + 3] == b"\x00\x01"
    code = 0x8180 if address is not None else 0x8183
    head = query[:2] + struct.pack("!HHHHH", code, 1, int(known), 0, 0)
    if not known or address is None:
        return head + question
    return head + question + b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 1, 4) + socket.inet_aton(address)


def load_pair(context: ssl.SSLContext, pair: KeyPair, chain: str = "") -> None:
    """Give a context a certificate; the ssl module reads files only."""
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(pair.certificate_pem + chain + pair.private_key_pem)
        file.flush()
        context.load_cert_chain(file.name)


def wait_port(host: str, port: int) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection((host, port), timeout=1).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)
        else:
            return


@contextmanager
def running(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.05), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
