"""Fixtures of the tests that run what was deployed."""

import secrets
from collections.abc import Callable, Iterator

import pytest
from dataplane.altered import Altered
from dataplane.federation import EXCHANGE, Federation, deployed_star
from dataplane.kubelet.images import Table
from dataplane.kubelet.kubelet import PACE, Kubelet
from dataplane.kubelet.standard_images import standard_images
from dataplane.lab import SITE, Lab
from engine.conftest import simulator, site_client
from engine.federation_rig import TWO, FederationRig
from engine.sites import SiteClient

from kubefate_pulumi.simulator.manager import Simulator

__all__ = ["simulator", "site_client"]


@pytest.fixture
def new_kubelet() -> Iterator[Callable[..., Kubelet]]:
    """Make harnesses: `new_kubelet(table=None, pace=...)`; all are closed in the end."""
    made: list[Kubelet] = []

    def make(table: Table | None = None, pace: float = PACE) -> Kubelet:
        made.append(Kubelet(table or standard_images(), pace=pace))
        return made[-1]

    yield make
    for kubelet in made:
        kubelet.close()


@pytest.fixture(scope="session")
def star(
    simulator: Simulator, site_client: Callable[[str], SiteClient], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FederationRig]:
    """A star of two parties, deployed once. Tests may let parties join and images change, but both parties stay."""
    directory = tmp_path_factory.mktemp("star")
    with deployed_star(simulator, site_client, directory, secrets.token_hex(3)) as rig:
        yield rig


@pytest.fixture
def running_star(started_star: Federation) -> Federation:
    """A star with all routers and stand-ins for FATE Flow, running and ready; whatever changed before is done."""
    started_star.kubelet.settle(120)
    return started_star


@pytest.fixture(scope="session")
def started_star(star: FederationRig) -> Iterator[Federation]:
    """Start it once."""
    with Kubelet(standard_images()) as kubelet:
        federation = Federation(
            star, kubelet, dict(TWO), {EXCHANGE: Altered(star.client(EXCHANGE), "configmaps", "nginx-routes")}
        )
        federation.run_control_path()
        yield federation


@pytest.fixture
def lab(site_client: Callable[[str], SiteClient], new_kubelet: Callable[..., Kubelet]) -> Iterator[Lab]:
    """A namespace of one's own on a simulated site, whose pods are run."""
    made = Lab(site_client(SITE), new_kubelet())
    yield made
    made.drop()
