"""What is fixed about a site: name, addresses, ports, tokens, certificates and kubeconfig files."""

import base64
import ipaddress
import itertools
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store

from kubefate_pulumi.simulator.commands import PARTS, command, token_file
from kubefate_pulumi.simulator.errors import SimulatorError
from kubefate_pulumi.simulator.kubeconfig import write_kubeconfig
from kubefate_pulumi.simulator.pki import write_pki
from kubefate_pulumi.simulator.record import MAXIMUM_SITES, Addresses, SiteRecord, check_name


def test_no_two_sites_share_an_address() -> None:
    blocks = []
    for index in range(MAXIMUM_SITES):
        addresses = Addresses(index)
        public = ipaddress.ip_network(addresses.public_range)
        service = ipaddress.ip_network(addresses.service_range)
        assert public.subnet_of(ipaddress.ip_network("198.18.0.0/15"))
        # A Service's public address is its cluster address with the public prefix: both blocks end alike.
        assert str(public[-1]).split(".")[2:] == str(service[-1]).split(".")[2:]
        assert str(public[-1]).startswith(f"{addresses.public_prefix}.")
        assert ipaddress.ip_address(addresses.api_server) == service[1]
        assert ipaddress.ip_address(addresses.ingress) == public[1]
        nodes = ipaddress.ip_network(f"{addresses.node(1)}/24", strict=False)
        blocks += [public, service, ipaddress.ip_network(addresses.pod_range), nodes]
    assert not [pair for pair in itertools.combinations(blocks, 2) if pair[0].overlaps(pair[1])]


@pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a_b", "a.b", "../x", "a" * 41, "a\n"])
def test_a_name_of_the_wrong_shape_is_refused(name: str) -> None:
    with pytest.raises(SimulatorError, match="cannot name a site"):
        check_name(name)


@pytest.mark.parametrize("name", ["a", "party-9999", "a" * 40])
def test_a_name_of_the_right_shape_is_taken(name: str) -> None:
    check_name(name)


def test_a_record_is_read_as_it_was_written_and_shows_no_token(tmp_path: Path) -> None:
    record = SiteRecord.make("alpha", 3)
    file = tmp_path / "site.json"
    record.write(file)
    assert SiteRecord.read(file) == record
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(set(record.ports.values())) == len(record.ports)
    assert not any(token in repr(record) for token in record.tokens.values())


@pytest.mark.parametrize("text", ["", "{", "[]", '{"name": "a"}', '{"name": "a", "index": 0, "more": 1}'])
def test_a_broken_record_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "site.json"
    file.write_text(text)
    with pytest.raises(SimulatorError, match=r"site\.json is not the record of a site"):
        SiteRecord.read(file)


def test_no_part_gets_a_token_on_its_command_line(tmp_path: Path) -> None:
    record = SiteRecord.make("alpha", 0)
    lines = [" ".join(command(part, tmp_path / "site", record, tmp_path)) for part in PARTS]
    assert not [line for line in lines for token in record.tokens.values() if token in line]
    assert "--bind-address=127.0.0.1" in lines[PARTS.index("kube-apiserver")]
    assert f'{record.tokens["admin"]},kubefate-admin,admin,"system:masters"' in token_file(record)


def test_the_server_certificate_is_good_for_its_names_only(tmp_path: Path) -> None:
    write_pki(tmp_path, ["127.0.0.1", "localhost"])
    authority = x509.load_pem_x509_certificate((tmp_path / "ca.crt").read_bytes())
    server = x509.load_pem_x509_certificate((tmp_path / "server.crt").read_bytes())
    policy = PolicyBuilder().store(Store([authority])).time(datetime.now(UTC))
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    assert policy.build_server_verifier(address).verify(server, [])
    assert policy.build_server_verifier(x509.DNSName("localhost")).verify(server, [])
    with pytest.raises(x509.verification.VerificationError):
        policy.build_server_verifier(x509.DNSName("example.org")).verify(server, [])
    assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {0o600}
    assert not (tmp_path / "ca.key").exists()


def test_a_kubeconfig_has_a_context_for_each_site(tmp_path: Path) -> None:
    sites = [SiteRecord.make("alpha", 0), SiteRecord.make("beta", 1)]
    file = tmp_path / "kubeconfig"
    write_kubeconfig(file, sites, {"alpha": b"A", "beta": b"B"}, "admin")
    found = yaml.safe_load(file.read_text())
    assert [each["name"] for each in found["contexts"]] == ["alpha", "beta"]
    assert found["current-context"] == "alpha"
    assert found["users"][1]["user"]["token"] == sites[1].tokens["admin"]
    assert base64.b64decode(found["clusters"][1]["cluster"]["certificate-authority-data"]) == b"B"
    assert found["clusters"][0]["cluster"]["server"] == sites[0].server
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
