"""`kubefate sim`: the simulated site."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path

import click

from kubefate_pulumi.simulator.commands import PARTS
from kubefate_pulumi.simulator.errors import SimulatorError
from kubefate_pulumi.simulator.home import export_lines
from kubefate_pulumi.simulator.manager import DEFAULT_SITES, Simulator
from kubefate_pulumi.simulator.paths import state_directory


@contextmanager
def failing_cleanly() -> Iterator[None]:
    """Turn an error of the simulated site into a message and exit code 1."""
    try:
        yield
    except SimulatorError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}" if error.filename else str(error)) from error
    except KeyboardInterrupt:
        raise click.ClickException(
            "Interrupted. `kubefate sim up` completes what was begun, `kubefate sim down` removes it."
        ) from None


def say(message: str) -> None:
    """Write one line of progress."""
    click.echo(message, err=True)


def with_simulator(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command the option --state and hand it the simulator of that directory."""

    @click.option(
        "--state",
        type=click.Path(file_okay=False, path_type=Path),
        help="The directory of the simulated sites [default: $KUBEFATE_STATE, else .kubefate beside Pulumi.yaml].",
    )
    @wraps(function)
    def command(*arguments: object, state: Path | None, **options: object) -> None:
        with failing_cleanly():
            function(Simulator(state_directory(state)), *arguments, **options)

    return command


@click.group()
def sim() -> None:
    """Run Kubernetes control planes on this machine, with simulated nodes.

    API server, etcd, controller-manager and scheduler are the real ones, so is the Pulumi engine. Pods are simulated:
    no image is pulled, no command runs. Everything listens on the loopback address only.

    \b
      kubefate sim up                # start the sites
      eval "$(kubefate sim env)"     # let pulumi and kubectl use them
      pulumi up -s federation
      kubefate sim down              # end and remove everything
    """


@sim.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@with_simulator
def up(simulator: Simulator, names: tuple[str, ...]) -> None:
    """Start sites and wait until they can be used.

    Without a NAME: the sites that were made before, or else exchange, party-9999 and party-10000. A site that runs is
    left alone, a part of it that died is started again. The first use builds the tools; see `kubefate tools`.
    """
    simulator.up(names, say)
    stand_ins = simulator.home.stand_ins()
    if stand_ins:
        say(f"Stand-ins in use, for the simulated site only: {', '.join(stand_ins)}")
    say('Now: eval "$(kubefate sim env)"')


up.help = (up.help or "").replace("exchange, party-9999 and party-10000", " ".join(DEFAULT_SITES))


@sim.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--keep", is_flag=True, help="Keep objects, addresses and ports for the next `up`.")
@with_simulator
def down(simulator: Simulator, names: tuple[str, ...], keep: bool) -> None:
    """End sites and remove all that is left of them.

    Without a NAME: all sites, and with them the stacks that were deployed to them and the simulator's other state.
    """
    simulator.down(names, keep=keep, progress=say)


@sim.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_simulator
def status(simulator: Simulator, as_json: bool) -> None:
    """Show the sites, whether they can be used, and the stand-ins in use."""
    found = simulator.status()
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    if not found["sites"]:
        click.echo(f"No simulated sites in {found['state']}.")
    for site in found["sites"]:
        dead = [part for part, pid in site["processes"].items() if pid is None]
        state = "ready" if site["ready"] else f"not ready ({', '.join(dead)} not running)" if dead else "not ready"
        click.echo(f"{site['name']:<20} {state:<12} {site['server']}  addresses {site['public_addresses']}")
    for name in found["stand_ins"]:
        click.echo(f"{name:<20} stand-in, for the simulated site only")


@sim.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of lines for a shell.")
@with_simulator
def env(simulator: Simulator, as_json: bool) -> None:
    """Print the variables with which pulumi and kubectl use the sites.

    \b
      eval "$(kubefate sim env)"
    """
    variables = simulator.environment()
    click.echo(json.dumps(variables, indent=2) if as_json else export_lines(variables), nl=as_json)


@sim.command()
@click.argument("site", required=False)
@with_simulator
def kubeconfig(simulator: Simulator, site: str | None) -> None:
    """Print the path of a kubeconfig file: that of SITE, or the one with a context for each site."""
    click.echo(simulator.kubeconfig(site))


@sim.command()
@click.argument("site")
@click.argument("component", required=False, type=click.Choice(PARTS))
@click.option("-f", "--follow", is_flag=True, help="Go on printing what is added.")
@with_simulator
def logs(simulator: Simulator, site: str, component: str | None, follow: bool) -> None:
    """Print the logs of SITE, or of one of its parts."""
    parts = [component] if component else list(PARTS)
    files = [simulator.site(site).processes[part].log_file for part in parts]
    found = [str(file) for file in files if file.is_file()]
    if not found:
        raise SimulatorError(f"Site {site} has no logs yet.")
    command = ["tail", "-n", "+1", *(["-F"] if follow else []), *found]
    sys.exit(subprocess.run(command, check=False).returncode)
