"""Runs the real program on files, under the recorder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml
from plan.recorder import Plan, record

from kubefate_pulumi.program.run import run

ROOT = Path(__file__).resolve().parents[2]
UNITS_ALL = {"kubefate:units": "all"}


def write_federation(
    directory: Path,
    *,
    parties: tuple[int, ...] = (9999, 10000),
    topology: str = "star",
    party: Mapping[str, Any] | None = None,
) -> Path:
    """Write the files of a federation; `party` is merged into every party's file."""
    stacks = directory / "stacks"
    (stacks / "parties").mkdir(parents=True)
    federation = {
        "name": "fraud",
        "domain": "fraud.example.org",
        "fate_version": "1.11.2",
        "topology": topology,
        "parties": list(parties),
    }
    _write(stacks / "federation.yaml", federation)
    if topology == "star":
        _write(stacks / "exchange.yaml", {"site": {"kubernetes": {"context": "exchange"}}})
    for party_id in parties:
        site = {"site": {"kubernetes": {"context": f"party-{party_id}"}}}
        _write(stacks / "parties" / f"{party_id}.yaml", {**site, **(party or {})})
    return directory


def _write(path: Path, document: Mapping[str, Any]) -> None:
    path.write_text(yaml.safe_dump(dict(document), sort_keys=False), encoding="utf-8")


def plan_of(root: Path, config: Mapping[str, str] = UNITS_ALL, secret_keys: tuple[str, ...] = ()) -> Plan:
    """Run the program of the project at a root directory."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pulumi, "get_root_directory", lambda: str(root))
        patch.delenv("KUBECONFIG", raising=False)
        return record(run, config, secret_keys)
