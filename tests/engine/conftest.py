"""Fixtures of all tests that run the real engine or use the simulated site."""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from engine.federation_rig import FederationRig
from engine.inline import InlineStack, Program
from engine.sites import SiteClient, Thing, shared_simulator
from engine.support import Project

from kubefate_pulumi.simulator.manager import Simulator


@pytest.fixture(scope="session")
def simulator(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Simulator]:
    """The simulator of this run; the sites exchange, party-9999 and party-10000 are up."""
    own = tmp_path_factory.getbasetemp()
    yield from shared_simulator(own if worker_id == "master" else own.parent)


@pytest.fixture(scope="session")
def more_sites(simulator: Simulator) -> Callable[..., None]:
    """Start further sites of the shared simulator; they go with it."""
    return lambda *names: simulator.up(names)


@pytest.fixture(scope="session")
def site_client(simulator: Simulator) -> Callable[[str], SiteClient]:
    """The official Kubernetes client of a site, by the site's name."""
    made: dict[str, SiteClient] = {}

    def client(name: str) -> SiteClient:
        if name not in made:
            made[name] = SiteClient(simulator, name)
        return made[name]

    return client


@pytest.fixture(scope="session")
def all_objects(site_client: Callable[[str], SiteClient]) -> Callable[..., set[Thing]]:
    """Every object of a site: `all_objects(site, within=None)`, see `SiteClient.objects`."""

    def listed(name: str, within: str | None = None) -> set[Thing]:
        return site_client(name).objects(within)

    return listed


@pytest.fixture
def suffix() -> str:
    """A text that no other test has in its names."""
    return secrets.token_hex(3)


@pytest.fixture
def new_project(simulator: Simulator, tmp_path: Path, suffix: str) -> Iterator[Callable[[], Project]]:
    """Make empty projects, with the program of this repository and no stacks; all share one suffix."""
    made: list[Project] = []

    def make() -> Project:
        directory = tmp_path / f"project-{len(made)}"
        directory.mkdir()
        made.append(Project(simulator, directory, suffix))
        return made[-1]

    yield make
    for project in made:
        project.end()


@pytest.fixture
def project(new_project: Callable[[], Project]) -> Project:
    """A project with the repository's `stacks/` in namespaces of its own."""
    made = new_project()
    made.copy_stacks()
    return made


@pytest.fixture
def inline_stack(simulator: Simulator, tmp_path: Path) -> Iterator[Callable[..., InlineStack]]:
    """Make stacks of small programs: `inline_stack(program, config=None)`."""
    made: list[InlineStack] = []

    def make(program: Program, config: dict[str, str] | None = None) -> InlineStack:
        directory = tmp_path / f"inline-{len(made)}"
        directory.mkdir()
        made.append(InlineStack(simulator, directory, program, config or {}))
        return made[-1]

    yield make
    for stack in made:
        stack.close()


@pytest.fixture
def rig(new_project: Callable[[], Project], site_client: Callable[[str], SiteClient]) -> Iterator[FederationRig]:
    """The project of a federation, empty."""
    made = FederationRig(new_project(), site_client)
    yield made
    made.drop()
