"""Certificates and keys of one simulated control plane."""

import datetime
import ipaddress
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kubefate_pulumi.simulator.files import write_private

LIFETIME = datetime.timedelta(days=365)
# A clock that is a little behind ours must not find the certificate "not yet valid".
BACKDATE = datetime.timedelta(minutes=5)


def write_pki(directory: Path, names: Sequence[str]) -> None:
    """Write CA, server certificate, etcd client certificate and service-account keys, as PEM files.

    Args:
        directory: gets `ca.crt`, `server.crt`, `server.key`, `etcd-client.crt`, `etcd-client.key`,
            `service-account.key`, `service-account.pub`. The CA's own key is not kept: nobody is to sign with it again.
        names: DNS names and IP addresses of the server.
    """
    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca_name = _name("kubefate-simulator-ca")
    ca = (
        _builder(ca_name, ca_name, ca_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(sign_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    write_private(directory / "ca.crt", ca.public_bytes(serialization.Encoding.PEM))
    for stem, usage in (("server", _SERVER), ("etcd-client", _CLIENT)):
        key = ec.generate_private_key(ec.SECP256R1())
        builder = (
            _builder(_name(stem), ca_name, key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(sign_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(usage), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        )
        if stem == "server":
            builder = builder.add_extension(x509.SubjectAlternativeName(_alternatives(names)), critical=False)
        certificate = builder.sign(ca_key, hashes.SHA256())
        write_private(directory / f"{stem}.crt", certificate.public_bytes(serialization.Encoding.PEM))
        write_private(directory / f"{stem}.key", _private_pem(key))
    signer = ec.generate_private_key(ec.SECP256R1())
    write_private(directory / "service-account.key", _private_pem(signer))
    write_private(
        directory / "service-account.pub",
        signer.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
    )


# etcd's peer listener authenticates with the server certificate both ways.
_SERVER = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
_CLIENT = [ExtendedKeyUsageOID.CLIENT_AUTH]


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATE)
        .not_valid_after(now + LIFETIME)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _key_usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not sign_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _alternatives(names: Sequence[str]) -> list[x509.GeneralName]:
    found: list[x509.GeneralName] = []
    for name in names:
        try:
            found.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            found.append(x509.DNSName(name))
    return found


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
