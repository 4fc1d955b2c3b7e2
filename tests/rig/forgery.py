"""Certificates that an honest CA would not make."""

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from rig.federation import ca_of

from kubefate_pulumi.trust.x509 import KeyPair


def sign(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    by: ec.EllipticCurvePrivateKey,
    *,
    ca: bool,
) -> str:
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=4))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        # Without it OpenSSL takes the genuine CA for the issuer, by its name, and stops at its signature.
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), critical=False)
        .sign(by, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def pair_of(key: ec.EllipticCurvePrivateKey, certificate: str) -> KeyPair:
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return KeyPair(pem.decode(), certificate)


def named(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def unbounded_ca(name: str) -> KeyPair:
    """Return a CA that may sign CAs, as a peer's own may be; ours may not."""
    key = ec.generate_private_key(ec.SECP256R1())
    return pair_of(key, sign(named(name), named(name), key, key, ca=True))


def intermediate_leaf(unit: str, signed_by: KeyPair) -> tuple[KeyPair, str]:
    """Return a leaf of a unit's name under an intermediate that has the name of that unit's CA."""
    root = x509.load_pem_x509_certificate(signed_by.certificate_pem.encode())
    root_key = serialization.load_pem_private_key(signed_by.private_key_pem.encode(), None)
    genuine = x509.load_pem_x509_certificate(ca_of(unit).certificate_pem.encode())
    assert isinstance(root_key, ec.EllipticCurvePrivateKey)
    middle_key, leaf_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    middle = sign(genuine.subject, root.subject, middle_key, root_key, ca=True)
    leaf = sign(named(f"{unit}.fraud.example.org"), genuine.subject, leaf_key, middle_key, ca=False)
    return pair_of(leaf_key, leaf), middle
