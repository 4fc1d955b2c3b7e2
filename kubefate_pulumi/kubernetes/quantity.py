"""Kubernetes quantities as numbers."""

import re
from decimal import Decimal
from typing import Final

_SUFFIXES: Final = {
    "": 1,
    "k": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
}
_QUANTITY: Final = re.compile(r"(\d+(?:\.\d+)?)(k|M|G|T|Ki|Mi|Gi|Ti)?")


def mebibytes(quantity: str) -> int:
    """Return an amount of memory (`8Gi`, `500M`) in whole MiB, rounded down.

    Raises:
        ValueError: The text is no amount of memory.
    """
    match = _QUANTITY.fullmatch(quantity)
    if match is None:
        raise ValueError(f"{quantity!r} is no amount of memory: write a number and Mi, Gi, M or G, such as 8Gi")
    return int(Decimal(match[1]) * _SUFFIXES[match[2] or ""] / 2**20)
