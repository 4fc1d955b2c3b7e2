"""The `kubefate` command: a group whose subcommands are imported when they are used."""

import sys
from importlib import import_module

import click

from kubefate_pulumi._version import __version__

COMMANDS: dict[str, str] = {
    "check": "kubefate_pulumi.cli.check:check",
    "demo": "kubefate_pulumi.cli.demo:demo",
    "init": "kubefate_pulumi.cli.init:init",
    "sim": "kubefate_pulumi.cli.sim:sim",
    "tools": "kubefate_pulumi.cli.tools:tools",
    "verify": "kubefate_pulumi.cli.verify:verify",
}
"""Subcommand to `module:attribute`. Lazy, because `kubefate check` must not pay for the others' imports."""


class LazyGroup(click.Group):
    """A click group that imports a subcommand's module on first use."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names of all subcommands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import and return one subcommand, or None when there is none of that name."""
        target = COMMANDS.get(cmd_name)
        if target is None:
            return None
        module, attribute = target.split(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="kubefate")
def main() -> None:
    """Deploy FATE federations with Pulumi, and try them on a simulated site."""


if __name__ == "__main__":
    sys.exit(main())
