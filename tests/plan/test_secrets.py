"""Secrets: canaries in every secret input appear only where they are encrypted."""

from pathlib import Path

import pulumi
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from plan.programs import UNITS_ALL, plan_of, write_federation
from plan.recorder import Plan, Registration

from kubefate_pulumi.trust import x509

PASSWORDS = ("mysql-password", "mysql-root-password", "fateboard-password", "notebook-password")
CANARIES = {name: f"canary-{name}-7f3a" for name in PASSWORDS}


@pytest.fixture(scope="module")
def authority() -> x509.KeyPair:
    return x509.new_ca("ca.9999.fraud.example.org", days=3650)


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory, authority: x509.KeyPair) -> Plan:
    secrets = {f"kubefate:9999-{name}": value for name, value in CANARIES.items()}
    secrets["kubefate:9999-ca-private-key"] = authority.private_key_pem
    secrets["kubefate:9999-ca-certificate"] = authority.certificate_pem
    root = write_federation(tmp_path_factory.mktemp("canary"))
    return plan_of(root, {**UNITS_ALL, **secrets}, tuple(secrets))


def private_lines(plan: Plan) -> set[str]:
    """Return every line of a private key that any resource holds."""
    keys = {
        line
        for item in plan.registrations
        for block in str(item.inputs).split("-----BEGIN PRIVATE KEY-----")[1:]
        for line in block.split("-----END")[0].replace("\\n", "\n").split("\n")
        if len(line) > 20
    }
    assert keys
    return keys


def leaks(items: list[Registration] | tuple[Registration, ...], needles: set[str]) -> set[tuple[str, str]]:
    return {(item.name, needle) for item in items for needle in needles if needle in item.visible}


def test_no_canary_is_visible(plan: Plan, authority: x509.KeyPair) -> None:
    key_line = authority.private_key_pem.splitlines()[1]
    assert leaks(plan.registrations, {*CANARIES.values(), key_line}) == set()


def test_no_private_key_is_visible(plan: Plan) -> None:
    assert leaks(plan.registrations, private_lines(plan)) == set()


def test_canaries_reach_the_secrets_that_need_them(plan: Plan) -> None:
    """The control: the canaries are in use, so their absence elsewhere says something."""
    credentials = plan.object("fate-9999", "Secret", "mysql-credentials").inputs["stringData"]
    assert credentials == {"password": CANARIES["mysql-password"], "root-password": CANARIES["mysql-root-password"]}
    flow = plan.object("fate-9999", "Secret", "python-config").inputs["stringData"]["service_conf.yaml"]
    assert CANARIES["mysql-password"] in flow
    board = plan.object("fate-9999", "Secret", "fateboard-config").inputs["stringData"]["application.properties"]
    assert CANARIES["fateboard-password"] in board
    notebook = plan.object("fate-9999", "Secret", "notebook-credentials").inputs["stringData"]["password-hash"]
    assert CANARIES["notebook-password"] not in notebook


def test_nothing_secret_is_in_a_config_map_or_in_the_environment(plan: Plan) -> None:
    maps = [item for item in plan.registrations if item.kind == "ConfigMap"]
    workloads = [item for item in plan.registrations if item.kind in {"Deployment", "StatefulSet"}]
    needles = {*CANARIES.values(), "PRIVATE KEY"}
    assert [needle for item in (*maps, *workloads) for needle in needles if needle in str(item.inputs)] == []


def test_the_own_authority_is_used(plan: Plan, authority: x509.KeyPair) -> None:
    assert plan.outputs["peers"]["9999"]["ca_certificate"] == authority.certificate_pem
    leaf = plan.object("fate-9999", "Secret", "nginx-tls").inputs["stringData"]["tls.crt"]
    assert x509.load_certificate(leaf).issuer == x509.load_certificate(authority.certificate_pem).subject


def test_keys_stay_with_their_party(plan: Plan) -> None:
    """No certificate authority's key is an input of another unit's resource."""
    for item in plan.registrations:
        if item.type.endswith("kubefate:Certificate"):
            unit = item.name.removeprefix("party-").split("-", maxsplit=1)[0]
            issuer = x509.load_certificate(item.inputs["ca_certificate"]).subject.rfc4514_string()
            assert unit in issuer


def test_the_broker_has_a_key_that_pulsar_reads(plan: Plan) -> None:
    """Pulsar loads RSA keys only, in PKCS#8; the router's certificates are EC."""
    for name, key, kind in (
        ("pulsar-cert", "broker.key-pk8.pem", rsa.RSAPrivateKey),
        ("nginx-tls", "tls.key", ec.EllipticCurvePrivateKey),
    ):
        pem = plan.object("fate-9999", "Secret", name).inputs["stringData"][key]
        assert pem.startswith("-----BEGIN PRIVATE KEY-----")
        assert isinstance(load_pem_private_key(pem.encode(), None), kind)


@pytest.mark.parametrize("password", ["it's", 'double"quote', "back\\slash", "new\nline", "", "ümlaut"])
def test_a_password_that_would_break_the_database_is_refused_and_not_shown(tmp_path: Path, password: str) -> None:
    key = "kubefate:9999-mysql-password"
    with pytest.raises(pulumi.RunError) as refused:
        plan_of(write_federation(tmp_path), {**UNITS_ALL, key: password}, (key,))
    assert "party 9999: mysql_password may have letters, digits" in str(refused.value)
    assert not password or password not in str(refused.value)
