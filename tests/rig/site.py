"""A whole federation of routers on loopback, with the calls that its members and its strangers make."""

import errno
import http.client
import json
import random
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from rig import http2
from rig.federation import World, ca_of, internal_ca_of, leaf_of, world
from rig.routers import PATIENCE, Router, router_root
from rig.services import broker, broker_leaf, fate_flow, grpc_backends, internal_leaf, load_pair

from kubefate_pulumi.fate import ports, router
from kubefate_pulumi.fate.model import EXCHANGE, Topology
from kubefate_pulumi.fate.profile import load_profile
from kubefate_pulumi.trust.x509 import KeyPair

_NETS = range(16, 246)
GRPC_PATH = f"/{load_profile('1.11.2').grpc_service}/unaryCall"


@dataclass
class Site:
    """Routers by unit, and how to call them."""

    world: World
    net: int
    routers: dict[str, Router] = field(default_factory=dict)

    def public(self, unit: str) -> str:
        return self.world.peer(unit).endpoint.host

    # From inside a party.

    def submit(
        self, unit: str, headers: Iterable[tuple[str, str]], path: str = "/v1/party/x", body: bytes = b""
    ) -> tuple[int, dict[str, Any]]:
        """Call as FATE Flow of a party does: plain HTTP to its own router."""
        connection = http.client.HTTPConnection(
            self.routers[unit].inner, ports.ROUTER_INNER_CONTROL_HTTP, timeout=PATIENCE
        )
        return _request(connection, headers, path, body)

    def call(self, unit: str, headers: dict[str, str]) -> tuple[int, str]:
        """Call as FATE Flow does by gRPC."""
        address = (self.routers[unit].inner, ports.ROUTER_INNER_CONTROL_GRPC)
        with socket.create_connection(address, timeout=PATIENCE) as connection:
            return http2.post(connection, GRPC_PATH, {"content-type": "application/grpc"} | headers)

    @contextmanager
    def replicate(self, unit: str, peer: str, pair: KeyPair | None = None) -> Iterator[Any]:
        """Connect as a party's broker does: TLS to its own router, naming the peer; yield the lines."""
        context = ssl.create_default_context(cadata=internal_ca_of(unit).certificate_pem)
        load_pair(context, pair or broker_leaf(unit))
        address = (self.routers[unit].inner, ports.ROUTER_INNER_DATA)
        name = self.world.federation.dns_name(peer)
        with _tls(address, context, name) as stream:
            yield stream

    # From outside.

    def knock(
        self,
        unit: str,
        pair: KeyPair | None,
        headers: Iterable[tuple[str, str]],
        chain: str = "",
        body: bytes = b"",
    ) -> tuple[int, dict[str, Any]]:
        """Call a unit's outer control listener with a certificate, or without."""
        context = self.context(unit, pair, chain)
        connection = http.client.HTTPSConnection(
            self.public(unit), ports.ROUTER_OUTER_CONTROL, timeout=PATIENCE, context=context
        )
        return _request(connection, headers, "/v1/party/x", body)

    def knock_grpc(self, unit: str, pair: KeyPair, headers: dict[str, str]) -> tuple[int, str]:
        address = (self.public(unit), ports.ROUTER_OUTER_CONTROL)
        with (
            socket.create_connection(address, timeout=PATIENCE) as plain,
            http2.tls(plain, self.context(unit, pair), self.world.federation.dns_name(unit)) as connection,
        ):
            return http2.post(connection, GRPC_PATH, {"content-type": "application/grpc"} | headers)

    @contextmanager
    def dial(
        self, unit: str, sni: str, pair: KeyPair | None, trust: str | None = None, chain: str = ""
    ) -> Iterator[Any]:
        """Connect to a unit's outer data listener."""
        context = self.context(trust or unit, pair, chain)
        with _tls((self.public(unit), ports.ROUTER_OUTER_DATA), context, sni) as stream:
            yield stream

    def context(self, unit: str, pair: KeyPair | None, chain: str = "") -> ssl.SSLContext:
        context = ssl.create_default_context(cadata=ca_of(unit).certificate_pem)
        # The outer listener is dialled by address here; which name it has is looked at elsewhere.
        context.check_hostname = False
        if pair is not None:
            load_pair(context, pair, chain)
        return context


@contextmanager
def free_net() -> Iterator[int]:
    """Yield a loopback network, 127.<net>/16, that no other site has, of this process or another.

    A bound socket holds it; the kernel gives it back even when a test process is killed.
    """
    for net in random.sample(_NETS, len(_NETS)):
        with socket.socket() as held:
            try:
                held.bind((f"127.{net}.250.1", ports.ROUTER_HEALTH))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
                continue
            yield net
            return
    raise RuntimeError("every loopback network is taken: end other test runs")


@contextmanager
def site(
    party_ids: Iterable[int],
    topology: Topology,
    *,
    started: bool = True,
    edit: Callable[[str], str] = str,
    **options: int,
) -> Iterator[Site]:
    """Run a federation: a router for each unit, FATE Flow and broker for each party.

    `edit` changes the texts of the base files: a test's shorter limits, or a control that breaks one thing.
    """
    ids = tuple(party_ids)
    units = [EXCHANGE, *map(str, ids)]
    with ExitStack() as stack:
        net = stack.enter_context(free_net())
        hosts = {unit: f"127.{net}.{at}.1" for at, unit in enumerate(units)}
        subject = world(ids, topology, hosts)
        here = Site(subject, net)
        root = stack.enter_context(router_root())
        for unit in subject.units:
            prefix = hosts[unit].removesuffix(".1")
            made = Router(root / unit, unit, f"{prefix}.1", f"{prefix}.2", f"{prefix}.3")
            base = {name: edit(text) for name, text in subject.base_texts(unit, **options).items()}
            made.write(base, subject.route_texts(unit), leaf_of(unit))
            if unit != EXCHANGE:
                ca = internal_ca_of(unit).certificate_pem
                made.put_certificate(router.INTERNAL_DIR, internal_leaf(unit), ca)
                if started:
                    stack.enter_context(fate_flow(unit, made.services))
                    stack.enter_context(broker(unit, made.services))
            here.routers[unit] = made
            stack.callback(made.kill)
        if started:
            flows = {unit: here.routers[unit].services for unit in subject.parties}
            stack.enter_context(grpc_backends(flows))
            for made in here.routers.values():
                made.start()
            for made in here.routers.values():
                made.wait_ready()
        yield here


def _request(
    connection: http.client.HTTPConnection, headers: Iterable[tuple[str, str]], path: str, body: bytes
) -> tuple[int, dict[str, Any]]:
    try:
        connection.putrequest("POST", path)
        for name, value in (*headers, ("Content-Length", str(len(body)))):
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if answer.status == http.client.OK else {}
    finally:
        connection.close()


@contextmanager
def _tls(address: tuple[str, int], context: ssl.SSLContext, name: str) -> Iterator[Any]:
    with (
        socket.create_connection(address, timeout=PATIENCE) as plain,
        context.wrap_socket(plain, server_hostname=name) as connection,
        connection.makefile("rwb", buffering=0) as stream,
    ):
        yield stream
