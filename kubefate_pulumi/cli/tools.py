"""`kubefate tools`: what the simulated site runs on."""

import json
from dataclasses import asdict

import click

from kubefate_pulumi.cli.sim import failing_cleanly, say
from kubefate_pulumi.simulator import tools as finder


@click.command()
@click.option("--build", is_flag=True, help="Build what is missing. It takes Go and, the first time, some minutes.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def tools(build: bool, as_json: bool) -> None:
    """Show the programs that the simulated site uses, and where each comes from.

    \b
    installed    Pulumi as it is on PATH
    official     published by Pulumi, found on this machine
    built        built here from pinned sources
    environment  Python code in this environment
    stand-in     ours, in place of a plugin that is not installed; for the simulated site only
    missing      to be built: kubefate tools --build

    Built programs are kept in $KUBEFATE_CACHE, else in kubefate in the user's cache directory.
    """
    with failing_cleanly():
        if build:
            finder.ensure_all(say)
        found = finder.survey()
    if as_json:
        rows = [{**asdict(tool), "path": str(tool.path)} for tool in found]
        click.echo(json.dumps({"tools": rows}, indent=2))
        return
    for tool in found:
        click.echo(f"{tool.name:<18} {tool.version or '-':<10} {tool.source:<12} {tool.path}")
