"""`kubefate check` on wrong files: the right problems at the right places, and never the value of a secret."""

import json
from dataclasses import dataclass

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

CA = new_ca("ca of 9999", 30)
OTHER_CA = new_ca("ca of 10000", 30)
TWIN_CA = new_ca("ca of 9999", 30)
LEAF = new_leaf(CA, "x", dns_names=["x"], days=3)
PRIVATE_KEY = CA.private_key_pem.replace("\n", CANARY + "\n", 1)


def peer(unit: str = "9999", pem: str = CA.certificate_pem, **changes: str) -> str:
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


@dataclass(frozen=True)
class Case:
    """Files that replace or add to the good ones (None: removed), and `file:line: field` and words of each problem."""

    files: dict[str, str | bytes | None]
    problems: list[tuple[str, int | None, str, str]]


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


UNITS = "config:\n  kubefate:units: all\n"
MYSQL_KEY = "kubefate:9999-mysql-password"

CASES: dict[str, Case] = {
    # What the federation's file says
    "unknown key": federation("name:", f"nam: {CANARY}\nname:", 1, "nam", "Did you mean name?"),
    "unknown key far from any": federation(
        "name:",
        "zzz: 1\nname:",
        1,
        "zzz",
        "Known here: name, domain, fate_version, topology, parties, peers.",
    ),
    "missing key": federation("name: fraud\n", "", 1, "name", "is missing. For example: name: fraud"),
    "bad federation name": federation("name: fraud", "name: Fraud_x", 1, "name", "must be a DNS label"),
    "federation name too long": federation("name: fraud", f"name: {'f' * 31}", 1, "name", "at most 30"),
    "bad DNS name": federation("domain: fraud", f"domain: -{CANARY}_", 2, "domain", "must be a DNS name"),
    "domain in upper case": federation("domain: fraud", "domain: Fraud", 2, "domain", "in lower case"),
    "domain too long": federation("domain: fraud", f"domain: {'a' * 42}", 2, "domain", "at most 53"),
    "domain that is an address": federation(
        "domain: fraud.example.org", "domain: 192.0.2.1", 2, "domain", "must be a DNS name"
    ),
    "unknown version": federation("1.11.2", "1.11.9", 3, "fate_version", "Known: 1.11.2."),
    "version as number": federation("1.11.2", "1.11", 3, "fate_version", "must be text. Put it in quotes."),
    "unknown topology": federation("star", "ring", 4, "topology", "must be one of 'star' or 'direct'"),
    "duplicate party id": federation("[9999, 10000]", "[9999, 9999]", 5, "parties[1]", "is listed twice"),
    "party id zero": federation("[9999, 10000]", "[9999, 10000, 0]", 5, "parties[2]", "must be 1 or more"),
    "party id too large": federation(
        "[9999, 10000]", "[9999, 10000, 2147483648]", 5, "parties[2]", "must be 2147483647 or less"
    ),
    "party id as text": federation(
        "[9999, 10000]", f'[9999, 10000, "{CANARY}"]', 5, "parties[2]", "must be a whole number"
    ),
    "party id in octal": federation("[9999, 10000]", "[9999, 10000, 010]", 5, "parties[2]", "Write plain digits"),
    "party id with underscore": federation("[9999, 10000]", "[9999, 10_000]", 5, "parties[1]", "Write plain digits"),
    "sexagesimal number": federation("[9999, 10000]", "[9999, 12:30]", 5, "parties[1]", "plain digits"),
    "parties is one number": federation("[9999, 10000]", "9999", 5, "parties", "must be a list"),
    "no parties": Case(
        {"federation.yaml": FEDERATION.replace("[9999, 10000]", "[]")},
        [("federation.yaml", 5, "parties", "is an empty list")],
    ),
    "key without value": federation("name: fraud", "name:", 1, "name", "It has no value"),
    "key given twice": federation("domain:", "name: b\ndomain:", 2, "name", "given twice, first in line 1"),
    "truth value of YAML 1.1": federation("name: fraud", "name: yes", 1, "name", '"yes" in quotes'),
    # One unit's file
    "party file not in the federation": Case(
        {"parties/7.yaml": SITE}, [("parties/7.yaml", 1, "", "party 7 is not in the federation")]
    ),
    "party file name is no id": Case(
        {"parties/bank.yaml": SITE}, [("parties/bank.yaml", None, "", "must be named after a party id")]
    ),
    "party file name with zeros": Case(
        {"parties/09999.yaml": SITE}, [("parties/09999.yaml", None, "", "named after a party id")]
    ),
    "party file with wrong ending": Case({"parties/7.yml": SITE}, [("parties/7.yml", None, "", "must end in .yaml")]),
    "unit without file": Case(
        {"parties/9999.yaml": None},
        [("parties/9999.yaml", None, "", "does not exist, but stack federation deploys 9999")],
    ),
    "exchange without file": Case(
        {"exchange.yaml": None}, [("exchange.yaml", None, "", "stack federation deploys exchange")]
    ),
    "exchange file misnamed": Case(
        {"exchange.yaml": None, "exchange.yml": SITE, "Pulumi.federation.yaml": None},
        [("exchange.yml", None, "", "Rename it to exchange.yaml")],
    ),
    "exchange in a direct topology": Case(
        {"federation.yaml": FEDERATION.replace("star", "direct")},
        [("exchange.yaml", 1, "", "has no place in a direct topology")],
    ),
    "no site": Case({"parties/9999.yaml": "namespace: a\n"}, [("parties/9999.yaml", 1, "site", "is missing")]),
    "unknown kind of site": Case(
        {"parties/9999.yaml": "site:\n  kubernetes: {}\n  tanzu: {}\n"},
        [("parties/9999.yaml", 3, "site.tanzu", "is not a known key")],
    ),
    "kubeconfig inline": Case(
        {"parties/9999.yaml": f"site:\n  kubernetes:\n    kubeconfig: |\n      apiVersion: v1\n      a: {CANARY}\n"},
        [("parties/9999.yaml", 3, "site.kubernetes.kubeconfig", "must be a path, not the content")],
    ),
    "bad namespace": party("namespace: Fate_9999\n", 4, "namespace", "must be a DNS label"),
    "same namespace twice": Case(
        {"parties/9999.yaml": SITE + "namespace: a\n", "parties/10000.yaml": SITE + "namespace: a\n"},
        [("parties/10000.yaml", 4, "namespace", "is the namespace of party 9999")],
    ),
    "wrong type: text for number": party(
        f"spark:\n  workers: {CANARY}\n",
        5,
        "spark.workers",
        "must be a whole number. Write it without quotes",
    ),
    "wrong type: fraction": party("spark:\n  workers: 1.5\n", 5, "spark.workers", "must be a whole number"),
    "wrong type: list for mapping": party(f"spark: [{CANARY}]\n", 4, "spark", "must be a mapping"),
    "wrong type: text for mapping": party(f"spark: {CANARY}\n", 4, "spark", "must be a mapping"),
    "wrong type: number for text": party("namespace: 12\n", 4, "namespace", "Put it in quotes."),
    "wrong type: truth value for number": party("spark: {workers: true}\n", 4, "spark.workers", "whole number"),
    "too few": party("spark: {workers: 0}\n", 4, "spark.workers", "must be 1 or more"),
    "unknown nested key": party(
        "storage:\n  volumes:\n    mysq: {}\n", 6, "storage.volumes.mysq", "Did you mean mysql?"
    ),
    "bad quantity": party(f"spark: {{memory: 8 {CANARY}}}\n", 4, "spark.memory", "number of bytes with a unit"),
    "zero quantity": party("storage: {volumes: {mysql: {size: 0Gi}}}\n", 4, "storage.volumes.mysql.size", "zero"),
    "memory for cpu": party("resources: {mysql: {cpu: 1Gi}}\n", 4, "resources.mysql.cpu", "CPU cores"),
    "more copies than nodes": party(
        "hdfs: {datanodes: 2, replication: 3}\n",
        4,
        "hdfs.replication",
        "more copies than there are DataNodes (2)",
    ),
    "more copies than nodes by default": party("hdfs: {replication: 4}\n", 4, "hdfs.replication", "(3)"),
    "registry with scheme": party("registry: https://r.example.org\n", 4, "registry", "without https://"),
    "image without tag": party("images: {nginx: nginx}\n", 4, "images.nginx", "with a tag or a digest"),
    "image of no part": party("images: {ngin: nginx:1}\n", 4, "images.ngin", "Did you mean nginx?"),
    "pull secret twice": party("image_pull_secrets: [a, a]\n", 4, "image_pull_secrets[1]", "listed twice"),
    "same ingress host": party(
        "ingress: {fateboard_host: a.b, notebook_host: a.b}\n", 4, "ingress.notebook_host", "same host"
    ),
    "bad annotation value": party("ingress: {annotations: {a: 1}}\n", 4, "ingress.annotations.a", "in quotes"),
    # Exposure
    "address that is not one": exchange(
        "exposure: {address: 192.0.2.256}\n", 4, "exposure.address", "is not an IP address"
    ),
    "address with port": exchange(
        'exposure: {address: "192.0.2.1:80"}\n', 4, "exposure.address", "without port and brackets"
    ),
    "address with brackets": exchange(
        'exposure: {address: "[::1]"}\n', 4, "exposure.address", "without port and brackets"
    ),
    "address of nobody": exchange("exposure: {address: 0.0.0.0}\n", 4, "exposure.address", "no address that others"),
    "address that is no name": exchange(
        f"exposure: {{address: 'a {CANARY}'}}\n",
        4,
        "exposure.address",
        "must be an IPv4 or IPv6 address or a DNS",
    ),
    "node port without address": exchange(
        "exposure: {type: NodePort, control_port: 30443, data_port: 30651}\n",
        4,
        "exposure",
        "needs an address",
    ),
    "node port without ports": exchange(
        "exposure: {type: NodePort, address: 192.0.2.1}\n", 4, "exposure", "needs control_port"
    ),
    "node port out of range": exchange(
        "exposure:\n  type: NodePort\n  address: 192.0.2.1\n  control_port: 9443\n  data_port: 30651\n",
        7,
        "exposure.control_port",
        "from 30000 to 32767",
    ),
    "port clash": exchange(
        "exposure:\n  control_port: 9000\n  data_port: 9000\n",
        6,
        "exposure.data_port",
        "same port as control_port",
    ),
    "port clash with a default": exchange(
        "exposure: {control_port: 6651}\n", 4, "exposure.control_port", "same port as data_port"
    ),
    "port too large": exchange("exposure: {data_port: 65536}\n", 4, "exposure.data_port", "65535 or less"),
    "type of Service": exchange("exposure: {type: loadbalancer}\n", 4, "exposure.type", "'LoadBalancer', 'NodePort'"),
    "balancer without balancer": exchange(
        "exposure: {type: ClusterIP, address: a.b, load_balancer_class: x}\n",
        4,
        "exposure.load_balancer_class",
        "has no effect",
    ),
    "bad CIDR": exchange("exposure: {source_ranges: [192.0.2.1/24]}\n", 4, "exposure.source_ranges[0]", "CIDR"),
    "two units at one address": Case(
        {
            "exchange.yaml": SITE + "exposure: {address: 192.0.2.1}\n",
            "parties/9999.yaml": SITE + "exposure: {address: 192.0.2.1, control_port: 1, data_port: 6651}\n",
        },
        [("parties/9999.yaml", 4, "exposure.data_port", "is the address of the exchange, too")],
    ),
    # Peers
    "peer of a stranger": peers(peer("7"), 1, "unit", "party 7 is not in the federation", "peers/7.yaml"),
    "peer under another name": peers(peer("10000"), 1, "unit", "differs from the name of the file"),
    "peer of another federation": peers(
        peer(federation=f"federation: {CANARY}"),
        2,
        "federation",
        "differs from name in federation.yaml (fraud)",
    ),
    "peer of another domain": peers(
        peer(domain=f"domain: {CANARY}.org"), 3, "domain", "differs from domain in federation.yaml"
    ),
    "peer without endpoint": peers(peer(endpoint=""), 1, "endpoint", "is missing"),
    "peer with one port": peers(
        peer(endpoint="endpoint: {host: a.b, control_port: 1, data_port: 1}"),
        5,
        "endpoint.data_port",
        "same port",
    ),
    "peer with private key": peers(
        peer(ca_certificate="ca_certificate: |\n" + "".join(f"  {line}\n" for line in PRIVATE_KEY.splitlines())),
        6,
        "ca_certificate",
        "is a private key in clear",
    ),
    "peer with a leaf for CA": peers(peer(pem=LEAF.certificate_pem), 6, "ca_certificate", "not a CA certificate"),
    "peer with no certificate": peers(
        peer(ca_certificate=f"ca_certificate: {CANARY}"), 6, "ca_certificate", "is not a PEM certificate"
    ),
    "peer with bad subject": peers(
        peer(subject=f'subject: "{CANARY}"'), peer().count("\n") + 1, "subject", "is not a subject"
    ),
    "peer twice": Case(
        {
            "federation.yaml": FEDERATION + f"peers:\n- {json.dumps(_json_peer('9999'))}\n",
            "peers/9999.yaml": peer(),
        },
        [("peers/9999.yaml", 1, "unit", "has a second peer document, besides federation.yaml")],
    )
    if (
        _json_peer := lambda unit: {
            "unit": unit,
            "federation": "fraud",
            "domain": "fraud.example.org",
            "fate_version": "1.11.2",
            "endpoint": {"host": f"{unit}.example.net", "control_port": 9443, "data_port": 6651},
            "ca_certificate": CA.certificate_pem,
        }
    )
    else Case({}, []),
    "two CAs with one subject": Case(
        {"peers/9999.yaml": peer(), "peers/10000.yaml": peer("10000", TWIN_CA.certificate_pem)},
        [
            (
                "peers/10000.yaml",
                6,
                "ca_certificate",
                "has the same subject as the CA certificate of party 9999",
            )
        ],
    ),
    "two peers at one address": Case(
        {
            "peers/9999.yaml": peer(endpoint="endpoint: {host: a.b, control_port: 1, data_port: 2}"),
            "peers/10000.yaml": peer(
                "10000",
                OTHER_CA.certificate_pem,
                endpoint="endpoint: {host: a.b, control_port: 2, data_port: 3}",
            ),
        },
        [("peers/10000.yaml", 5, "endpoint.control_port", "is the address of party 9999, too")],
    ),
}
