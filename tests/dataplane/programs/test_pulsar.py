"""The real broker with the configuration file, certificates and command that our pods have."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from dataplane.programs import images
from dataplane.programs.sandbox import PATIENCE, Container, Network, network
from rig.federation import internal_ca_of, leaf_of, world
from rig.services import internal_leaf

from kubefate_pulumi.components.parts.pulsar import MEMORY_OPTIONS, SERVICE_PORTS
from kubefate_pulumi.fate import ports, pulsar
from kubefate_pulumi.fate.model import Topology
from kubefate_pulumi.fate.profile import load_profile
from kubefate_pulumi.trust.x509 import KeyPair, new_ca, new_leaf

PARTY = 9999
FEDERATION = world([PARTY, 10000], Topology.STAR).federation
NAME = FEDERATION.dns_name(str(PARTY))
CONF = pulsar.standalone_conf(FEDERATION, PARTY)
HEALTH = f"http://127.0.0.1:{ports.PULSAR_ADMIN}/admin/v2/brokers/health"

# Sends CONNECT of Pulsar's protocol over TLS and prints whether CONNECTED came back.
CONNECT = """
import socket, ssl, sys
port, ca, pair, name = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
if pair:
    context.load_cert_chain(pair)
body = bytes([8, 2, 18, 8, 10, 4]) + b"test" + bytes([32, 15])
frame = (len(body) + 4).to_bytes(4, "big") + len(body).to_bytes(4, "big") + body
try:
    with context.wrap_socket(socket.create_connection(("127.0.0.1", int(port)), 10), server_hostname=name) as link:
        link.sendall(frame)
        answer = link.recv(100)
        print("connected" if answer[8:10] == bytes([8, 3]) else f"closed {answer!r}")
except OSError as error:
    print("refused", error)
"""

# Sends or takes messages as FATE does, or with a client certificate; prints what it took.
CLIENT = """
import sys, pulsar
action, url, count, topic = sys.argv[1:]
options = {}
if url.startswith("pulsar+ssl"):
    options = {
        "authentication": pulsar.AuthenticationTLS("/client.crt", "/client.key"),
        "tls_trust_certs_file_path": "/ca.pem",
        "tls_validate_hostname": True,
    }
logger = pulsar.ConsoleLogger(pulsar.LoggerLevel.Error)
client = pulsar.Client(url, operation_timeout_seconds=8, logger=logger, **options)
if action == "send":
    client.subscribe(topic, "fate").close()
    producer = client.create_producer(topic)
    for number in range(int(count)):
        producer.send(str(number).encode())
else:
    consumer = client.subscribe(topic, "fate")
    taken = []
    for number in range(int(count)):
        message = consumer.receive(10000)
        consumer.acknowledge(message)
        taken.append(int(message.data()))
    print("took", taken)
client.close()
"""


def start(net: Network, conf: str = CONF, files: Mapping[str, str] | None = None) -> Container:
    """Start the broker as its pod does; `files` replace files of the Secret."""
    names = [NAME, pulsar.SERVICE, "localhost"]
    leaf = new_leaf(internal_ca_of(str(PARTY)), "pulsar", dns_names=names, days=5, key_type="rsa")
    secret = {
        pulsar.CERT_KEY: leaf.certificate_pem,
        pulsar.PRIVATE_KEY_KEY: leaf.private_key_pem,
        pulsar.CA_KEY: internal_ca_of(str(PARTY)).certificate_pem,
        **(files or {}),
    }
    paths = load_profile(FEDERATION.fate_version).paths
    return net.start(
        "pulsar",
        images.pulsar(),
        command=pulsar.START_COMMAND,
        env={"PULSAR_MEM": MEMORY_OPTIONS},
        files={
            f"{paths['pulsar_conf']}/{pulsar.STANDALONE_CONF}": conf,
            **{f"{pulsar.CERTS}/{name}": text for name, text in secret.items()},
        },
        volumes={paths["pulsar_data"]: volume(net.root / "data")},
    )


def volume(path: Path) -> Path:
    """Make a volume as the kubelet does for `fsGroup` 0: root's, writable by the group."""
    path.mkdir(exist_ok=True)
    path.chmod(0o2775)
    return path


def connect(net: Network, pair: KeyPair | None, port: int = ports.PULSAR_TLS, name: str = NAME) -> str:
    ca, client = net.root / "ca.pem", net.root / "client.pem"
    ca.write_text(internal_ca_of(str(PARTY)).certificate_pem)
    if pair is not None:
        client.write_text(pair.certificate_pem + pair.private_key_pem)
    return net.python(CONNECT, str(port), str(ca), str(client) if pair else "", name).stdout


PLAIN = f"pulsar://{pulsar.SERVICE}:{ports.PULSAR}"
TLS = f"pulsar+ssl://{NAME}:{ports.PULSAR_TLS}"
TOPIC = "persistent://public/default/job"


def client(net: Network, action: str, url: str, topic: str, pair: KeyPair | None = None) -> str:
    """Send ten messages or take them, in a pod of its own; return what it says."""
    files = {"/ca.pem": internal_ca_of(str(PARTY)).certificate_pem}
    if pair is not None:
        files |= {"/client.crt": pair.certificate_pem, "/client.key": pair.private_key_pem}
    command = (f"{sys.prefix}/bin/python", "-c", CLIENT, action, url, "10", topic)
    pod = net.start("client", images.pulsar_client(), command=command, files=files)
    pod.process.wait(timeout=PATIENCE)
    net.containers.remove(pod)
    return pod.log_text


