"""X.509 certificates as pure functions on PEM text: make, check, name, date.

The rules are those of the programs that read the files: nginx (OpenSSL, client certificates verified at
depth 0, issuer and subject compared as RFC 2253 text) and Pulsar (Java, PKCS#8 keys).
"""

import ipaddress
import re
import warnings
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

Usage = Literal["server", "client"]
SigningKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
KeyType = Literal["ec", "rsa"]
_RSA_BITS = 3072

CLOCK_SKEW: Final = timedelta(hours=1)
"""How far before now a new certificate starts to be valid, for readers whose clock is behind."""
MIN_RSA_BITS: Final = 2048
MIN_EC_BITS: Final = 256
MAX_COMMON_NAME: Final = 64
"""Upper bound of a CN (RFC 5280, ub-common-name)."""

_SUBJECT_NAMES: Final[dict[ObjectIdentifier, str]] = {
    NameOID.COMMON_NAME: "CN",
    NameOID.ORGANIZATION_NAME: "O",
    NameOID.ORGANIZATIONAL_UNIT_NAME: "OU",
    NameOID.COUNTRY_NAME: "C",
    NameOID.LOCALITY_NAME: "L",
    NameOID.STATE_OR_PROVINCE_NAME: "ST",
    NameOID.DOMAIN_COMPONENT: "DC",
    NameOID.STREET_ADDRESS: "street",  # OpenSSL's short name, so nginx'; RFC 2253 writes STREET
}
_USAGE_OIDS: Final[dict[Usage, ObjectIdentifier]] = {
    "server": ExtendedKeyUsageOID.SERVER_AUTH,
    "client": ExtendedKeyUsageOID.CLIENT_AUTH,
}
_PEM_BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----\s[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----", re.ASCII)
_PRINTABLE = re.compile(r"[ -~]+")


class CertificateError(ValueError):
    """A certificate or key that cannot be used. The text never holds a part of the input."""


@dataclass(frozen=True)
class KeyPair:
    """A private key (PEM, PKCS#8, not encrypted) and its certificate (PEM)."""

    private_key_pem: str = field(repr=False)
    certificate_pem: str


def holds_private_key(text: str) -> bool:
    """Tell whether a text holds any kind of PEM private key, whole or in part."""
    return "PRIVATE KEY" in text.upper()


def load_certificate(pem: str) -> x509.Certificate:
    """Read a PEM text that holds exactly one certificate and nothing else.

    Raises:
        CertificateError: it is not that; a private key in it is refused without being shown.
    """
    if holds_private_key(pem):
        raise CertificateError("holds a private key: give the certificate only, and keep the key to yourself")
    blocks = _PEM_BLOCK.findall(pem)
    if not blocks:
        raise CertificateError("is not a PEM certificate: expected -----BEGIN CERTIFICATE----- and its end")
    if len(blocks) > 1:
        raise CertificateError(f"holds {len(blocks)} certificates: give exactly one")
    if pem.strip() != blocks[0]:
        raise CertificateError("holds other text: give only the lines from BEGIN CERTIFICATE to END CERTIFICATE")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # what cryptography only warns of, OpenSSL may refuse
            certificate = x509.load_pem_x509_certificate(blocks[0].encode("ascii"))
            _read_all(certificate)
    except Warning:
        raise CertificateError("is not a valid X.509 certificate: it breaks RFC 5280") from None
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion, x509.DuplicateExtension):
        raise CertificateError(
            "is not a readable X.509 certificate: it is damaged, or its key or encoding is of an unknown kind"
        ) from None
    return certificate


def subject_of(pem: str) -> str:
    """Return the subject as nginx prints it: RFC 2253, last attribute first, such as `CN=9999,O=Bank`.

    Raises:
        CertificateError: the text is no certificate, or its subject has characters or attributes whose
            printed form differs between programs (only ASCII, and CN, O, OU, C, L, ST, DC, street).
    """
    return _print_name(load_certificate(pem).subject)


def check_subject(text: str) -> None:
    """Check that a text is a subject as `subject_of` returns it.

    Raises:
        CertificateError: it is no distinguished name, or one that programs print in another form.
    """
    try:
        name = x509.Name.from_rfc4514_string(text, {short: oid for oid, short in _SUBJECT_NAMES.items()})
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise CertificateError("is not a subject in RFC 2253 form") from None
    if _print_name(name) != text:
        raise CertificateError("is not written as nginx prints it: no spaces around commas, CN in capitals")


