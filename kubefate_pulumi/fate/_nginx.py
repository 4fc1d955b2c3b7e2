"""Small pieces of nginx configuration text."""

from collections.abc import Iterable, Mapping
from typing import Final

KEEPALIVE: Final = "so_keepalive=60s:15s:4"
"""Options of a listener that others reach: a caller that is gone is found out."""
_INDENT: Final = "    "
_SMALLEST_BUCKET: Final = 256
_BUCKET_OVERHEAD: Final = 32


def quoted(text: str) -> str:
    """Return a text as one nginx word, whatever characters it has."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def block(head: str, lines: Iterable[str]) -> str:
    """Return a block with its lines (or inner blocks) indented."""
    body = "\n".join(lines).splitlines()
    return "\n".join([f"{head} {{", *(f"{_INDENT}{line}" if line else "" for line in body), "}"])


def map_block(key: str, variable: str, values: Mapping[str, str], default: str = "") -> str:
    """Return a `map`: what is not listed gives the default. Keys match whole, without case."""
    entries = [f"{quoted(source)} {quoted(value)};" for source, value in values.items()]
    return block(f"map {quoted(key)} ${variable}", [f"default {quoted(default)};", *entries])


def map_bucket_size(keys: Iterable[str]) -> int:
    """Return a `map_hash_bucket_size` that every key fits into; nginx refuses a longer one."""
    longest = max((len(key) for key in keys), default=0) + _BUCKET_OVERHEAD
    return max(_SMALLEST_BUCKET, 1 << (longest - 1).bit_length())


def refuse(variable: str, status: int) -> list[str]:
    """Return the check that a variable is not empty."""
    return [block(f'if ({variable} = "")', [f"return {status};"])]


def headers(protocol: str, values: Mapping[str, str]) -> list[str]:
    """Return the party headers as checked here: what the caller wrote is not passed on."""
    lines = [f"{protocol}_set_header {name} {value};" for name, value in values.items()]
    return [*lines, 'proxy_set_header Connection "";'] if protocol == "proxy" else lines


def geo_block(variable: str, value: str, sources: Iterable[str]) -> str:
    """Return a `geo`: the value for an address out of these CIDRs, nothing for others."""
    return block(f"geo ${variable}", ['default "";', *(f"{source} {quoted(value)};" for source in sources)])


def client_tls(protocol: str, certificate_dir: str, trusted: str, name: str) -> list[str]:
    """Return how a proxied connection proves itself and whom it trusts.

    Args:
        protocol: `proxy` or `grpc`.
        certificate_dir: Directory of this side's `tls.crt` and `tls.key`.
        trusted: File with the only CA that is trusted.
        name: Name that the other side's certificate must have; sent as SNI.
    """
    return [
        f"{protocol}_ssl_certificate {certificate_dir}/tls.crt;",
        f"{protocol}_ssl_certificate_key {certificate_dir}/tls.key;",
        f"{protocol}_ssl_trusted_certificate {trusted};",
        f"{protocol}_ssl_verify on;",
        # A CA's own leaves only: with an intermediate, a peer's CA could make a CA of another's name.
        f"{protocol}_ssl_verify_depth 0;",
        f"{protocol}_ssl_protocols TLSv1.2 TLSv1.3;",
        f"{protocol}_ssl_server_name on;",
        f"{protocol}_ssl_name {name};",
    ]


def server_tls(certificate_dir: str) -> list[str]:
    """Return the certificate and protocol settings of a TLS listener that asks for client certificates."""
    return [
        f"ssl_certificate {certificate_dir}/tls.crt;",
        f"ssl_certificate_key {certificate_dir}/tls.key;",
        "ssl_protocols TLSv1.2 TLSv1.3;",
        "ssl_session_cache off;",
        # A resumed session would skip the check of a certificate that is trusted no longer.
        "ssl_session_tickets off;",
        "ssl_verify_depth 0;",
    ]
