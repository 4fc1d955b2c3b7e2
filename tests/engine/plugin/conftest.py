"""Fixtures of the tests of the Kubernetes plugin."""

import subprocess
from collections.abc import Callable

import pytest
from engine.inline import InlineStack
from engine.plugin.custom import Custom
from engine.plugin.lab import SITE, Lab
from engine.sites import SiteClient

from kubefate_pulumi.simulator.manager import Simulator


@pytest.fixture
def lab_on(
    simulator: Simulator,
    site_client: Callable[[str], SiteClient],
    inline_stack: Callable[..., InlineStack],
    suffix: str,
) -> Callable[[str], Lab]:
    """Make a namespace of the simulated site of that name, and a stack."""

    def make(site: str) -> Lab:
        made = Lab(inline_stack(lambda: None), site_client(site), str(simulator.merged_kubeconfig), suffix)
        made.client.core.create_namespace({"metadata": {"name": made.namespace}})
        return made

    return make


@pytest.fixture
def lab(lab_on: Callable[[str], Lab]) -> Lab:
    """A namespace of a simulated site, and a stack."""
    return lab_on(SITE)


@pytest.fixture
def custom(lab_on: Callable[[str], Lab], more_sites: Callable[..., None]) -> Custom:
    """The same with a kind of the test's own, on a site where kinds may come and go: nobody lists all of them."""
    more_sites("test-kinds")
    return Custom(lab_on("test-kinds"))


@pytest.fixture
def stand_in(simulator: Simulator) -> None:
    """Leave the test out where the official plugin is used."""
    plugin = simulator.home.kubernetes_plugin()
    told = subprocess.run([str(plugin), "--version"], capture_output=True, text=True, check=False, timeout=10)
    if "stand-in" not in told.stdout:
        pytest.skip("this is about the stand-in, and the official plugin is in use")
