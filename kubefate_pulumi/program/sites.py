"""The provider of a unit's site."""

import os
from collections.abc import Mapping
from pathlib import Path

import pulumi
from pulumi_kubernetes import Provider

from kubefate_pulumi import config


def site_provider(unit: str, site: config.Site, base: Path, environment: Mapping[str, str]) -> Provider:
    """Register the Kubernetes provider of a unit, each unit its own.

    ConfigMaps and Secrets are mutable: names are fixed, so a changed route must be a change in place. The cluster
    is identified by its context, so that a new address or a rotated credential of the same cluster replaces nothing.

    Args:
        unit: Name of the unit.
        site: The site from the unit's file.
        base: Directory of that file: where a relative kubeconfig path starts.
        environment: The process environment, for `KUBECONFIG`.

    Raises:
        pulumi.RunError: There is no kubeconfig file where one is named.
    """
    kubernetes = site.kubernetes
    context = kubernetes.context
    return Provider(
        f"{unit}-site",
        kubeconfig=_kubeconfig(unit, kubernetes.kubeconfig, base, environment),
        context=context,
        cluster_identifier=kubernetes.identifier or f"kubernetes/{context or unit}",
        enable_config_map_mutable=True,
        enable_secret_mutable=True,
    )


def _kubeconfig(unit: str, given: str | None, base: Path, environment: Mapping[str, str]) -> str | None:
    """Return the path of the kubeconfig file, or None for the client's own default."""
    if given is not None:
        path = base / Path(given).expanduser()
        if not path.is_file():
            raise pulumi.RunError(
                f"unit {unit}: site.kubernetes.kubeconfig names {given}, which is no file. "
                "The path is relative to the file that names it."
            )
        return str(path)
    named = environment.get("KUBECONFIG", "")
    if os.pathsep in named:
        raise pulumi.RunError(
            f"unit {unit}: KUBECONFIG names several files, which Pulumi's Kubernetes provider cannot read. "
            "Name one in site.kubernetes.kubeconfig, or merge them: kubectl config view --flatten"
        )
    return named or None