def broker_network() -> AbstractContextManager[Network]:
    return network({NAME: "127.0.0.1", pulsar.SERVICE: "127.0.0.1"})


@pytest.fixture(scope="module")
def net() -> Iterator[Network]:
    with broker_network() as made:
        start(made)
        made.wait("the broker is healthy", lambda: made.http(HEALTH) == "200 ok")
        yield made


def test_the_broker_is_healthy_through_its_own_tls_client(net: Network) -> None:
    """The check writes and reads a message: name, certificates and listeners of the file must fit together."""
    assert net.http(HEALTH) == "200 ok"
    assert net.http(f"http://127.0.0.1:{ports.PULSAR_ADMIN}/admin/v2/clusters") == f'200 ["{PARTY}"]'


def test_the_broker_listens_where_we_say_and_for_its_own_storage(net: Network) -> None:
    """ZooKeeper (2181) and BookKeeper (3181) have no authentication and no setting: policies must keep them shut."""
    lines = net.run(["ss", "--listening", "--tcp", "--numeric", "--no-header"]).stdout.splitlines()
    assert {int(line.split()[3].rpartition(":")[2]) for line in lines} == {*SERVICE_PORTS.values(), 2181, 3181}


def test_the_router_is_let_in(net: Network) -> None:
    assert connect(net, internal_leaf(str(PARTY))) == "connected\n"


STRANGERS: dict[str, Callable[[], KeyPair | None]] = {
    "nobody": lambda: None,
    "a peer": lambda: leaf_of("10000"),
    "our router's outer certificate": lambda: leaf_of(str(PARTY)),
    "a peer's router": lambda: internal_leaf("10000"),
    "a CA of the same name": lambda: new_leaf(
        new_ca(f"internal {PARTY}", days=2), "nginx", dns_names=["nginx"], days=1
    ),
}


@pytest.mark.parametrize("stranger", STRANGERS)
def test_nobody_else_is_let_in(net: Network, stranger: str) -> None:
    answer = connect(net, STRANGERS[stranger]())
    assert answer.startswith(("refused", "closed")), answer


def test_the_certificate_names_the_broker_and_nobody_else(net: Network) -> None:
    assert connect(net, internal_leaf(str(PARTY)), name="pulsar") == "connected\n"
    assert "CERTIFICATE_VERIFY_FAILED" in connect(net, internal_leaf(str(PARTY)), name=FEDERATION.dns_name("10000"))


def test_the_admin_port_wants_a_certificate_too(net: Network) -> None:
    url = f"https://{NAME}:{ports.PULSAR_ADMIN_TLS}/admin/v2/clusters"
    ca, client = net.root / "ca.pem", net.root / "client.pem"
    connect(net, internal_leaf(str(PARTY)))
    options = ("--resolve", f"{NAME}:{ports.PULSAR_ADMIN_TLS}:127.0.0.1", "--cacert", str(ca))
    assert net.http(url, *options, "--cert", str(client)).startswith("200")
    assert net.http(url, *options).startswith("failed")


def test_fate_and_the_router_s_peers_share_a_topic(net: Network) -> None:
    assert client(net, "send", TLS, TOPIC, internal_leaf(str(PARTY))) == ""
    assert client(net, "take", PLAIN, TOPIC) == f"took {list(range(10))}\n"


def test_messages_outlive_a_broker_that_is_killed(net: Network) -> None:
    topic = f"{TOPIC}-kept"
    assert client(net, "send", PLAIN, topic) == ""
    net.remove(net.containers[0])
    start(net)
    net.wait("the broker is healthy again", lambda: net.http(HEALTH) == "200 ok")
    # Healthy though the new one is, the dead broker's ZooKeeper session holds the topic until it times out.
    net.wait("the messages come", lambda: client(net, "take", PLAIN, topic) == f"took {list(range(10))}\n")


def test_without_one_line_everybody_is_let_in() -> None:
    """A control: the line that demands a certificate is left out."""
    line = "tlsRequireTrustedClientCertOnConnect=true\n"
    assert line in CONF
    with broker_network() as net:
        start(net, CONF.replace(line, ""))
        net.wait("the broker is healthy", lambda: net.http(HEALTH) == "200 ok")
        assert connect(net, None) == "connected\n"


def test_a_key_of_another_certificate_is_seen() -> None:
    """A control: the Secret has a key that does not fit."""
    other = new_leaf(internal_ca_of(str(PARTY)), "pulsar", dns_names=[NAME], days=5, key_type="rsa")
    with broker_network() as net:
        broker = start(net, files={pulsar.PRIVATE_KEY_KEY: other.private_key_pem})
        router = internal_leaf(str(PARTY))

        def refused() -> bool:
            answer = connect(net, router)
            return answer.startswith("refused") and "PRIVATE_KEY_MISMATCH" in broker.log_text

        net.wait("TLS fails", refused)
        assert net.http(HEALTH) != "200 ok"
