"""`kubefate init`: the files of a new federation, ready to be checked and deployed."""

import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from kubefate_pulumi.config.templates import NewFederation

SCHEMAS = ".schema"
"""Where the JSON Schemas lie in the new `stacks/`: copied, for the package may be installed anywhere."""


@click.command()
@click.argument("directory", required=False, default=".", type=click.Path(path_type=Path))
@click.option("--name", default="fraud", show_default=True, help="Name of the federation, a DNS label.")
@click.option("--domain", help="DNS domain of the federation.  [default: NAME.example.org]")
@click.option(
    "--party", "parties", multiple=True, type=int, help="Id of a party; repeat it.  [default: 9999 and 10000]"
)
@click.option(
    "--topology",
    type=click.Choice(["star", "direct"]),
    default="star",
    show_default=True,
    help="star: through an exchange. direct: straight.",
)
@click.option("--force", is_flag=True, help="Write into a directory that is not empty. Nothing is overwritten.")
def init(
    directory: Path, name: str, domain: str | None, parties: tuple[int, ...], topology: str, *, force: bool
) -> None:
    """Write the files of a new federation into DIRECTORY, by default the current one.

    Writes all files or none. The directory must be empty, or not exist.
    """
    from kubefate_pulumi.config.schema import committed_texts
    from kubefate_pulumi.config.templates import NewFederation, project_files, stack_files
    from kubefate_pulumi.fate.model import Topology

    new = NewFederation(name, domain or f"{name}.example.org", Topology(topology), parties or (9999, 10000))
    problems = _problems(new)
    if problems:
        _fail("\n".join(problems))
    files = {f"stacks/{path}": text for path, text in stack_files(new, SCHEMAS).items()}
    files |= {f"stacks/{SCHEMAS}/{path}": text for path, text in committed_texts().items()}
    files |= project_files()
    try:
        _write(directory, files, force=force)
    except OSError as error:
        _fail(f"{directory}: {(error.strerror or type(error).__name__).lower()}. Nothing was written.")
    click.echo(_next_steps(directory, new))


def _problems(new: "NewFederation") -> list[str]:
    """Return what is wrong with the options, by the rules of `federation.yaml`."""
    from kubefate_pulumi.config.document import Document
    from kubefate_pulumi.config.federation import FederationFile
    from kubefate_pulumi.config.templates import FATE_VERSION
    from kubefate_pulumi.config.validate import check_value

    values: dict[str, object] = {
        "name": new.name,
        "domain": new.domain,
        "fate_version": FATE_VERSION,
        "topology": new.topology,
        "parties": list(new.parties),
    }
    _, problems = check_value(Document("", "", values), FederationFile, values, ())
    return [
        f"--{problem.field.replace('parties', 'party')}: {problem.message}. {problem.remedy}".rstrip()
        for problem in problems
    ]


def _write(directory: Path, files: Mapping[str, str], *, force: bool) -> None:
    """Write all files or none, and never over an existing one."""
    if directory.exists() and not directory.is_dir():
        _fail(f"{directory} is not a directory.")
    if directory.is_dir() and any(directory.iterdir()):
        if not force:
            _fail(f"{directory} is not empty. Name another one, or use --force to add the files to it.")
        taken = sorted(path for path in files if os.path.lexists(directory / path))
        if taken:
            _fail(f"{directory} already holds {', '.join(taken)}. Nothing was written.")
    parent = directory if directory.is_dir() else directory.absolute().parent
    missing = [above for above in (parent, *parent.parents) if not above.exists()]
    parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".kubefate-init-", dir=parent))
    try:
        for path, text in files.items():
            (staging / path).parent.mkdir(parents=True, exist_ok=True)
            (staging / path).write_text(text, encoding="utf-8", newline="\n")
        if directory.is_dir():
            _move_in(staging, directory, files)
        else:
            staging.chmod(0o755)  # mkdtemp makes it private
            staging.rename(directory)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        for above in missing:
            with suppress(OSError):
                above.rmdir()
        raise
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _move_in(staging: Path, directory: Path, files: Mapping[str, str]) -> None:
    """Move files into a directory; take them back when one cannot be moved."""
    made: list[Path] = []
    try:
        for path in files:
            for parent in reversed((directory / path).parents):
                if not parent.exists():
                    parent.mkdir()
                    made.append(parent)
            # A link fails where a file exists; a rename would replace it.
            (directory / path).hardlink_to(staging / path)
            made.append(directory / path)
    except BaseException:
        for path_made in reversed(made):
            with suppress(OSError):
                path_made.rmdir() if path_made.is_dir() else path_made.unlink()
        raise


def _next_steps(directory: Path, new: "NewFederation") -> str:
    from kubefate_pulumi.config.templates import stack_name

    enter = [] if directory == Path() else [f"cd {shlex.quote(str(directory))}"]
    first = stack_name(new.units[-1])
    lines = [
        f"Wrote the federation {new.name} ({', '.join(new.units)}) to {directory}.",
        "",
        "Next:",
        *enter,
        "$EDITOR stacks/parties/*.yaml   # name each unit's cluster (site.kubernetes.context)",
        "kubefate check",
        "pulumi stack init federation && pulumi up   # all units",
        f"pulumi stack init {first} && pulumi up   # or one unit only, by its own operator",
    ]
    return "\n".join(lines)


def _fail(message: str) -> None:
    click.echo(message, err=True)
    sys.exit(1)
