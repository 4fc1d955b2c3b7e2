"""As much HTTP/2 as one request takes: enough to be a gRPC client's transport (RFC 9113, RFC 7541)."""

import socket
import ssl
import struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, GOAWAY, CONTINUATION = 0, 1, 3, 4, 7, 9
END_STREAM, END_HEADERS, ACK = 1, 4, 1
FRAME = 16384
"""Bytes that a frame may hold (RFC 9113, 4.2)."""
_STATUS = {0x88: 200, 0x89: 204, 0x8A: 206, 0x8B: 304, 0x8C: 400, 0x8D: 404, 0x8E: 500}
"""Indexed `:status` fields of the static table."""


def post(connection: socket.socket, path: str, headers: dict[str, str], body: bytes = b"") -> tuple[int, str]:
    """Send one POST on a fresh connection; return status and body."""
    fields = {":method": "POST", ":scheme": "http", ":path": path, ":authority": "fate"} | headers
    connection.sendall(PREFACE + frame(SETTINGS, 0, 0, b"") + header_frames(fields) + frame(DATA, END_STREAM, 1, body))
    status, answer = 0, b""
    while True:
        kind, flags, stream, payload = _read(connection)
        if kind == SETTINGS and not flags & ACK:
            connection.sendall(frame(SETTINGS, ACK, 0, b""))
        elif kind == HEADERS and stream == 1 and not status:
            status = _status(payload)
        elif kind == DATA:
            answer += payload
        elif kind in (RST_STREAM, GOAWAY):
            raise ConnectionError(f"frame {kind}: {payload!r}")
        if stream == 1 and flags & END_STREAM and kind in (HEADERS, DATA):
            return status, answer.decode()


def tls(connection: socket.socket, context: ssl.SSLContext, name: str) -> ssl.SSLSocket:
    context.set_alpn_protocols(["h2"])
    return context.wrap_socket(connection, server_hostname=name)


def _literal(name: str, value: str) -> bytes:
    """Return a field as literal without indexing, without Huffman code."""
    return b"\x00" + _text(name) + _text(value)


def _text(text: str) -> bytes:
    raw = text.encode()
    return _length(len(raw)) + raw


def _length(count: int) -> bytes:
    """Return an integer with a prefix of seven bits (RFC 7541, 5.1)."""
    if count < 127:
        return bytes([count])
    count, coded = count - 127, [127]
    while count >= 128:
        coded.append(count % 128 + 128)
        count //= 128
    return bytes([*coded, count])


def header_frames(fields: dict[str, str]) -> bytes:
    """Return a request's header on stream 1, in as many frames as it takes."""
    block = b"".join(_literal(name, value) for name, value in fields.items())
    parts = [block[at : at + FRAME] for at in range(0, len(block), FRAME)]
    kinds = [HEADERS] + [CONTINUATION] * (len(parts) - 1)
    flags = [0] * (len(parts) - 1) + [END_HEADERS]
    return b"".join(frame(kind, flag, 1, part) for kind, flag, part in zip(kinds, flags, parts, strict=True))


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return struct.pack("!I", len(payload))[1:] + struct.pack("!BBI", kind, flags, stream) + payload


def _read(connection: socket.socket) -> tuple[int, int, int, bytes]:
    head = _exactly(connection, 9)
    kind, flags, stream = struct.unpack("!BBI", head[3:])
    return kind, flags, stream, _exactly(connection, int.from_bytes(head[:3]))


def _exactly(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            raise ConnectionError("closed")
        data += more
    return data


def _status(block: bytes) -> int:
    """Read `:status`, which comes first: nginx writes it indexed, or as three plain digits."""
    while block[0] & 0xE0 == 0x20:  # a change of the table's size
        block = block[1:]
    return _STATUS[block[0]] if block[0] & 0x80 else int(block[2:5])
