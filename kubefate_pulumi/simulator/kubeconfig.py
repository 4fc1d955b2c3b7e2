"""Kubeconfig files for simulated sites."""

import base64
from collections.abc import Iterable
from pathlib import Path

import yaml

from kubefate_pulumi.simulator.files import write_private
from kubefate_pulumi.simulator.record import SiteRecord


def write_kubeconfig(path: Path, records: Iterable[SiteRecord], authority: dict[str, bytes], user: str) -> None:
    """Write one file with a context per site, named as the site; the first is the current one.

    Args:
        path: the file.
        records: the sites.
        authority: site name to the PEM text of its CA certificate.
        user: whose token the file holds, a key of `record.USERS`.
    """
    sites = list(records)
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": site.name,
                "cluster": {
                    "server": site.server,
                    "certificate-authority-data": base64.b64encode(authority[site.name]).decode(),
                },
            }
            for site in sites
        ],
        "users": [{"name": site.name, "user": {"token": site.tokens[user]}} for site in sites],
        "contexts": [{"name": site.name, "context": {"cluster": site.name, "user": site.name}} for site in sites],
        "current-context": sites[0].name if sites else "",
    }
    write_private(path, yaml.safe_dump(content, sort_keys=False))
