"""Good files of a federation, and a way to make one thing wrong in them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kubefate_pulumi.trust.x509 import new_ca, new_leaf

CANARY = "hunter2canary"
"""Stands for a secret, or for any value that a message must not repeat."""

FEDERATION = """\
name: fraud
domain: fraud.example.org
fate_version: 1.11.2
topology: star
parties: [9999, 10000]
"""
SITE = """\
site:
  kubernetes:
    context: here
"""
BASE = {
    "federation.yaml": FEDERATION,
    "exchange.yaml": SITE,
    "parties/9999.yaml": SITE,
    "parties/10000.yaml": SITE,
    "Pulumi.federation.yaml": "config:\n  kubefate:units: all\n",
}

UNITS = BASE["Pulumi.federation.yaml"]
MYSQL_KEY = "kubefate:9999-mysql-password"

CA = new_ca("ca of 9999", 30)
OTHER_CA = new_ca("ca of 10000", 30)
TWIN_CA = new_ca("ca of 9999", 30)
LEAF = new_leaf(CA, "x", dns_names=["x"], days=3)
PRIVATE_KEY = CA.private_key_pem.replace("\n", CANARY + "\n", 1)


def peer(unit: str = "9999", /, pem: str = CA.certificate_pem, **changes: str) -> str:
    """A peer document as YAML; `changes` replace whole lines by their key."""
    lines = {
        "unit": f"unit: {unit}",
        "federation": "federation: fraud",
        "domain": "domain: fraud.example.org",
        "fate_version": "fate_version: 1.11.2",
        "endpoint": f"endpoint: {{host: {unit}.example.net, control_port: 9443, data_port: 6651}}",
        "ca_certificate": "ca_certificate: |\n" + "".join(f"  {line}\n" for line in pem.splitlines()),
    }
    return "\n".join((lines | changes).values()) + "\n"


def json_peer(unit: str) -> dict[str, object]:
    """A peer document as `pulumi stack output peer` prints it."""
    return {
        "unit": unit,
        "federation": "fraud",
        "domain": "fraud.example.org",
        "fate_version": "1.11.2",
        "endpoint": {"host": f"{unit}.example.net", "control_port": 9443, "data_port": 6651},
        "ca_certificate": CA.certificate_pem,
    }


@dataclass(frozen=True)
class Case:
    """Files that replace or add to the good ones (None: removed), and `file:line: field` and words of each problem."""

    files: dict[str, str | bytes | None]
    problems: list[tuple[str, int | None, str, str]]


def write_files(directory: Path, files: Mapping[str, str | bytes | None]) -> Path:
    """Write the good files with some replaced, added or (None) left out."""
    for name, content in ({**BASE, **files}).items():
        if content is not None:
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return directory


def federation(old: str, new: str, line: int, field: str, words: str) -> Case:
    assert old in FEDERATION
    return Case({"federation.yaml": FEDERATION.replace(old, new)}, [("federation.yaml", line, field, words)])


def party(text: str, line: int, field: str, words: str) -> Case:
    return Case({"parties/9999.yaml": SITE + text}, [("parties/9999.yaml", line, field, words)])


def exchange(text: str, line: int, field: str, words: str) -> Case:
    return Case({"exchange.yaml": SITE + text}, [("exchange.yaml", line, field, words)])


def stack(text: str, line: int | None, field: str, words: str) -> Case:
    return Case({"Pulumi.federation.yaml": text}, [("Pulumi.federation.yaml", line, field, words)])


def peers(text: str, line: int | None, field: str, words: str, file: str = "peers/9999.yaml") -> Case:
    return Case({file: text}, [(file, line, field, words)])


def raw(data: str | bytes, line: int | None, words: str, field: str = "") -> Case:
    return Case({"parties/9999.yaml": data}, [("parties/9999.yaml", line, field, words)])
