"""`kubefate verify`: does what was deployed work?"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kubefate_pulumi.cli.check import default_directory
from kubefate_pulumi.verify.model import DEFAULT_LAST, STEPS, Report

if TYPE_CHECKING:
    from kubefate_pulumi.verify.model import Finding

MARKS = {"passed": "ok", "failed": "FAILED", "not run": "not run"}


@click.command()
@click.argument("directory", required=False, type=click.Path(path_type=Path))
@click.option("--unit", "units", multiple=True, metavar="NAME", help="Check this unit only; repeat it.  [default: all]")
@click.option(
    "--up-to",
    type=click.Choice(list(STEPS)),
    default=DEFAULT_LAST,
    show_default=True,
    help="The last step.",
)
@click.option("--timeout", "seconds", type=click.FloatRange(min=1), default=15, show_default=True, help="Per answer.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def verify(directory: Path | None, units: tuple[str, ...], up_to: str, seconds: float, *, as_json: bool) -> None:
    """Try what was deployed, step by step, from the files in DIRECTORY.

    It sees what a kubeconfig of the unit shows, and asks the others only as FATE does: through the routers. A step runs
    where the one before it passed.

    \b
    STEPS

    V4 and V5 take minutes; V6 and V7 only say what they need.

    Exit code 0: everything passed. 1: something did not, or could not be tried.
    """
    from kubefate_pulumi import config
    from kubefate_pulumi.verify.files import UnknownUnitError, contexts
    from kubefate_pulumi.verify.ladder import climb

    try:
        loaded = config.load(directory if directory is not None else default_directory())
        chosen = contexts(loaded, units, seconds)
    except (config.ConfigError, UnknownUnitError) as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    findings = []
    for finding in climb(chosen, up_to):
        findings.append(finding)
        click.echo(_line(finding), err=as_json)
    report = Report(loaded.federation.name, loaded.federation.fate_version, findings)
    if as_json:
        click.echo(json.dumps(report.document(), indent=2))
    else:
        click.echo(_summary(report.findings))
    sys.exit(0 if report.ok else 1)


_LIST = "\n".join(f"      {step}  {shows}" for step, shows in STEPS.items())
verify.help = (verify.help or "").replace("    STEPS", _LIST)


def _line(finding: "Finding") -> str:
    where = finding.unit if finding.peer is None else f"{finding.unit} -> {finding.peer}"
    line = f"{MARKS[finding.verdict]:<8} {finding.step:<14} {where:<18} {finding.tried}: {finding.detail}"
    return line if not finding.remedy else f"{line}\n{'':<9}{finding.remedy}"


def _summary(findings: "Sequence[Finding]") -> str:
    verdicts = [str(finding.verdict) for finding in findings]
    return ", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in MARKS if verdict in verdicts)
