"""Certificates as nginx and Pulsar read them; OpenSSL is the judge wherever it can be."""

import base64
import shutil
import subprocess
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from kubefate_pulumi.trust.x509 import (
    CertificateError,
    KeyPair,
    check_ca_certificate,
    check_key_pair,
    check_subject,
    expires_at,
    fingerprint,
    load_certificate,
    new_ca,
    new_leaf,
    subject_of,
)

NOW = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
CANARY = "Y2FuYXJ5LXNlY3JldA"

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl on PATH to compare with")


def openssl(*args: str, text: str = "") -> str:
    done = subprocess.run(["openssl", *args], input=text, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def custom(
    *,
    name: list[tuple[x509.ObjectIdentifier, str]] | x509.Name | None = None,
    key: Any = None,
    ca: bool | None = True,
    sign: bool | None = True,
    start: datetime = NOW - timedelta(days=1),
    end: datetime = NOW + timedelta(days=1),
    issuer: KeyPair | None = None,
    unknown_critical: bool = False,
) -> str:
    """A CA certificate with one thing wrong, made without the code under test."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    if not isinstance(name, x509.Name):
        name = x509.Name([x509.NameAttribute(o, v, _validate=False) for o, v in name or [(NameOID.COMMON_NAME, "ca")]])
    signer, issuer_name = key, name
    if issuer is not None:
        signer = serialization.load_pem_private_key(issuer.private_key_pem.encode(), None)
        issuer_name = load_certificate(issuer.certificate_pem).subject
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer_name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(end)
    )
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    if sign is not None:
        usage = x509.KeyUsage(
            digital_signature=not sign,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=sign,
            crl_sign=False,
            encipher_only=False,
            decipher_only=False,
        )
        builder = builder.add_extension(usage, critical=True)
    if unknown_critical:
        oid = x509.ObjectIdentifier("1.3.6.1.4.1.99999.1")
        builder = builder.add_extension(x509.UnrecognizedExtension(oid, b"\x05\x00"), critical=True)
    digest = None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(signer, digest).public_bytes(serialization.Encoding.PEM).decode()


@pytest.fixture(scope="module")
def ca() -> KeyPair:
    return new_ca("fraud CA of 9999", 30, organization="Bank, Inc", now=NOW)


@pytest.fixture(scope="module")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def test_a_new_ca_passes_its_own_check(ca: KeyPair) -> None:
    check_ca_certificate(ca.certificate_pem, now=NOW)
    check_key_pair(ca)
    certificate = load_certificate(ca.certificate_pem)
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    assert constraints.critical
    assert constraints.value == x509.BasicConstraints(ca=True, path_length=0)
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert usage.value.key_cert_sign
    assert not usage.value.digital_signature
    assert certificate.not_valid_before_utc < NOW
    assert expires_at(ca.certificate_pem) == NOW + timedelta(days=30)
    assert "BEGIN PRIVATE KEY" in ca.private_key_pem  # PKCS#8, which Pulsar needs
    assert ca.private_key_pem not in repr(ca)


def test_serials_and_keys_are_new_each_time() -> None:
    first, second = new_ca("a", 1), new_ca("a", 1)
    assert first.private_key_pem != second.private_key_pem
    assert (
        load_certificate(first.certificate_pem).serial_number != load_certificate(second.certificate_pem).serial_number
    )


def test_a_leaf_holds_what_was_asked(ca: KeyPair) -> None:
    leaf = new_leaf(
        ca,
        "9999.fraud.example.org",
        dns_names=["9999.fraud.example.org", "nginx"],
        ip_addresses=["10.0.0.1", "fd00::1"],
        usages=["server"],
        days=7,
        now=NOW,
    )
    certificate = load_certificate(leaf.certificate_pem)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["9999.fraud.example.org", "nginx"]
    assert [str(a) for a in names.get_values_for_type(x509.IPAddress)] == ["10.0.0.1", "fd00::1"]
    usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usages) == [x509.ExtendedKeyUsageOID.SERVER_AUTH]
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert certificate.issuer == load_certificate(ca.certificate_pem).subject
    assert subject_of(leaf.certificate_pem) == "CN=9999.fraud.example.org"
    check_key_pair(leaf)


def test_a_leaf_never_outlives_its_ca(ca: KeyPair) -> None:
    leaf = new_leaf(ca, "x", dns_names=["x"], days=365, now=NOW)
    assert expires_at(leaf.certificate_pem) == expires_at(ca.certificate_pem)


@needs_openssl
@pytest.mark.parametrize("purpose", ["sslserver", "sslclient"])
def test_openssl_verifies_leaf_and_purpose(tmp_path: Path, purpose: str, rsa_key: rsa.RSAPrivateKey) -> None:
    """Also for an RSA CA that was supplied; the control is a leaf of another CA with the same names."""
    pem = custom(key=rsa_key, start=datetime.now(UTC) - timedelta(days=1), end=datetime.now(UTC) + timedelta(days=9))
    private = rsa_key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    for pair, other in [
        (new_ca("ca", 9), new_ca("ca", 9)),
        (KeyPair(private.decode(), pem), new_ca("ca", 9)),
    ]:
        check_ca_certificate(pair.certificate_pem)
        (tmp_path / "ca.pem").write_text(pair.certificate_pem)
        verify = ["verify", "-x509_strict", "-purpose", purpose, "-CAfile", str(tmp_path / "ca.pem"), "-"]
        if pair.certificate_pem == pem:  # the supplied one has no key identifiers
            verify.remove("-x509_strict")
        leaf = new_leaf(pair, "9999.f.example", dns_names=["9999.f.example"], days=5)
        assert "OK" in openssl(*verify[:-1], text=leaf.certificate_pem)
        wrong = new_leaf(other, "9999.f.example", dns_names=["9999.f.example"], days=5)
        assert "error" in openssl(*verify[:-1], text=wrong.certificate_pem)
    server_only = new_leaf(new_ca("ca", 9), "x", dns_names=["x"], usages=["server"], days=5)
    assert "clientAuth" not in openssl("x509", "-noout", "-ext", "extendedKeyUsage", text=server_only.certificate_pem)


@needs_openssl
def test_openssl_reads_the_keys(ca: KeyPair) -> None:
    assert "NIST CURVE: P-256" in openssl("pkey", "-noout", "-text", text=ca.private_key_pem)


def test_fingerprint_has_openssls_form(ca: KeyPair) -> None:
    assert len(fingerprint(ca.certificate_pem).split(":")) == 32
    if shutil.which("openssl"):
        assert fingerprint(ca.certificate_pem) in openssl(
            "x509", "-noout", "-fingerprint", "-sha256", text=ca.certificate_pem
        )


SUBJECTS = [
    (
        [
            (NameOID.COUNTRY_NAME, "CN"),
            (NameOID.ORGANIZATION_NAME, "Bank"),
            (NameOID.COMMON_NAME, "9999"),
        ],
        "CN=9999,O=Bank,C=CN",
    ),
    (
        [(NameOID.ORGANIZATION_NAME, "Bank, Inc."), (NameOID.COMMON_NAME, 'a "b" <c>;+\\')],
        'CN=a \\"b\\" \\<c\\>\\;\\+\\\\,O=Bank\\, Inc.',
    ),
    ([(NameOID.COMMON_NAME, "#1")], "CN=\\#1"),
    ([(NameOID.COMMON_NAME, " a=b ")], "CN=\\ a=b\\ "),
    (
        [
            (NameOID.DOMAIN_COMPONENT, "org"),
            (NameOID.STREET_ADDRESS, "1 High St"),
            (NameOID.LOCALITY_NAME, "X"),
        ],
        "L=X,street=1 High St,DC=org",
    ),
    ([(NameOID.STATE_OR_PROVINCE_NAME, "S"), (NameOID.ORGANIZATIONAL_UNIT_NAME, "U")], "OU=U,ST=S"),
]


@pytest.mark.parametrize(("name", "text"), SUBJECTS, ids=[text for _, text in SUBJECTS])
def test_subject_is_what_nginx_prints(name: list[tuple[x509.ObjectIdentifier, str]], text: str) -> None:
    pem = custom(name=name)
    assert subject_of(pem) == text
    if shutil.which("openssl"):
        assert (
            openssl("x509", "-noout", "-subject", "-nameopt", "RFC2253", text=pem).removesuffix("\n")
            == f"subject={text}"
        )


SEVERAL = x509.RelativeDistinguishedName(
    [x509.NameAttribute(NameOID.COMMON_NAME, "a"), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "b")]
)
ALLOWED = [NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME, NameOID.LOCALITY_NAME, NameOID.STREET_ADDRESS]
EC_KEY = ec.generate_private_key(ec.SECP256R1())


PRINTABLE = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=12).filter(
    lambda text: text != "#"
)


@needs_openssl
@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(ALLOWED), PRINTABLE),
        min_size=1,
        max_size=3,
    )
)
def test_any_printable_subject_is_what_openssl_prints(name: list[tuple[x509.ObjectIdentifier, str]]) -> None:
    pem = custom(name=name, key=EC_KEY)
    printed = openssl("x509", "-noout", "-subject", "-nameopt", "RFC2253", text=pem)
    assert printed == f"subject={subject_of(pem)}\n"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ([(NameOID.COMMON_NAME, "Größe")], "not printable ASCII"),
        ([(NameOID.COMMON_NAME, "a\nb")], "not printable ASCII"),
        ([(NameOID.COMMON_NAME, "#")], "only #"),
        ([(NameOID.EMAIL_ADDRESS, "a@b.c")], "1.2.840.113549.1.9.1"),
        ([(NameOID.SERIAL_NUMBER, "1")], "2.5.4.5"),
        (x509.Name([]), "empty subject"),
        (
            x509.Name([SEVERAL]),
            "several attributes",
        ),
    ],
)
def test_subjects_that_programs_print_differently_are_refused(name: x509.Name, words: str) -> None:
    pem = custom(name=name)
    with pytest.raises(CertificateError, match=words):
        subject_of(pem)
    with pytest.raises(CertificateError):
        check_ca_certificate(pem, now=NOW)


@pytest.mark.parametrize("text", ["CN=9999.fraud.example.org", "CN=a\\, b,O=Bank,street=1 High St,C=DE", "CN=\\#1"])
def test_subject_texts_that_nginx_prints(text: str) -> None:
    check_subject(text)


@pytest.mark.parametrize(
    "text", ["", "9999", "CN=a, O=b", "cn=a", "CN=a,", "CN=größe", "STREET=a", "UID=a", "CN=a+O=b", "CN=#1", "CN"]
)
def test_subject_texts_that_nginx_never_prints(text: str) -> None:
    """They would compare unequal to every certificate, so the peer would be refused for ever."""
    with pytest.raises(CertificateError):
        check_subject(text)


@needs_openssl
def test_a_leaf_for_programs_that_read_rsa_only(ca: KeyPair) -> None:
    leaf = new_leaf(ca, "x", dns_names=["x"], days=1, key_type="rsa", now=NOW)
    check_key_pair(leaf)
    assert "Private-Key: (3072 bit" in openssl("pkey", "-noout", "-text", text=leaf.private_key_pem)


def without_serial() -> str:
    """A certificate of serial number 0, which cryptography reads with a warning but does not make."""
    der = x509.load_pem_x509_certificate(custom().encode()).public_bytes(serialization.Encoding.DER)
    assert der.count(b"\x02\x01\x02\x02\x01\x01") == 1  # version 3, serial number 1
    der = der.replace(b"\x02\x01\x02\x02\x01\x01", b"\x02\x01\x02\x02\x01\x00")
    return f"-----BEGIN CERTIFICATE-----\n{base64.b64encode(der).decode()}\n-----END CERTIFICATE-----\n"


def bad_authorities() -> dict[str, tuple[str, str]]:
    parent = new_ca("root", 99, now=NOW)
    day = timedelta(days=1)
    return {
        "a leaf": (new_leaf(parent, "x", dns_names=["x"], days=3, now=NOW).certificate_pem, "not a CA"),
        "no basicConstraints": (custom(ca=None), "not a CA"),
        "CA:FALSE": (custom(ca=False), "not a CA"),
        "no keyUsage": (custom(sign=None), "keyCertSign"),
        "no keyCertSign": (custom(sign=False), "keyCertSign"),
        "expired": (custom(start=NOW - 9 * day, end=NOW - day), "expired on 2026-05-03"),
        "future": (custom(start=NOW + day, end=NOW + 9 * day), "not valid before 2026-05-05"),
        "short RSA": (custom(key=rsa.generate_private_key(65537, 1024)), "1024 bits"),  # noqa: S505
        "small curve": (custom(key=ec.generate_private_key(ec.SECP224R1())), "secp224r1"),
        "Ed25519": (custom(key=ed25519.Ed25519PrivateKey.generate()), "neither RSA nor EC"),
        "intermediate": (custom(issuer=parent), "not self-signed"),
        "same name, other key": (
            custom(name=[(NameOID.COMMON_NAME, "root")], issuer=parent),
            "not self-signed",
        ),
        "serial number 0": (without_serial(), "breaks RFC 5280"),
        "unknown critical extension": (custom(unknown_critical=True), "1.3.6.1.4.1.99999.1"),
    }


@pytest.mark.parametrize("case", bad_authorities().items(), ids=lambda case: case[0])
def test_bad_authorities_are_refused(case: tuple[str, tuple[str, str]]) -> None:
    pem, words = case[1]
    with pytest.raises(CertificateError, match=words):
        check_ca_certificate(pem, now=NOW)


def test_the_base_of_the_bad_ones_is_good() -> None:
    check_ca_certificate(custom(), now=NOW)
    check_ca_certificate("\n" + custom().replace("\n", "\r\n") + "\n\n", now=NOW)


def test_texts_that_are_no_certificate(ca: KeyPair) -> None:
    pem = ca.certificate_pem
    key = f"-----BEGIN PRIVATE KEY-----\n{CANARY}\n-----END PRIVATE KEY-----\n"
    texts = {
        "private key": [pem + key, key, key.lower() + pem, pem.replace("CERTIFICATE", "RSA PRIVATE KEY")],
        "2 certificates": [pem + pem],
        "other text": [f"Subject: {CANARY}\n{pem}", f"{pem}{CANARY}"],
        "not a PEM": ["", CANARY, pem.replace("CERTIFICATE", "TRUSTED CERTIFICATE"), pem[:200]],
        "damaged": [
            pem[:100] + ("AAAA" if pem[100:104] != "AAAA" else "BBBB") + pem[104:],
            f"-----BEGIN CERTIFICATE-----\n{CANARY}==\n-----END CERTIFICATE-----\n",
        ],
    }
    for words, cases in texts.items():
        for text in cases:
            with pytest.raises(CertificateError) as refusal:
                check_ca_certificate(text, now=NOW)
            assert CANARY not in str(refusal.value)
            if words != "damaged":
                assert words in str(refusal.value)


@settings(max_examples=150, deadline=None)
@given(position=st.integers(min_value=28, max_value=600), letter=st.sampled_from("ABCDEFxyz0129+/\n= "))
def test_damage_never_causes_anything_but_a_clear_error(position: int, letter: str) -> None:
    pem = DAMAGED[:position] + letter + DAMAGED[position + 1 :]
    for function in (check_ca_certificate, subject_of, fingerprint, expires_at):
        with suppress(CertificateError):
            function(pem)


DAMAGED = new_ca("ca", 30, organization="o").certificate_pem


def test_keys_that_do_not_fit(ca: KeyPair, rsa_key: rsa.RSAPrivateKey) -> None:
    def pem(
        key: Any,
        encryption: serialization.KeySerializationEncryption = serialization.NoEncryption(),  # noqa: B008
    ) -> str:
        return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption).decode()

    wrong = {
        "does not belong": [pem(rsa_key), new_ca("x", 1).private_key_pem],
        "encrypted": [pem(EC_KEY, serialization.BestAvailableEncryption(b"x"))],
        "not a readable PEM": ["", CANARY, ca.private_key_pem[:90], "schlüssel", ca.certificate_pem],
        "neither RSA nor EC": [
            pem(ed25519.Ed25519PrivateKey.generate()),
            pem(dsa.generate_private_key(2048)),
        ],
    }
    for words, keys in wrong.items():
        for key in keys:
            with pytest.raises(CertificateError, match=words):
                check_key_pair(KeyPair(key, ca.certificate_pem))
            with pytest.raises(CertificateError, match=words):
                new_leaf(KeyPair(key, ca.certificate_pem), "x", dns_names=["x"], days=1)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"common_name": ""}, "CN"),
        ({"common_name": "x" * 65}, "CN"),
        ({"common_name": "größe"}, "CN"),
        ({"days": 0}, "at least one day"),
        ({"dns_names": []}, "at least one DNS name"),
        ({"dns_names": ["größe.example"]}, "is not one"),
        ({"ip_addresses": ["10.0.0.256"]}, "is not one"),
        ({"usages": []}, "at least one usage"),
        ({"now": NOW + timedelta(days=31)}, "CA has expired"),
    ],
)
def test_leaves_that_cannot_be_made(ca: KeyPair, arguments: dict, words: str) -> None:
    good = {"common_name": "x", "dns_names": ["x"], "days": 1, "now": NOW}
    new_leaf(ca, **good)
    with pytest.raises(CertificateError, match=words):
        new_leaf(ca, **(good | arguments))
