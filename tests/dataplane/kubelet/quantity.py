"""Kubernetes quantities (`100m`, `256Mi`) as whole multiples of a divisor, as the downward API gives them."""

import math
import re
from fractions import Fraction

_UNITS = {
    "": Fraction(1),
    "n": Fraction(1, 10**9),
    "u": Fraction(1, 10**6),
    "m": Fraction(1, 1000),
    **{unit: Fraction(1000 ** (at + 1)) for at, unit in enumerate("kMGTPE")},
    **{f"{unit}i": Fraction(1024 ** (at + 1)) for at, unit in enumerate("KMGTPE")},
}
_SHAPE = re.compile(r"([0-9.]+)(?:([a-zA-Z]*)|[eE]([0-9]+))")


def amount(text: str) -> Fraction:
    """Return what a quantity says.

    Raises:
        ValueError: it is none.
    """
    match = _SHAPE.fullmatch(text)
    if match is None or (match[2] or "") not in _UNITS:
        raise ValueError(f"{text!r} is no quantity")
    return Fraction(match[1]) * (Fraction(10) ** int(match[3]) if match[3] else _UNITS[match[2]])


def in_units(text: str, divisor: str) -> str:
    """Return a quantity as a whole number of divisors, rounded up; a divisor of `0` means 1."""
    unit = amount(divisor) or Fraction(1)
    return str(math.ceil(amount(text) / unit))