def _print_name(name: x509.Name) -> str:
    """Print a name as nginx does, or refuse it where programs differ."""
    if not name.rdns:
        raise CertificateError("has an empty subject")
    for rdn in name.rdns:
        attributes = list(rdn)
        if len(attributes) > 1:
            raise CertificateError("has a subject with several attributes in one part (joined by +)")
        oid, value = attributes[0].oid, attributes[0].value
        if oid not in _SUBJECT_NAMES:
            allowed = ", ".join(_SUBJECT_NAMES.values())
            raise CertificateError(f"has the attribute {oid.dotted_string} in its subject: only {allowed} are allowed")
        if not isinstance(value, str) or not _PRINTABLE.fullmatch(value):
            raise CertificateError("has a subject with characters that are not printable ASCII")
        if value == "#":
            # OpenSSL escapes it only where something follows.
            raise CertificateError("has a subject with a part that is only #")
    return name.rfc4514_string(_SUBJECT_NAMES)


def fingerprint(pem: str) -> str:
    """Return the SHA-256 fingerprint as `openssl x509 -fingerprint -sha256` prints it: `AB:CD:..`."""
    return load_certificate(pem).fingerprint(hashes.SHA256()).hex(":").upper()


def expires_at(pem: str) -> datetime:
    """Return when the certificate stops being valid (UTC, aware)."""
    return load_certificate(pem).not_valid_after_utc


def check_ca_certificate(pem: str, now: datetime | None = None) -> None:
    """Check that a PEM text is one CA certificate that routers can trust.

    That is: one certificate and nothing else, self-signed (OpenSSL wants the chain up to a root, and nginx
    looks no further than depth 0), CA:TRUE, keyCertSign, valid now, RSA of 2048 bits or more or EC P-256
    or more, and a subject that `subject_of` can print.

    Raises:
        CertificateError: says which of these does not hold.
    """
    certificate = load_certificate(pem)
    subject_of(pem)
    _check_ca_extensions(certificate)
    _check_key_strength(certificate.public_key())
    _check_self_signed(certificate)
    _check_dates(certificate, now or datetime.now(UTC))


def check_key_pair(pair: KeyPair) -> None:
    """Check that the private key is readable PEM, not encrypted, and belongs to the certificate.

    Raises:
        CertificateError: says which of these does not hold; never shows the key.
    """
    key = _load_key(pair.private_key_pem)
    if key.public_key() != load_certificate(pair.certificate_pem).public_key():
        raise CertificateError("the private key does not belong to the certificate")


def new_ca(common_name: str, days: int, organization: str | None = None, now: datetime | None = None) -> KeyPair:
    """Make a certificate authority that signs leaves only: EC P-256, self-signed, path length 0.

    Args:
        common_name: CN of the subject, at most 64 printable ASCII characters.
        days: how long it is valid, in days from `now`.
        organization: O of the subject, if wanted.
        now: the moment of making; the present by default.
    """
    moment = _moment(now)
    key = ec.generate_private_key(ec.SECP256R1())
    name = _subject(common_name, organization)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    builder = (
        _builder(name, name, key.public_key(), moment)
        .not_valid_after(moment + _days(days))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(ca=True), critical=True)
        .add_extension(identifier, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
    )
    return _pair(key, builder.sign(key, hashes.SHA256()))


