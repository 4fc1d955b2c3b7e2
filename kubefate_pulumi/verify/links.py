"""V3: each other party answers, by the control path and by the data path, as FATE uses them."""

import base64
import http.client
import json
import socket
import ssl
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from kubefate_pulumi.fate import ports, pulsar
from kubefate_pulumi.fate.names import ROUTER
from kubefate_pulumi.verify.context import Check, UnitContext
from kubefate_pulumi.verify.http_call import request
from kubefate_pulumi.verify.model import CheckError
from kubefate_pulumi.verify.programs import JSON_HEADERS, VERSION_REQUEST, fate_version, version_path

LARGE_BYTES = 5_000_000
"""FATE's models are megabytes; a middle box with a small limit passes every smaller test."""

CONNECT, CONNECTED = 2, 3
"""`BaseCommand.Type` of Pulsar's binary protocol (`PulsarApi.proto`)."""
_PROTOCOL_VERSION = 19
MAXIMUM_COMMAND = 10_000
"""Bytes; a greeting has about 30."""


def checks(context: UnitContext) -> Iterator[Check]:
    """Yield the checks of step V3; a party only, since FATE calls from nowhere else."""
    if not context.is_party:
        return
    for peer in context.others:
        yield Check("V3.control", "ask its FATE Flow for its version", partial(_control, context, peer), peer)
        yield Check("V3.body", f"send its FATE Flow {LARGE_BYTES // 1_000_000} MB", partial(_body, context, peer), peer)
        yield Check("V3.data", "greet its broker", partial(_data, context, peer), peer)


def _control(context: UnitContext, peer: str) -> str:
    return f"FATE {fate_version(_ask(context, peer, VERSION_REQUEST))}"


def _body(context: UnitContext, peer: str) -> str:
    body = json.dumps({**json.loads(VERSION_REQUEST), "padding": "x" * LARGE_BYTES}).encode()
    fate_version(_ask(context, peer, body))
    return f"{len(body) // 1_000_000} MB arrived"


def _ask(context: UnitContext, peer: str, body: bytes) -> tuple[int, bytes]:
    headers = {**JSON_HEADERS, "dest-party-id": peer, "src-party-id": context.unit}
    with context.cluster.connect(ROUTER, ports.ROUTER_INNER_CONTROL_HTTP, context.seconds) as connection:
        answer = request(connection, "POST", version_path(context), headers=headers, body=body)
    if answer[0] != http.client.OK:
        seen, remedy = _MEANING.get(answer[0], ("it is refused", "The routers on the way say why in their logs."))
        log = f"kubectl --namespace {context.cluster.namespace} logs deployment/nginx | grep control-out"
        raise CheckError(f"{answer[0]}: {seen}", f"{remedy} This end's log: {log}")
    return answer


_MEANING = {
    400: ("the next router refuses the certificate", "Publish the peer document again; everybody runs `pulumi up`."),
    403: (
        "the next router does not know this party, or not by this certificate",
        "Whoever operates it needs this party's current peer document, and runs `pulumi up`.",
    ),
    404: (
        "a router on the way has no route to it",
        "Is the party in federation.yaml, here and at the exchange, and has everybody run `pulumi up` since?",
    ),
    413: ("something on the way limits the size", "Look for a proxy or firewall between the two units."),
    421: ("a router took it for another party's", "The address in its peer document is another unit's."),
    502: (
        "the next router, or its FATE Flow, is not reached, or is not who it should be",
        "Compare the address and the CA certificate in its peer document with its owner's.",
    ),
    504: ("no answer in time", "A firewall drops packets, or the unit is down."),
}


def _data(context: UnitContext, peer: str) -> str:
    tls = _broker_context(context)
    name = context.federation.dns_name(peer)
    try:
        with (
            context.cluster.connect(ROUTER, ports.ROUTER_INNER_DATA, context.seconds) as plain,
            tls.wrap_socket(plain, server_hostname=name) as connection,
        ):
            connection.sendall(connect_frame())
            return f"{_greeting(connection)} answers"
    except OSError as error:
        raise _no_route(context, str(error) or type(error).__name__) from None


def _no_route(context: UnitContext, seen: str) -> CheckError:
    log = f"kubectl --namespace {context.cluster.namespace} logs deployment/nginx | grep data-"
    return CheckError(
        f"the connection is closed: {seen}",
        "A router on the way has no route to it, does not reach it, or refuses the certificate; FATE would wait for "
        f"ever. This end's log: {log}",
    )


def _broker_context(context: UnitContext) -> ssl.SSLContext:
    """Return the broker's own place on the wire: its certificate, and trust in the internal CA."""
    files = {name: base64.b64decode(text) for name, text in context.cluster.secret("pulsar-cert").items()}
    tls = ssl.create_default_context(cadata=files[pulsar.CA_KEY].decode())
    # Python reads a key from a file only; this one is the user's own, and gone at once.
    with tempfile.TemporaryDirectory(prefix="kubefate-") as directory:
        pem = Path(directory, "pair.pem")
        pem.touch(mode=0o600)
        pem.write_bytes(files[pulsar.CERT_KEY] + files[pulsar.PRIVATE_KEY_KEY])
        tls.load_cert_chain(pem)
    return tls


def connect_frame(client: bytes = b"kubefate-verify") -> bytes:
    """Return Pulsar's first message: two sizes, then a `BaseCommand` with a `CommandConnect`."""
    connect = bytes([0x0A, len(client)]) + client + bytes([0x20, _PROTOCOL_VERSION])
    command = bytes([0x08, CONNECT, 0x12, len(connect)]) + connect
    return (len(command) + 4).to_bytes(4) + len(command).to_bytes(4) + command


def _greeting(connection: socket.socket) -> str:
    """Read the broker's answer; return what it calls itself."""
    head = _exactly(connection, 8)
    size = int.from_bytes(head[4:])
    command = _exactly(connection, size) if size <= MAXIMUM_COMMAND else b""
    if command[:2] != bytes([0x08, CONNECTED]):
        raise CheckError("what answers is no Pulsar broker, or refuses", "Look into the log of the peer's broker.")
    # `connected` is field 3, and `server_version` its field 1.
    if command[2:3] == b"\x1a" and command[4:5] == b"\x0a":
        return command[6 : 6 + command[5]].decode(errors="replace")
    return "a broker"


def _exactly(connection: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        part = connection.recv(min(count - len(found), 4096))
        if not part:
            raise ConnectionError("no answer from a broker")
        found += part
    return found
