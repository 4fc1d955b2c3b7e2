"""What people write in `stacks/`: models, errors, JSON Schema. Imports no pulumi.

The exports are lazy, so that commands which read no files do not pay for pydantic.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kubefate_pulumi.config.errors import ConfigError, Problem
    from kubefate_pulumi.config.exchange import ExchangeFile
    from kubefate_pulumi.config.federation import EndpointDocument, FederationFile, PeerDocument
    from kubefate_pulumi.config.loading import Loaded, load
    from kubefate_pulumi.config.party import PartyFile
    from kubefate_pulumi.config.select import Selection
    from kubefate_pulumi.config.site import Exposure, KubernetesSite, Site

_EXPORTS = {
    "ConfigError": "errors",
    "EndpointDocument": "federation",
    "ExchangeFile": "exchange",
    "Exposure": "site",
    "FederationFile": "federation",
    "KubernetesSite": "site",
    "Loaded": "loading",
    "PartyFile": "party",
    "PeerDocument": "federation",
    "Problem": "errors",
    "Selection": "select",
    "Site": "site",
    "load": "loading",
}

__all__ = [
    "ConfigError",
    "EndpointDocument",
    "ExchangeFile",
    "Exposure",
    "FederationFile",
    "KubernetesSite",
    "Loaded",
    "PartyFile",
    "PeerDocument",
    "Problem",
    "Selection",
    "Site",
    "load",
]


def __getattr__(name: str) -> object:
    """Import an export on first use."""
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_EXPORTS[name]}"), name)
    globals()[name] = value
    return value
