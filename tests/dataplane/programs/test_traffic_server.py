"""Traffic Server with the files of KubeFATE's exchange, in front of two TLS servers."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from dataplane.programs import exchange, images
from dataplane.programs.sandbox import Container, Network, network
from rig.federation import DOMAIN, ca_of, leaf_of

PARTIES = {"9999": "127.0.0.11", "10000": "127.0.0.12"}
BROKER_PORT = 6651
ROUTES = {f"{unit}.{DOMAIN}": f"{address}:{BROKER_PORT}" for unit, address in PARTIES.items()}

# A TLS server that demands a certificate and says who it is and who calls.
SERVER = """
import socket, ssl, sys
address, port, pair, ca = sys.argv[1:]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(pair)
context.load_verify_locations(ca)
context.verify_mode = ssl.CERT_REQUIRED
listener = socket.create_server((address, int(port)))
while True:
    try:
        with context.wrap_socket(listener.accept()[0], server_side=True) as link:
            who = dict(pair[0] for pair in link.getpeercert()["subject"])["commonName"]
            link.sendall(f"{address} {who}".encode())
    except OSError:
        pass
"""

CLIENT = """
import socket, ssl, sys
name, pair, ca = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
context.load_cert_chain(pair)
context.check_hostname = bool(name)
try:
    link = context.wrap_socket(socket.create_connection(("127.0.0.1", 443), 2), server_hostname=name or None)
    print(link.recv(100).decode())
except OSError as error:
    print("refused", error)
"""


@contextmanager
def world(change: tuple[str, str] = ("", "")) -> Iterator[tuple[Network, Container]]:
    """Start two parties' TLS servers and the exchange; `change` replaces a text in its files."""
    pair = leaf_of("exchange")
    texts = exchange.files(ROUTES, pair.certificate_pem, pair.private_key_pem, ca_of("exchange").certificate_pem)
    if change[0]:
        assert any(change[0] in text for text in texts.values())
        texts = {path: text.replace(*change) for path, text in texts.items()}
    servers = []
    with network() as net:
        (net.root / "ca.pem").write_text("".join(ca_of(unit).certificate_pem for unit in (*PARTIES, "exchange")))
        for unit, address in PARTIES.items():
            leaf = leaf_of(unit)
            file = net.root / f"{unit}.pem"
            file.write_text(leaf.certificate_pem + leaf.private_key_pem)
            arguments = [address, str(BROKER_PORT), str(file), str(net.root / "ca.pem")]
            servers.append(net.popen([sys.executable, "-c", SERVER, *arguments]))
        try:
            router = net.start("exchange", images.traffic_server(), command=exchange.COMMAND, files=texts)
            net.wait(
                "it listens", lambda: not net.http(f"http://127.0.0.1:{exchange.PLAIN_PORT}/").startswith("failed")
            )
            yield net, router
        finally:
            for server in servers:
                server.kill()
                with suppress(subprocess.TimeoutExpired):
                    server.wait(timeout=10)


def call(net: Network, caller: str, name: str) -> str:
    """Connect to the exchange as a party's broker does, asking for a name."""
    return net.python(CLIENT, name, str(net.root / f"{caller}.pem"), str(net.root / "ca.pem")).stdout.strip()


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Network, Container]]:
    with world() as both:
        yield both


@pytest.mark.parametrize(("caller", "called"), [("9999", "10000"), ("10000", "9999")])
def test_a_party_reaches_the_other_s_broker_by_its_name(
    running: tuple[Network, Container], caller: str, called: str
) -> None:
    """TLS goes through: the broker sees the caller's certificate, the caller the broker's."""
    assert call(running[0], caller, f"{called}.{DOMAIN}") == f"{PARTIES[called]} {caller}.{DOMAIN}"


def test_a_name_s_case_does_not_matter(running: tuple[Network, Container]) -> None:
    assert call(running[0], "9999", f"10000.{DOMAIN.upper()}").startswith(PARTIES["10000"])


@pytest.mark.parametrize("name", [f"9998.{DOMAIN}", f"exchange.{DOMAIN}", "10000.example.com", ""])
def test_another_name_reaches_no_broker(running: tuple[Network, Container], name: str) -> None:
    answer = call(running[0], "9999", name)
    assert not any(address in answer for address in PARTIES.values())


def test_traffic_server_knows_every_word_of_the_files(running: tuple[Network, Container]) -> None:
    """A word that it does not know is only a warning."""
    log = running[1].log_text
    assert "sni.yaml finished loading" in log
    assert not [line for line in log.splitlines() if "ERROR" in line or "unsupported key" in line]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("tunnel_route", "tunnel_rout"), "unsupported key 'tunnel_rout'"),
        ((" 6650-6700", ""), ""),
        ((f"{PARTIES['10000']}:{BROKER_PORT}", f"{PARTIES['10000']}:{BROKER_PORT + 1}"), ""),
    ],
    ids=["misspelt", "port not allowed", "wrong port"],
)
def test_one_wrong_word_cuts_a_party_off(change: tuple[str, str], said: str) -> None:
    """A control."""
    with world(change) as (net, router):
        assert not call(net, "9999", f"10000.{DOMAIN}").startswith(PARTIES["10000"])
        assert said in router.log_text
