"""Pulumi components for FATE federations.

The exports are lazy, so `import kubefate_pulumi` costs no Pulumi import.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from kubefate_pulumi._version import __version__

if TYPE_CHECKING:
    from kubefate_pulumi.components.args import (
        CredentialArgs,
        EndpointArgs,
        ExchangeArgs,
        ExposureArgs,
        FederatedLearningClusterArgs,
        FederationArgs,
        HdfsArgs,
        IngressArgs,
        PartyEndpointArgs,
        PeerArgs,
        ResourceArgs,
        SparkArgs,
        StorageArgs,
        VolumeArgs,
    )
    from kubefate_pulumi.components.endpoint import ExchangeEndpoint, PartyEndpoint
    from kubefate_pulumi.components.exchange import Exchange
    from kubefate_pulumi.components.federation import Federation, UnitPlan
    from kubefate_pulumi.components.flc import FederatedLearningCluster

_MODULES = {
    "args": (
        "CredentialArgs",
        "EndpointArgs",
        "ExchangeArgs",
        "ExposureArgs",
        "FederatedLearningClusterArgs",
        "FederationArgs",
        "HdfsArgs",
        "IngressArgs",
        "PartyEndpointArgs",
        "PeerArgs",
        "ResourceArgs",
        "SparkArgs",
        "StorageArgs",
        "VolumeArgs",
    ),
    "endpoint": ("ExchangeEndpoint", "PartyEndpoint"),
    "exchange": ("Exchange",),
    "federation": ("Federation", "UnitPlan"),
    "flc": ("FederatedLearningCluster",),
}
_EXPORTS = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "CredentialArgs",
    "EndpointArgs",
    "Exchange",
    "ExchangeArgs",
    "ExchangeEndpoint",
    "ExposureArgs",
    "FederatedLearningCluster",
    "FederatedLearningClusterArgs",
    "Federation",
    "FederationArgs",
    "HdfsArgs",
    "IngressArgs",
    "PartyEndpoint",
    "PartyEndpointArgs",
    "PeerArgs",
    "ResourceArgs",
    "SparkArgs",
    "StorageArgs",
    "UnitPlan",
    "VolumeArgs",
    "__version__",
]


def __getattr__(name: str) -> object:
    """Import a public name when it is first used."""
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"kubefate_pulumi.components.{_EXPORTS[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names, imported or not."""
    return sorted(__all__)
