from pathlib import Path

import pytest
from plan.programs import ROOT, plan_of, write_federation
from plan.recorder import Plan


@pytest.fixture(scope="session")
def repository_plan() -> Plan:
    """The plan of this repository's own `stacks/`, all units."""
    return plan_of(ROOT)


@pytest.fixture
def star(tmp_path: Path) -> Path:
    return write_federation(tmp_path)
