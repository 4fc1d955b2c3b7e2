"""`kubefate demo`: a two-party federation with an exchange, by one `pulumi up`, on the simulated site."""

import json
import os
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from kubefate_pulumi.cli.sim import say, with_simulator
from kubefate_pulumi.simulator.errors import SimulatorError
from kubefate_pulumi.simulator.manager import Simulator
from kubefate_pulumi.simulator.paths import project_directory

STACK = "federation"
SITES = ("exchange", "party-9999", "party-10000")
"""The sites that the contexts in `stacks/` name."""

UNCHANGED = {"same"}


@click.group()
def demo() -> None:
    """Deploy the federation of this project on the simulated site."""


def _pulumi(environment: Mapping[str, str], project: Path, *words: str, quiet: bool = False) -> str:
    """Run the engine in the project; its own progress goes to the terminal unless the output is wanted."""
    command = ["pulumi", *words, "--cwd", str(project)]
    result = subprocess.run(
        command,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if quiet else None,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise SimulatorError(f"{' '.join(command[:4])} failed with exit code {result.returncode}; see above.")
    return result.stdout if quiet else ""


@demo.command()
@with_simulator
def up(simulator: Simulator) -> None:
    """Start the sites and run `pulumi up`; a second run updates in place."""
    started = time.monotonic()
    project = project_directory()
    simulator.up(SITES, say)
    environment = {**os.environ, **simulator.environment()}
    _pulumi(environment, project, "stack", "select", STACK, "--create", quiet=True)
    _pulumi(environment, project, "up", "--stack", STACK, "--yes", "--skip-preview", "--suppress-outputs")
    outputs = _pulumi_json(environment, project, "stack", "output")
    history = _pulumi_json(environment, project, "stack", "history", "--page-size=1")
    _report(outputs, history[0]["resourceChanges"], time.monotonic() - started)


def _pulumi_json(environment: Mapping[str, str], project: Path, *words: str) -> Any:  # noqa: ANN401 - JSON
    return json.loads(_pulumi(environment, project, *words, "--json", "--stack", STACK, quiet=True))


def _report(outputs: Mapping[str, Any], changes: Mapping[str, int], seconds: float) -> None:
    click.echo()
    rows = [["UNIT", "NAMESPACE", "ADDRESS", "CONTROL", "DATA"]]
    for unit, about in outputs["units"].items():
        cells = (unit, about["namespace"], about["host"], about["control_port"], about["data_port"])
        rows.append([str(cell) for cell in cells])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        click.echo("  ".join(value.ljust(width) for value, width in zip(row, widths, strict=True)).rstrip())
    made = {kind: count for kind, count in changes.items() if kind not in UNCHANGED and count}
    summary = ", ".join(f"{count} {kind}" for kind, count in made.items()) or "nothing changed"
    click.echo(f"\nThe federation is up: {summary}. Total time {seconds:.0f} s. Pods are simulated.")
    click.echo(
        "\nTry next:\n"
        '  eval "$(.venv/bin/kubefate sim env)"           # pulumi and kubectl on the simulated site\n'
        "  pulumi preview -s federation --expect-no-changes\n"
        "  pulumi stack output -s federation --show-secrets passwords\n"
        "  kubectl --context exchange -n fate-exchange get configmap nginx-routes -o yaml\n"
        "  make demo-down                                 # end it"
    )


@demo.command()
@with_simulator
def down(simulator: Simulator) -> None:
    """End the sites and forget the stack; no process is left."""
    simulator.down(progress=say)
    click.echo("The simulated site is down; no process is left.")
