"""Clusters for the ladder's tests: real routers in real nginx; FATE Flow and brokers are stand-ins that greet."""

import base64
import json
import socket
import socketserver
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from rig.federation import internal_ca_of
from rig.services import broker_leaf, running, tls_broker
from rig.site import Site

from kubefate_pulumi.fate import ports, pulsar
from kubefate_pulumi.verify.cluster import UnitCluster, Workload
from kubefate_pulumi.verify.links import CONNECTED


class StandInFlow(BaseHTTPRequestHandler):
    """Answers as FATE Flow does when it is asked for its version."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        text = json.dumps({"retcode": 0, "data": {asked["module"]: "1.11.2"}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""


class StandInBroker(socketserver.BaseRequestHandler):
    """Answers Pulsar's first message as a broker does."""

    def handle(self) -> None:
        try:
            with self.server.context.wrap_socket(self.request, server_side=True) as connection:  # type: ignore[attr-defined]
                head = connection.recv(4)
                connection.recv(int.from_bytes(head))
                connected = b"\x0a\x08stand-in\x10\x13"
                command = bytes([0x08, CONNECTED, 0x1A, len(connected)]) + connected
                connection.sendall((len(command) + 4).to_bytes(4) + len(command).to_bytes(4) + command)
        except OSError:
            return


@contextmanager
def flow_stand_in(unit: str, host: str) -> Iterator[None]:
    """Take the place of `rig.services.fate_flow`."""
    del unit
    with running(ThreadingHTTPServer((host, ports.FATE_FLOW_HTTP), StandInFlow)):
        yield


@contextmanager
def broker_stand_in(unit: str, host: str) -> Iterator[None]:
    """Take the place of `rig.services.broker`."""
    with tls_broker(unit, host, broker_leaf(unit), trusted=internal_ca_of(unit), handler=StandInBroker):
        yield


class RigCluster(UnitCluster):
    """A unit whose router is one of a rig; what is no socket is given."""

    def __init__(self, here: Site, unit: str, answers: Mapping[str, Any] | None = None) -> None:
        super().__init__(f"fate-{unit}", None, None)
        self._here = here
        self._unit = unit
        self._answers = answers or {}

    @contextmanager
    def connect(self, part: str, port: int, seconds: float) -> Iterator[socket.socket]:
        """Connect to the router's inner side, or to FATE Flow."""
        made = self._here.routers[self._unit]
        host = {"nginx": made.inner, "python": made.services}[part]
        with socket.create_connection((host, port), timeout=seconds) as connection:
            yield connection

    def secret(self, name: str) -> Mapping[str, str]:
        """Return the broker's certificate."""
        assert name == "pulsar-cert"
        pair = broker_leaf(self._unit)
        files = {
            pulsar.CERT_KEY: pair.certificate_pem,
            pulsar.PRIVATE_KEY_KEY: pair.private_key_pem,
            pulsar.CA_KEY: internal_ca_of(self._unit).certificate_pem,
        }
        return {key: base64.b64encode(text.encode()).decode() for key, text in files.items()}


class ScriptedCluster(UnitCluster):
    """A unit whose programs answer what a test says: HTTP bodies by part and path, and the output of commands."""

    def __init__(
        self,
        pages: Mapping[tuple[str, str], tuple[int, bytes]],
        commands: Callable[[Sequence[str]], tuple[int, str]] = lambda _: (0, ""),
        workloads: Sequence[Workload] = (),
    ) -> None:
        super().__init__("fate-9999", None, None)
        self._pages = pages
        self._commands = commands
        self._workloads = workloads

    def workloads(self) -> list[Workload]:
        """Return what a test says."""
        return list(self._workloads)

    @contextmanager
    def connect(self, part: str, port: int, seconds: float) -> Iterator[socket.socket]:
        """Serve one connection."""
        del port
        pages = self._pages

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, text = pages[part, self.path]
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        address = ("127.0.0.1", server.server_port)
        with running(server), socket.create_connection(address, timeout=seconds) as connection:
            yield connection

    def run(self, part: str, container: str, command: Sequence[str], seconds: float) -> tuple[int, str]:
        """Return what a test says."""
        del part, container, seconds
        return self._commands(command)
