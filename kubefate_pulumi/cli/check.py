"""`kubefate check`: are the files right, before anything is deployed?"""

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from kubefate_pulumi.config.check import Report


@click.command()
@click.argument("directory", required=False, type=click.Path(path_type=Path))
@click.option("--stack", help="Check one stack, and that it has everything it needs.", metavar="NAME")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def check(directory: Path | None, stack: str | None, *, as_json: bool) -> None:
    """Check the files in DIRECTORY.

    DIRECTORY is `stacks` by default, or the current directory if it holds federation.yaml. Prints each
    problem with file, line, field and remedy.
    """
    from kubefate_pulumi.config.check import check as check_files
    from kubefate_pulumi.config.check import is_stack_name

    if stack is not None and not is_stack_name(stack):
        raise click.BadParameter("a stack name has letters, digits, dots, hyphens and underscores only")
    report = check_files(directory if directory is not None else default_directory(), stack)
    if as_json:
        click.echo(json.dumps(_as_json(report), indent=2))
    else:
        for problem in report.problems:
            click.echo(str(problem), err=True)
        if not report.problems:
            click.echo(_summary(report))
    sys.exit(1 if report.problems else 0)


def default_directory() -> Path:
    """Return where the files are when nobody says so."""
    return Path() if Path("federation.yaml").is_file() else Path("stacks")


def _as_json(report: "Report") -> dict[str, Any]:
    federation = report.federation
    return {
        "ok": not report.problems,
        "problems": [asdict(problem) for problem in report.problems],
        "federation": None
        if federation is None
        else {
            **federation.model_dump(mode="json", exclude={"peers"}),
            "units": [_unit_row(report, unit) for unit in federation.members],
            "stacks": [
                {
                    "name": stack.file.name,
                    "units": list(stack.file.units),
                    "endpoints_only": stack.file.endpoints_only,
                    "waits_for": list(stack.waits_for),
                }
                for stack in report.stacks
            ],
        },
    }


def _unit_row(report: "Report", unit: str) -> dict[str, str | None]:
    """Return what is known of a unit: where it runs and how it is reached."""
    from kubefate_pulumi.fate.names import default_namespace

    file = report.units.get(unit)
    if file is None:
        return {"unit": unit, "site": None, "namespace": None, "address": None}
    kubernetes, exposure = file.site.kubernetes, file.exposure
    address = None if exposure is None else exposure.address
    return {
        "unit": unit,
        "site": f"kubernetes {kubernetes.context or '(current context)'}",
        "namespace": file.namespace or default_namespace(unit),
        "address": address or "of the load balancer",
    }


def _summary(report: "Report") -> str:
    federation = report.federation
    if federation is None:
        return ""
    units = [_unit_row(report, unit) for unit in federation.members]
    rows = [[value or "no file here" for value in row.values()] for row in units]
    parts = [
        f"{federation.name}: {federation.topology}, FATE {federation.fate_version}, {federation.domain}",
        _table(["unit", "site", "namespace", "address"], rows),
    ]
    if report.stacks:
        stacks = [
            [stack.file.name, ", ".join(stack.file.units), _needs(stack.waits_for, stack.file.endpoints_only)]
            for stack in report.stacks
        ]
        parts.append(_table(["stack", "deploys", "needs first"], stacks))
    return "\n\n".join(parts)


def _needs(waits_for: Iterable[str], endpoints_only: bool) -> str:
    if endpoints_only:
        return "nothing (endpoints only)"
    return ", ".join(f"peers/{unit}.yaml" for unit in waits_for) or "nothing"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in [head, *rows])
    return "\n".join(line.rstrip() for line in lines)