def new_leaf(
    ca: KeyPair,
    common_name: str,
    *,
    dns_names: Sequence[str] = (),
    ip_addresses: Sequence[str] = (),
    usages: Collection[Usage] = ("server", "client"),
    days: int,
    key_type: KeyType = "ec",
    now: datetime | None = None,
) -> KeyPair:
    """Make a leaf certificate with a key of its own, signed by a CA (EC or RSA).

    Args:
        ca: the signing CA.
        common_name: CN of the subject, at most 64 printable ASCII characters.
        dns_names: DNS names of the subject alternative name.
        ip_addresses: IPv4 and IPv6 addresses of the subject alternative name.
        usages: what it may be used as in TLS: `server`, `client` or both.
        days: how long it is valid, in days from `now`; never longer than the CA.
        key_type: `ec` (P-256) or `rsa` (3072 bits), for programs that read no other.
        now: the moment of making; the present by default.

    Raises:
        CertificateError: the CA's key is not its certificate's, the CA has expired, or a name is no name.
    """
    check_key_pair(ca)
    moment = _moment(now)
    issuer = load_certificate(ca.certificate_pem)
    if issuer.not_valid_after_utc <= moment:
        raise CertificateError("the CA has expired: it can sign nothing")
    if not usages:
        raise CertificateError("a leaf certificate needs at least one usage: server or client")
    key: SigningKey = (
        rsa.generate_private_key(65537, _RSA_BITS) if key_type == "rsa" else ec.generate_private_key(ec.SECP256R1())
    )
    until = min(moment + _days(days), issuer.not_valid_after_utc)
    builder = (
        _builder(_subject(common_name, None), issuer.subject, key.public_key(), moment)
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(ca=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([_USAGE_OIDS[u] for u in sorted(usages)]), critical=False)
        .add_extension(_alternative_names(dns_names, ip_addresses), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(_authority(issuer), critical=False)
    )
    return _pair(key, builder.sign(_load_key(ca.private_key_pem), hashes.SHA256()))


def _read_all(certificate: x509.Certificate) -> None:
    """Read every part now; cryptography parses late, so damage would show at any later use."""
    _ = (certificate.subject, certificate.issuer, certificate.extensions, certificate.public_key())
    _ = (
        certificate.not_valid_before_utc,
        certificate.not_valid_after_utc,
        certificate.signature_algorithm_oid,
    )


def _check_ca_extensions(certificate: x509.Certificate) -> None:
    extensions = certificate.extensions
    for extension in extensions:
        if extension.critical and isinstance(extension.value, x509.UnrecognizedExtension):
            raise CertificateError(f"has an unknown critical extension {extension.oid.dotted_string}")
    try:
        is_ca = extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        is_ca = False
    if not is_ca:
        raise CertificateError("is not a CA certificate (basicConstraints CA:TRUE is missing)")
    try:
        may_sign = extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    except x509.ExtensionNotFound:
        may_sign = False
    if not may_sign:
        raise CertificateError("may not sign certificates (keyUsage keyCertSign is missing)")


def _check_key_strength(key: CertificatePublicKeyTypes) -> None:
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < MIN_RSA_BITS:
            raise CertificateError(f"has an RSA key of {key.key_size} bits: {MIN_RSA_BITS} or more are needed")
    elif isinstance(key, ec.EllipticCurvePublicKey):
        if key.curve.key_size < MIN_EC_BITS:
            raise CertificateError(f"has an EC key on {key.curve.name}: use P-256, P-384 or P-521")
    else:
        raise CertificateError("has a key that is neither RSA nor EC")


def _check_self_signed(certificate: x509.Certificate) -> None:
    try:
        certificate.verify_directly_issued_by(certificate)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        raise CertificateError("is not self-signed: routers trust a root CA, not an intermediate one") from None


def _check_dates(certificate: x509.Certificate, now: datetime) -> None:
    if certificate.not_valid_after_utc <= now:
        raise CertificateError(f"expired on {certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC")
    if certificate.not_valid_before_utc > now:
        raise CertificateError(f"is not valid before {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC")


def _load_key(pem: str) -> SigningKey:
    try:
        key = serialization.load_pem_private_key(pem.encode("ascii"), password=None)
    except TypeError:
        raise CertificateError("the private key is encrypted: give it without a passphrase") from None
    except (ValueError, UnsupportedAlgorithm):
        raise CertificateError("the private key is not a readable PEM private key") from None
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise CertificateError("the private key is neither RSA nor EC")
    return key


def _moment(now: datetime | None) -> datetime:
    return (now or datetime.now(UTC)).replace(microsecond=0)


def _days(days: int) -> timedelta:
    if days < 1:
        raise CertificateError(f"a certificate must be valid for at least one day, not {days}")
    return timedelta(days=days)


def _subject(common_name: str, organization: str | None) -> x509.Name:
    parts = [(NameOID.ORGANIZATION_NAME, organization), (NameOID.COMMON_NAME, common_name)]
    attributes: list[x509.NameAttribute[str]] = []
    for oid, value in parts:
        if value is None:
            continue
        if not _PRINTABLE.fullmatch(value) or len(value) > MAX_COMMON_NAME:
            raise CertificateError(
                f"the {_SUBJECT_NAMES[oid]} of a certificate must be 1 to {MAX_COMMON_NAME} printable ASCII characters"
            )
        attributes.append(x509.NameAttribute(oid, value))
    return x509.Name(attributes)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey, moment: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment - CLOCK_SKEW)
    )


def _key_usage(*, ca: bool) -> x509.KeyUsage:
    """A CA signs certificates and revocation lists only; an EC leaf signs handshakes only."""
    return x509.KeyUsage(
        digital_signature=not ca,
        key_cert_sign=ca,
        crl_sign=ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _alternative_names(dns_names: Sequence[str], ip_addresses: Sequence[str]) -> x509.SubjectAlternativeName:
    if not dns_names and not ip_addresses:
        raise CertificateError("a leaf certificate needs at least one DNS name or IP address")
    try:
        names: list[x509.GeneralName] = [x509.DNSName(name) for name in dns_names]
        names += [x509.IPAddress(ipaddress.ip_address(address)) for address in ip_addresses]
    except ValueError:
        raise CertificateError("a DNS name or IP address of the certificate is not one") from None
    return x509.SubjectAlternativeName(names)


def _authority(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    """Name the CA's key as the CA itself names it; a CA may carry an identifier that is no hash."""
    try:
        identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:
        identifier = x509.SubjectKeyIdentifier.from_public_key(issuer.public_key())
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)


def _pair(key: SigningKey, certificate: x509.Certificate) -> KeyPair:
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return KeyPair(private.decode("ascii"), certificate.public_bytes(serialization.Encoding.PEM).decode("ascii"))
