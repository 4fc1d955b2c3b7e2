"""Finds the programs that the simulated site runs on, or says which have to be built.

What the user has installed goes first; what is not there is built from the sources in `tools/`. The two
Kubernetes provider plugins are told apart by name: `official`, and the `stand-in` of ours.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version as installed_version
from pathlib import Path

from kubefate_pulumi.simulator.build import GoTool, Progress, ensure
from kubefate_pulumi.simulator.errors import SimulatorError
from kubefate_pulumi.simulator.paths import cache_directory

ENGINE_VERSION = "3.259.0"
ENGINE_OLDEST = (3, 237)
ENGINE_BELOW = (4, 0)
KUBERNETES_VERSION = "1.36.3"
PLUGIN = "pulumi-resource-kubernetes"

_KUBERNETES_STAMP = {
    "gitVersion": f"v{KUBERNETES_VERSION}",
    "gitMajor": KUBERNETES_VERSION.split(".", maxsplit=1)[0],
    "gitMinor": KUBERNETES_VERSION.split(".")[1],
    "gitTreeState": "clean",
    "buildDate": "2026-01-01T00:00:00Z",
}

ENGINE = GoTool(
    module="pulumi",
    binary="pulumi",
    package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
    # The Automation API refuses an engine that does not know its version.
    stamps=(("github.com/pulumi/pulumi/sdk/v3/go/common/version.Version", f"v{ENGINE_VERSION}"),),
    title="the Pulumi engine",
    minutes=4,
)
CONTROL_PLANE = GoTool(
    module="site",
    binary="kubefate-site",
    package=".",
    # Unstamped, the API server calls itself v0.0.0 and Pulumi's provider refuses it.
    stamps=tuple(
        (f"{package}.{name}", value)
        for package in ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
        for name, value in _KUBERNETES_STAMP.items()
    ),
    title="the Kubernetes control plane",
    minutes=4,
)


def stand_in_plugin() -> GoTool:
    """Return the stand-in for Pulumi's Kubernetes plugin, of the version that the installed SDK asks for."""
    return GoTool(
        module="plugins",
        binary=PLUGIN,
        package=f"./cmd/{PLUGIN}",
        stamps=(("main.version", plugin_version()),),
        title="the stand-in for Pulumi's Kubernetes plugin",
        minutes=2,
    )


def plugin_version() -> str:
    """Return the version of the Kubernetes plugin that programs ask for: that of the installed SDK."""
    return installed_version("pulumi-kubernetes")


@dataclass(frozen=True)
class Tool:
    """One program as it is used.

    Attributes:
        name: what it is.
        version: its version, or None when it is not built yet.
        path: where it is, or will be.
        source: `installed`, `official`, `built`, `stand-in`, `environment` (Python code of ours) or `missing`
            (to be built).
    """

    name: str
    version: str | None
    path: Path
    source: str


@dataclass(frozen=True)
class Engine:
    """The Pulumi engine in use, and the official language host that came with it, if any."""

    path: Path
    version: str
    installed: bool
    language_host: Path | None
    dynamic_provider: Path | None


def find_engine() -> Engine | None:
    """Return the first `pulumi` on PATH whose version is in range, or None."""
    for path in _on_path("pulumi"):
        version = _engine_version(path)
        if version and ENGINE_OLDEST <= _pair(version) < ENGINE_BELOW:
            return Engine(
                path=path,
                version=version,
                installed=True,
                language_host=_companion(path, "pulumi-language-python"),
                dynamic_provider=_companion(path, "pulumi-resource-pulumi-python"),
            )
    return None


def ensure_engine(progress: Progress) -> Engine:
    """Return the engine to use, building ours when none is installed."""
    found = find_engine()
    if found:
        return found
    return Engine(ensure(ENGINE, progress), ENGINE_VERSION, installed=False, language_host=None, dynamic_provider=None)


def ensure_control_plane(progress: Progress) -> Path:
    """Return the program that holds all parts of a control plane."""
    return ensure(CONTROL_PLANE, progress)


