"""The directories that the Pulumi engine of the simulated site uses, and the environment that points at them."""

import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from kubefate_pulumi.simulator.files import PRIVATE_DIRECTORY, write_private
from kubefate_pulumi.simulator.tools import PLUGIN, Engine, is_stand_in, plugin_version

PASSPHRASE = "kubefate-simulator"  # noqa: S105
"""The passphrase of every stack on a simulated site.

It is no secret: the clusters are simulated. And it is the same for all, because a stack's file, which outlives a site,
is bound to the passphrase that it was made with.
"""

EXECUTABLE = 0o755


class PulumiHome:
    """`bin`, `pulumi-home` and `backend` in the state directory.

    The plugins are in the plugin cache of a PULUMI_HOME of the site's own and are never put into the user's.
    """

    def __init__(self, state: Path) -> None:
        self.bin = state / "bin"
        self.home = state / "pulumi-home"
        self.backend = state / "backend"

    def prepare(self, engine: Engine, kubernetes_plugin: Path) -> None:
        """Make the directories and put engine and plugins into them.

        What is there already and right is not touched: an engine may be using it.
        """
        for directory in (self.bin, self.home, self.backend):
            directory.mkdir(parents=True, exist_ok=True, mode=PRIVATE_DIRECTORY)
        _link(self.bin / "pulumi", engine.path)
        wanted = {f"resource-kubernetes-v{plugin_version()}": (PLUGIN, kubernetes_plugin)}
        # Where an official host is beside the engine, the engine takes that before it looks at these.
        for kind, official, module in (
            ("language-python", engine.language_host, "kubefate_pulumi.simulator.language_host"),
            ("resource-pulumi-python", engine.dynamic_provider, "kubefate_pulumi.simulator.dynamic_provider"),
        ):
            wanted[f"{kind}-v{engine.version}"] = (f"pulumi-{kind}", official or self._script(module))
        plugins = self.home / "plugins"
        for found in plugins.iterdir() if plugins.is_dir() else ():
            # A plugin of another version would be taken by programs that ask for none in particular.
            if found.is_dir() and found.name not in wanted:
                shutil.rmtree(found)
        for name, (program, target) in wanted.items():
            (plugins / name).mkdir(parents=True, exist_ok=True)
            _link(plugins / name / program, target)

    def stand_ins(self) -> list[str]:
        """Return the names of the stand-ins among the plugins."""
        plugin = self.kubernetes_plugin()
        return [PLUGIN] if plugin.exists() and is_stand_in(plugin) else []

    def kubernetes_plugin(self) -> Path:
        """Return the link to the Kubernetes plugin in use."""
        return self.home / "plugins" / f"resource-kubernetes-v{plugin_version()}" / PLUGIN

    def environment(self, backend: Path | None = None) -> dict[str, str]:
        """Return the variables of `pulumi` on the simulated site; PATH comes with the one of this process.

        Args:
            backend: the directory of stacks, when it is not the site's.
        """
        path = [str(self.bin), *(part for part in os.environ.get("PATH", "").split(os.pathsep) if part)]
        return {
            "PATH": os.pathsep.join(dict.fromkeys(path)),
            "PULUMI_HOME": str(self.home),
            "PULUMI_BACKEND_URL": backend_url(backend or self.backend),
            "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            # A plugin that happens to be on PATH would be taken whatever its version is.
            "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
        }

    def remove(self) -> None:
        """Remove the directories, with the stacks in them."""
        for directory in (self.bin, self.home, self.backend):
            shutil.rmtree(directory, ignore_errors=True)

    def _script(self, module: str) -> Path:
        """Return a script that runs a Python module as a plugin."""
        file = self.bin / module.rpartition(".")[2]
        text = f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -u -m {module} "$@"\n'
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            write_private(file, text)
            file.chmod(EXECUTABLE)
        return file


def backend_url(directory: Path) -> str:
    """Return the address of stacks in a directory.

    The file backend writes a stack's state in one step, but not the attributes beside it: an engine that is killed
    meanwhile leaves them cut short, and then reads no state any more. Nothing needs them.
    """
    return f"file://{directory}?metadata=skip"


def export_lines(environment: Mapping[str, str]) -> str:
    """Return the variables as lines that a POSIX shell evaluates."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in environment.items())


def _link(link: Path, target: Path) -> None:
    """Point a link at its target, in one step."""
    if link.is_symlink() and link.readlink() == target:
        return
    scratch = link.with_name(f".{link.name}-new")
    scratch.unlink(missing_ok=True)
    scratch.symlink_to(target)
    scratch.replace(link)
