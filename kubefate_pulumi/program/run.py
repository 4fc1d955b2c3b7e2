"""Files to components to outputs."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi

from kubefate_pulumi import config
from kubefate_pulumi.components.args import FederationArgs, PeerArgs
from kubefate_pulumi.components.federation import Endpoint, Federation, UnitPlan
from kubefate_pulumi.fate.model import EXCHANGE
from kubefate_pulumi.program.settings import StackSettings, read_settings
from kubefate_pulumi.program.sites import site_provider

NOT_WORKLOAD = {"site", "namespace", "exposure"}
"""Keys of a unit's file that the endpoint or the provider takes."""


def run() -> None:
    """Deploy the units of the running stack from the files in `stacks/`.

    Raises:
        pulumi.RunError: The files or the configuration are wrong; the text names every problem.
    """
    settings = read_settings()
    directory = Path(pulumi.get_root_directory()) / "stacks"
    try:
        loaded = config.load(directory)
        selection = loaded.select(settings.units, endpoints_only=settings.endpoints_only, stack=pulumi.get_stack())
    except config.ConfigError as error:
        # Paths as people type them: from the directory that they run pulumi in.
        raise pulumi.RunError(str(error).replace(f"{directory.parent}{os.sep}", "")) from None
    shared = _federation_args(loaded.federation)
    plans = {unit: _plan(unit, selection.own[unit], directory, settings) for unit in selection.units}
    federation = Federation(
        loaded.federation.name,
        shared,
        plans,
        [_peer_args(peer) for peer in selection.peers.values()],
        endpoints_only=settings.endpoints_only,
    )
    _export(federation)


def _federation_args(file: config.FederationFile) -> FederationArgs:
    return {
        "name": file.name,
        "domain": file.domain,
        "topology": str(file.topology),
        "parties": list(file.parties),
        "fate_version": file.fate_version,
    }


def _peer_args(document: config.PeerDocument) -> PeerArgs:
    args: PeerArgs = {
        "unit": document.unit,
        "host": document.endpoint.host,
        "control_port": document.endpoint.control_port,
        "data_port": document.endpoint.data_port,
        "ca_certificate": document.ca_certificate,
    }
    if document.subject is not None:
        args["subject"] = document.subject
    if document.plain is not None:
        args["plain"] = {"grpc_port": document.plain.grpc_port, "accept_from": list(document.plain.accept_from)}
    return args


def _plan(
    unit: str, file: config.PartyFile | config.ExchangeFile, directory: Path, settings: StackSettings
) -> UnitPlan:
    given: Mapping[str, Any] = file.model_dump(mode="json", exclude_unset=True, exclude_none=True)
    workload = {key: value for key, value in given.items() if key not in NOT_WORKLOAD}
    credentials = settings.credentials(unit)
    if credentials:
        workload["credentials"] = credentials
    base = directory if unit == EXCHANGE else directory / "parties"
    return UnitPlan(
        provider=site_provider(unit, file.site, base, os.environ),
        namespace=given.get("namespace"),
        exposure=given.get("exposure", {}),
        authority=settings.authority(unit),
        workload=workload,
    )


def _export(federation: Federation) -> None:
    """Export what people and other stacks read: peer documents, a table of units, and passwords as secrets."""
    endpoints = federation.endpoints
    pulumi.export("units", {unit: _summary(endpoint) for unit, endpoint in endpoints.items()})
    pulumi.export("peers", {unit: endpoint.peer for unit, endpoint in endpoints.items()})
    if len(endpoints) == 1:
        pulumi.export("peer", next(iter(endpoints.values())).peer)
    if federation.clusters:
        pulumi.export(
            "passwords",
            {
                unit: {"fateboard": cluster.fateboard_password, "notebook": cluster.notebook_password}
                for unit, cluster in federation.clusters.items()
            },
        )


def _summary(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "namespace": endpoint.namespace,
        "host": endpoint.host,
        "control_port": endpoint.control_port,
        "data_port": endpoint.data_port,
    }
