"""Generated credentials: certificate authorities, certificates and passwords that live in the stack's encrypted state.

They are dynamic resources, so no further provider plugin is needed, and a value that was generated once stays until
its inputs change or its lifetime nears its end. The provider classes are importable and hold no state: what Pulumi
stores of them is their name, so this module's path is part of the stack's contract.
"""

import secrets
import string
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult

from kubefate_pulumi.trust import x509

CA_DAYS = 3650
"""Lifetime of a generated certificate authority, in days."""

LEAF_DAYS = 397
"""Lifetime of a generated certificate, in days."""

RENEW_BEFORE_DAYS = 60
"""A certificate with fewer days left is made again by the next `pulumi up`."""

PASSWORD_LENGTH = 32
PASSWORD_ALPHABET = string.ascii_letters + string.digits
"""Letters and digits only: the value goes into YAML, properties files and URLs."""

_AUTHORITY_INPUTS = ("common_name", "days")
_LEAF_INPUTS = ("common_name", "dns_names", "usages", "days", "renew_before_days", "key_type", "ca_certificate")
_PASSWORD_INPUTS = ("length",)


def _changed(olds: Mapping[str, Any], news: Mapping[str, Any], names: Sequence[str]) -> bool:
    """Tell whether one of the named inputs differs; an input that is still unknown does."""
    return any(olds.get(name) != news.get(name) for name in names)


def _with_secrets(opts: pulumi.ResourceOptions | None, names: list[str]) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(additional_secret_outputs=names))


class _GeneratedProvider(ResourceProvider):
    """What the three kinds of credentials share: made on create, made again when an input changes."""

    serialize_as_secret_always = False
    inputs: Sequence[str] = ()

    def generate(self, props: Mapping[str, Any]) -> dict[str, Any]:
        raise NotImplementedError

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult(secrets.token_hex(8), {**props, **self.generate(props)})

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        return DiffResult(changes=_changed(olds, news, self.inputs))

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        return UpdateResult({**news, **self.generate(news)})


class _AuthorityProvider(_GeneratedProvider):
    inputs = _AUTHORITY_INPUTS

    def generate(self, props: Mapping[str, Any]) -> dict[str, Any]:
        pair = x509.new_ca(props["common_name"], days=int(props["days"]))
        return {"certificate": pair.certificate_pem, "private_key": pair.private_key_pem}


class _LeafProvider(_GeneratedProvider):
    inputs = _LEAF_INPUTS

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        return DiffResult(changes=_changed(olds, news, self.inputs) or self._is_due(olds))

    def _is_due(self, olds: Mapping[str, Any]) -> bool:
        expiry = x509.expires_at(olds["certificate"])
        if expiry >= x509.expires_at(olds["ca_certificate"]):
            return False  # A new one would end at the same moment: no certificate outlives its authority.
        return expiry - datetime.now(UTC) < timedelta(days=int(olds["renew_before_days"]))

    def generate(self, props: Mapping[str, Any]) -> dict[str, Any]:
        authority = x509.KeyPair(private_key_pem=props["ca_private_key"], certificate_pem=props["ca_certificate"])
        pair = x509.new_leaf(
            authority,
            props["common_name"],
            dns_names=list(props["dns_names"]),
            usages=list(props["usages"]),
            days=int(props["days"]),
            key_type=props["key_type"],
        )
        return {"certificate": pair.certificate_pem, "private_key": pair.private_key_pem}


class _PasswordProvider(_GeneratedProvider):
    inputs = _PASSWORD_INPUTS

    def generate(self, props: Mapping[str, Any]) -> dict[str, Any]:
        length = int(props["length"])
        return {"result": "".join(secrets.choice(PASSWORD_ALPHABET) for _ in range(length))}


class CertificateAuthority(Resource, module="kubefate", name="CertificateAuthority"):
    """A self-signed certificate authority. The private key is a secret of the stack that made it."""

    certificate: pulumi.Output[str]
    """The certificate, PEM."""
    private_key: pulumi.Output[str]
    """The private key, PEM, PKCS#8, a secret."""

    def __init__(
        self,
        name: str,
        common_name: pulumi.Input[str],
        days: int = CA_DAYS,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(
            _AuthorityProvider(),
            name,
            {"common_name": common_name, "days": days, "certificate": None, "private_key": None},
            _with_secrets(opts, ["private_key"]),
        )


class Certificate(Resource, module="kubefate", name="Certificate"):
    """A certificate signed by an authority of the same stack, renewed before it expires."""

    certificate: pulumi.Output[str]
    """The certificate, PEM."""
    private_key: pulumi.Output[str]
    """The private key, PEM, PKCS#8 (Pulsar reads no other), a secret."""

    def __init__(
        self,
        name: str,
        *,
        common_name: pulumi.Input[str],
        dns_names: Sequence[str],
        usages: Sequence[str],
        ca_certificate: pulumi.Input[str],
        ca_private_key: pulumi.Input[str],
        days: int = LEAF_DAYS,
        renew_before_days: int = RENEW_BEFORE_DAYS,
        key_type: x509.KeyType = "ec",
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        props = {
            "common_name": common_name,
            "dns_names": list(dns_names),
            "usages": list(usages),
            "days": days,
            "renew_before_days": renew_before_days,
            "key_type": key_type,
            "ca_certificate": ca_certificate,
            "ca_private_key": pulumi.Output.secret(ca_private_key),
            "certificate": None,
            "private_key": None,
        }
        super().__init__(_LeafProvider(), name, props, _with_secrets(opts, ["private_key"]))


class Password(Resource, module="kubefate", name="Password"):
    """A random password of letters and digits, kept until it is replaced."""

    result: pulumi.Output[str]
    """The password, a secret."""

    def __init__(self, name: str, length: int = PASSWORD_LENGTH, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(_PasswordProvider(), name, {"length": length, "result": None}, _with_secrets(opts, ["result"]))
