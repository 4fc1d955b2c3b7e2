"""A federation: all units that one stack deploys, wired to each other and to the peers that others deploy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pulumi
from pulumi_kubernetes import Provider

from kubefate_pulumi.components.args import (
    EndpointArgs,
    ExchangeArgs,
    ExposureArgs,
    FederatedLearningClusterArgs,
    FederationArgs,
    PartyEndpointArgs,
    PeerArgs,
    UnitArgs,
)
from kubefate_pulumi.components.endpoint import ExchangeEndpoint, PartyEndpoint
from kubefate_pulumi.components.exchange import Exchange
from kubefate_pulumi.components.flc import FederatedLearningCluster
from kubefate_pulumi.components.unit import federation_facts, is_dialled_plainly
from kubefate_pulumi.fate.model import EXCHANGE, Topology

Endpoint = PartyEndpoint | ExchangeEndpoint


@dataclass(frozen=True)
class UnitPlan:
    """One unit to deploy.

    Args:
        provider: The Kubernetes provider of its site, with mutable ConfigMaps and Secrets.
        namespace: Its namespace, if not the default.
        exposure: How its router is reached.
        authority: Certificate and private key (PEM) of its own authority, if not generated.
        workload: The remaining arguments of `FederatedLearningCluster` or `Exchange`.
    """

    provider: Provider
    namespace: str | None = None
    exposure: ExposureArgs = field(default_factory=ExposureArgs)
    authority: tuple[pulumi.Input[str], pulumi.Input[str]] | None = None
    workload: Mapping[str, Any] = field(default_factory=dict)


class Federation(pulumi.ComponentResource):
    """The units of one stack: endpoints, then configurations built from them; workloads wait for no other unit.

    Each unit is deployed by the provider of its own site, so this component takes plans, not a `provider` option,
    and is for Python programs only.
    """

    endpoints: Mapping[str, Endpoint]
    """The endpoint of each unit of this stack."""
    clusters: Mapping[str, FederatedLearningCluster]
    """The federated learning cluster of each party of this stack."""

    def __init__(
        self,
        name: str,
        federation: FederationArgs,
        units: Mapping[str, UnitPlan],
        peers: Sequence[PeerArgs] = (),
        *,
        endpoints_only: bool = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Register the units.

        Args:
            name: Pulumi name.
            federation: What all parties share.
            units: What this stack deploys, by unit name (`exchange` or a party id).
            peers: What is known of the units that this stack does not deploy.
            endpoints_only: Deploy namespaces, addresses and authorities, and no workloads.
            opts: Options.
        """
        super().__init__("kubefate:index:Federation", name, {"units": sorted(units)}, opts)
        self._federation = federation
        self.endpoints = {unit: self._endpoint(unit, plan, peers) for unit, plan in units.items()}
        known = [_peer_args(unit, endpoint) for unit, endpoint in self.endpoints.items()] + list(peers)
        self.clusters = {}
        if not endpoints_only:
            for unit, plan in units.items():
                self._workload(unit, plan, self._peers_of(unit, known))
        self.register_outputs({})

    def _options(self, plan: UnitPlan) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, providers=[plan.provider])

    def _workload_options(self, unit: str, plan: UnitPlan) -> pulumi.ResourceOptions:
        """Return options with which a unit's namespace takes all objects along: one delete instead of fifty."""
        namespace = self.endpoints[unit].namespace_resource
        return pulumi.ResourceOptions.merge(self._options(plan), pulumi.ResourceOptions(deleted_with=namespace))

    def _endpoint(self, unit: str, plan: UnitPlan, peers: Sequence[PeerArgs]) -> Endpoint:
        args: EndpointArgs = {"federation": self._federation, "exposure": plan.exposure}
        if plan.namespace is not None:
            args["namespace"] = plan.namespace
        if is_dialled_plainly(federation_facts(self._federation), unit, peers):
            args["plain"] = True
        if plan.authority is not None:
            args["ca_certificate"], args["ca_private_key"] = plan.authority
        if unit == EXCHANGE:
            return ExchangeEndpoint(unit, args, self._options(plan))
        party_args: PartyEndpointArgs = {**args, "party_id": int(unit)}
        return PartyEndpoint(f"party-{unit}", party_args, self._options(plan))

    def _peers_of(self, unit: str, known: Sequence[PeerArgs]) -> list[PeerArgs]:
        """Return the peers of a unit; in a direct topology nobody has anything to do with an exchange."""
        star = self._federation["topology"] == Topology.STAR
        others = [peer for peer in known if peer["unit"] != unit and (star or peer["unit"] != EXCHANGE)]
        return sorted(others, key=lambda peer: peer["unit"])

    def _workload(self, unit: str, plan: UnitPlan, peers: Sequence[PeerArgs]) -> None:
        endpoint = self.endpoints[unit]
        args: UnitArgs = {
            "federation": self._federation,
            "namespace": endpoint.namespace,
            "ca_certificate": endpoint.ca_certificate,
            "ca_private_key": endpoint.ca_private_key,
            "peers": peers,
        }
        whole = {**args, **plan.workload}
        if unit == EXCHANGE:
            Exchange(unit, cast("ExchangeArgs", whole), self._workload_options(unit, plan))
            return
        whole["party_id"] = int(unit)
        cluster = FederatedLearningCluster(
            f"party-{unit}", cast("FederatedLearningClusterArgs", whole), self._workload_options(unit, plan)
        )
        cast("dict[str, FederatedLearningCluster]", self.clusters)[unit] = cluster


def _peer_args(unit: str, endpoint: Endpoint) -> PeerArgs:
    return {
        "unit": unit,
        "host": endpoint.host,
        "control_port": endpoint.control_port,
        "data_port": endpoint.data_port,
        "ca_certificate": endpoint.ca_certificate,
    }