def find_official_plugin() -> Path | None:
    """Return the official Kubernetes plugin of the right version, or None.

    Looked for in `KUBEFATE_PLUGIN_DIR` (the file itself, or the layout of Pulumi's plugin cache), then in the plugin
    caches of `PULUMI_HOME` and of the user's home.

    Raises:
        SimulatorError: `KUBEFATE_PLUGIN_DIR` is set and the plugin is not in it.
    """
    cached = Path(f"resource-kubernetes-v{plugin_version()}") / PLUGIN
    given = os.environ.get("KUBEFATE_PLUGIN_DIR")
    if given:
        directory = Path(given).expanduser().absolute()
        for candidate in (directory / cached, directory / PLUGIN):
            if os.access(candidate, os.X_OK):
                return candidate
        raise SimulatorError(
            f"KUBEFATE_PLUGIN_DIR is {directory}, but neither {PLUGIN} nor {cached} is an executable file in it."
        )
    homes = [os.environ.get("PULUMI_HOME"), "~/.pulumi"]
    for home in homes:
        candidate = Path(home or "~/.pulumi").expanduser().absolute() / "plugins" / cached
        if os.access(candidate, os.X_OK) and not is_stand_in(candidate):
            return candidate
    return None


def is_stand_in(path: Path) -> bool:
    """Tell whether the program is one that we built."""
    return path.resolve().is_relative_to(cache_directory().resolve())


def ensure_plugin(progress: Progress) -> Path:
    """Return the Kubernetes plugin to use: the official one where it is, else the stand-in."""
    return find_official_plugin() or ensure(stand_in_plugin(), progress)


def survey() -> list[Tool]:
    """Return what would be used, without building anything."""
    engine = find_engine()
    if engine:
        tools = [Tool("engine", engine.version, engine.path, "installed")]
    else:
        tools = [_built("engine", ENGINE, ENGINE_VERSION)]
    python = installed_version("pulumi")
    for name, official, module in (
        ("language host", engine and engine.language_host, "language_host.py"),
        ("dynamic provider", engine and engine.dynamic_provider, "dynamic_provider.py"),
    ):
        if official:
            tools.append(Tool(name, engine.version if engine else None, official, "official"))
        else:
            tools.append(Tool(name, python, Path(__file__).with_name(module), "environment"))
    official_plugin = find_official_plugin()
    if official_plugin:
        tools.append(Tool("kubernetes plugin", plugin_version(), official_plugin, "official"))
    else:
        tools.append(_built("kubernetes plugin", stand_in_plugin(), plugin_version(), "stand-in"))
    control_plane = _built("control plane", CONTROL_PLANE, None)
    versions = _part_versions(control_plane.path) if CONTROL_PLANE.built() else {}
    for part in ("kubernetes", "etcd", "kwok"):
        tools.append(Tool(part, versions.get(part), control_plane.path, control_plane.source))
    return tools


def ensure_all(progress: Progress) -> None:
    """Build whatever is missing."""
    ensure_engine(progress)
    ensure_control_plane(progress)
    ensure_plugin(progress)


def _built(name: str, tool: GoTool, version: str | None, source: str = "built") -> Tool:
    if not tool.built():
        return Tool(name, None, tool.path(), "missing")
    return Tool(name, version, tool.path(), source)


def _part_versions(binary: Path) -> dict[str, str]:
    result = subprocess.run([str(binary), "version"], capture_output=True, text=True, check=True)
    found: dict[str, str] = json.loads(result.stdout)
    return {part: version.removeprefix("v") for part, version in found.items()}


def _on_path(name: str) -> Iterator[Path]:
    """Yield the programs of that name on PATH, but those that the simulated site itself put there."""
    for directory in os.environ.get("PATH", "").split(os.pathsep):
        found = shutil.which(name, path=directory) if directory else None
        if found and not is_stand_in(Path(found)):
            yield Path(found).absolute()


def _companion(engine: Path, name: str) -> Path | None:
    """Return an official helper of the engine: beside it, or on PATH."""
    beside = engine.resolve().with_name(name)
    if os.access(beside, os.X_OK):
        return beside
    return next(_on_path(name), None)


def _engine_version(path: Path) -> str | None:
    environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        result = subprocess.run(
            [str(path), "version"], env=environment, capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.fullmatch(r"v?(\d+\.\d+\.\d+\S*)", result.stdout.strip())
    return found.group(1) if found and result.returncode == 0 else None


def _pair(version: str) -> tuple[int, int]:
    major, minor = version.split(".")[:2]
    return int(major), int(minor)
