"""Names that a unit's objects have in the API server, and that other software finds them by.

Source: KubeFATE charts `fate` and `fate-exchange` v1.11.2 (`nginx-public` is our own: docs/parity.md).
"""

from typing import Final

from kubefate_pulumi.fate.model import EXCHANGE

PART_LABEL: Final = "fateMoudle"
"""The label by which KubeFATE's charts select the pods of a part, in their spelling."""
ROUTER: Final = "nginx"
"""The router: the part, its Deployment, and its Service inside the cluster."""


def default_namespace(unit: str) -> str:
    """Return the namespace of a unit when none is given; KubeFATE's examples name it so, too."""
    return f"fate-{unit}"


def public_service(unit: str) -> str:
    """Return the Service at which peers reach a unit. A party has `nginx` for its own programs already."""
    return ROUTER if unit == EXCHANGE else f"{ROUTER}-public"
