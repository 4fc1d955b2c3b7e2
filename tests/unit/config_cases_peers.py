"""Wrong exposures and peer documents, and files that do not fit each other."""

import json

from unit.config_files import (
    CANARY,
    FEDERATION,
    LEAF,
    OTHER_CA,
    PRIVATE_KEY,
    SITE,
    TWIN_CA,
    Case,
    exchange,
    json_peer,
    peer,
    peers,
)

PLAIN_LINE = peer().count("\n") + 1

CASES: dict[str, Case] = {
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
    "plain peer from nowhere": peers(
        peer(subject="plain: {grpc_port: 9310}"), PLAIN_LINE, "plain.accept_from", "is missing"
    ),
    "plain peer from an empty list": peers(
        peer(subject="plain: {accept_from: []}"), PLAIN_LINE, "plain.accept_from", "is an empty list"
    ),
    "plain peer from no CIDR": peers(
        peer(subject="plain: {accept_from: [192.0.2.1/24]}"), PLAIN_LINE, "plain.accept_from[0]", "CIDR"
    ),
    "plain exchange": peers(
        peer("exchange", subject="plain: {accept_from: [192.0.2.0/24]}"),
        PLAIN_LINE,
        "plain",
        "cannot be given for the exchange",
        "peers/exchange.yaml",
    ),
    "peer twice": Case(
        {
            "federation.yaml": FEDERATION + f"peers:\n- {json.dumps(json_peer('9999'))}\n",
            "peers/9999.yaml": peer(),
        },
        [("peers/9999.yaml", 1, "unit", "has a second peer document, besides")],
    ),
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
