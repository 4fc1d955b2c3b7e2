"""What is fixed about one simulated site for its whole life, kept in its `site.json`."""

import json
import re
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path

from kubefate_pulumi.simulator.errors import SimulatorError
from kubefate_pulumi.simulator.files import write_private
from kubefate_pulumi.simulator.ports import LOOPBACK, free_ports

MAXIMUM_SITES = 32
"""Sites of one simulator; 198.18.0.0/15 holds as many blocks of public addresses."""

USERS = {
    "admin": ("kubefate-admin", ("system:masters",)),
    "controller-manager": ("system:kube-controller-manager", ()),
    "scheduler": ("system:kube-scheduler", ()),
    "kwok": ("simulator:kubelets", ("system:masters",)),
}
"""Token name to user name and groups. kwok plays all kubelets and the storage provisioner, so it may do all."""

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")


def check_name(name: str) -> None:
    """Refuse a site name that cannot be part of a node's name, a context and a directory.

    Raises:
        SimulatorError: the name's shape is wrong.
    """
    if not _NAME.fullmatch(name):
        raise SimulatorError(
            f"{name!r} cannot name a site: use 1 to 40 lower-case letters, digits and '-', "
            "with a letter or digit at both ends."
        )


@dataclass(frozen=True)
class Addresses:
    """The address blocks of one site; no two sites of a simulator share one.

    `198.18.0.0/15` is set aside for benchmarks (RFC 2544), so no real host has such an address.
    """

    index: int

    @property
    def public_prefix(self) -> str:
        """The first two octets of public addresses; the other two are those of the cluster address."""
        return f"198.{18 + self.index // 16}"

    @property
    def _third_octet(self) -> int:
        return 16 * (self.index % 16)

    @property
    def public_range(self) -> str:
        """The block of all public addresses."""
        return f"{self.public_prefix}.{self._third_octet}.0/20"

    @property
    def service_range(self) -> str:
        """The block of cluster addresses, as large as that of the public ones."""
        return f"10.{118 + self.index // 16}.{self._third_octet}.0/20"

    @property
    def api_server(self) -> str:
        """The cluster address of the API server: always the first of the block."""
        return f"10.{118 + self.index // 16}.{self._third_octet}.1"

    @property
    def ingress(self) -> str:
        """The public address of every Ingress. Its cluster address is the API server's, so no Service has it."""
        return f"{self.public_prefix}.{self._third_octet}.1"

    @property
    def pod_range(self) -> str:
        """The block of pod addresses."""
        return f"10.{64 + self.index}.0.0/16"

    def node(self, number: int) -> str:
        """Return the address of the site's n-th node, counted from 1."""
        return f"10.200.{self.index}.{number}"


@dataclass(frozen=True)
class SiteRecord:
    """One site's index, ports and tokens."""

    name: str
    index: int
    ports: dict[str, int] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def addresses(self) -> Addresses:
        """The site's address blocks."""
        return Addresses(self.index)

    @property
    def server(self) -> str:
        """The URL of the API server."""
        return f"https://{LOOPBACK}:{self.ports['kube-apiserver']}"

    @classmethod
    def make(cls, name: str, index: int) -> "SiteRecord":
        """Choose ports and tokens for a new site."""
        check_name(name)
        api_server, etcd, etcd_peer = free_ports(3)
        return cls(
            name=name,
            index=index,
            ports={"kube-apiserver": api_server, "etcd": etcd, "etcd-peer": etcd_peer},
            tokens={user: secrets.token_urlsafe(24) for user in USERS},
        )

    @classmethod
    def read(cls, path: Path) -> "SiteRecord":
        """Read a record that `write` wrote.

        Raises:
            SimulatorError: the file is not such a record.
        """
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            return cls(**data)
        except (ValueError, TypeError) as error:
            raise SimulatorError(
                f"{path} is not the record of a site. Take the site away with `kubefate sim down`."
            ) from error

    def write(self, path: Path) -> None:
        """Write the record, readable by its owner only: it holds tokens."""
        write_private(path, json.dumps(asdict(self), indent=2) + "\n")
