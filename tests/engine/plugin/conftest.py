"""Fixtures of the tests of the Kubernetes plugin."""

import subprocess
from collections.abc import Callable

import pytest
from engine.inline import InlineStack
from engine.plugin.lab import SITE, Lab
from engine.sites import SiteClient

from kubefate_pulumi.simulator.manager import Simulator


@pytest.fixture
def lab(
    simulator: Simulator,
    site_client: Callable[[str], SiteClient],
    inline_stack: Callable[..., InlineStack],
    suffix: str,
) -> Lab:
    """A namespace of a simulated site, and a stack."""
    made = Lab(inline_stack(lambda: None), site_client(SITE), str(simulator.merged_kubeconfig), suffix)
    made.client.core.create_namespace({"metadata": {"name": made.namespace}})
    return made


@pytest.fixture
def stand_in(simulator: Simulator) -> None:
    """Leave the test out where the official plugin is used."""
    plugin = simulator.home.kubernetes_plugin()
    told = subprocess.run([str(plugin), "--version"], capture_output=True, text=True, check=False, timeout=10)
    if "stand-in" not in told.stdout:
        pytest.skip("this is about the stand-in, and the official plugin is in use")
