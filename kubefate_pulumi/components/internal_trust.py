"""Trust inside a unit: a second authority, for TLS between the router and the broker, shown to nobody."""

from collections.abc import Sequence

import pulumi

from kubefate_pulumi.components.credentials import Certificate, CertificateAuthority
from kubefate_pulumi.trust import x509


class InternalTrust:
    """The internal authority of a party, and the certificates that it signs."""

    def __init__(self, name: str, dns_name: str, opts: pulumi.ResourceOptions) -> None:
        self._authority = CertificateAuthority(f"{name}-internal-ca", f"internal.{dns_name}", opts=opts)

    @property
    def certificate(self) -> pulumi.Output[str]:
        """The authority's certificate, PEM."""
        return self._authority.certificate

    def leaf(
        self,
        name: str,
        dns_names: Sequence[str],
        opts: pulumi.ResourceOptions,
        *,
        key_type: x509.KeyType = "ec",
    ) -> dict[str, pulumi.Input[str]]:
        """Register a certificate for server and client use; return it as the data of a TLS Secret."""
        leaf = Certificate(
            f"{name}-certificate",
            common_name=dns_names[0],
            dns_names=dns_names,
            usages=["server", "client"],
            key_type=key_type,
            ca_certificate=self._authority.certificate,
            ca_private_key=self._authority.private_key,
            opts=opts,
        )
        return {
            "tls.crt": leaf.certificate,
            "tls.key": leaf.private_key,
            "ca.crt": self._authority.certificate,
        }
