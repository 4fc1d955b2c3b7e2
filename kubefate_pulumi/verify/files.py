"""The units of a directory of files, as the ladder sees them."""

from collections.abc import Sequence
from pathlib import Path

from kubefate_pulumi import config
from kubefate_pulumi.fate.model import EXCHANGE
from kubefate_pulumi.fate.names import default_namespace
from kubefate_pulumi.verify.cluster import UnitCluster
from kubefate_pulumi.verify.context import UnitContext


class UnknownUnitError(ValueError):
    """A unit that has no file."""


def contexts(loaded: config.Loaded, units: Sequence[str], seconds: float) -> list[UnitContext]:
    """Return the units to check: those named, or all that have a file.

    Args:
        loaded: The files.
        units: Names of units.
        seconds: How long one answer may take.

    Raises:
        UnknownUnitError: A unit has no file here; the text names those that have.
    """
    known = loaded.units
    for unit in units:
        if unit not in known:
            raise UnknownUnitError(f"{unit} has no file in {loaded.directory}: units with one are {', '.join(known)}")
    return [_context(loaded, unit, seconds) for unit in (units or known)]


def _context(loaded: config.Loaded, unit: str, seconds: float) -> UnitContext:
    file = loaded.units[unit]
    site = file.site.kubernetes
    base = loaded.directory if unit == EXCHANGE else loaded.directory / "parties"
    published = loaded.peers.get(unit)
    return UnitContext(
        unit=unit,
        federation=loaded.federation.facts(),
        cluster=UnitCluster(
            file.namespace or default_namespace(unit), _absolute(site.kubeconfig_path(base)), site.context
        ),
        given_address=None if file.exposure is None else file.exposure.address,
        published_address=None if published is None else published.endpoint.host,
        seconds=seconds,
    )


def _absolute(path: Path | None) -> Path | None:
    return None if path is None else path.absolute()
