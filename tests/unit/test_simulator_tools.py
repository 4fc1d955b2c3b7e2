"""Finding and building the programs, with small ones in their place, and the command line."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from kubefate_pulumi.cli.main import main
from kubefate_pulumi.simulator import build, tools
from kubefate_pulumi.simulator.build import GoTool, ensure
from kubefate_pulumi.simulator.errors import SimulatorError
from kubefate_pulumi.simulator.home import PulumiHome, export_lines
from kubefate_pulumi.simulator.paths import cache_directory, state_directory
from kubefate_pulumi.simulator.tools import PLUGIN, Engine, find_engine, find_official_plugin, plugin_version

GO_CACHE = subprocess.run(["go", "env", "GOCACHE"], capture_output=True, text=True, check=True).stdout.strip()
TINY = GoTool("tiny", "tiny", ".", (("main.version", "7"),), "a tiny program", 1)
PROGRAM = 'package main\n\nvar version = "unset"\n\nfunc main() { println(version) }\n'


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBEFATE_CACHE", str(tmp_path / "cache"))
    for name in ("KUBEFATE_PLUGIN_DIR", "KUBEFATE_STATE", "PULUMI_HOME"):
        monkeypatch.delenv(name, raising=False)
    # Go's own cache follows the home directory; a new one would mean to compile the standard library.
    monkeypatch.setenv("GOCACHE", GO_CACHE)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = tmp_path / "tools" / "tiny"
    directory.mkdir(parents=True)
    (directory / "go.mod").write_text("module tiny\n\ngo 1.21\n")
    (directory / "main.go").write_text(PROGRAM)
    monkeypatch.setattr(build, "tool_sources", lambda: directory.parent)
    return directory


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def only_on_path(monkeypatch: pytest.MonkeyPatch, *directories: Path) -> None:
    monkeypatch.setenv("PATH", os.pathsep.join([*map(str, directories), "/usr/bin", "/bin"]))


def test_a_program_is_built_once_with_its_version(source: Path) -> None:
    said: list[str] = []
    built = ensure(TINY, said.append)
    assert subprocess.run([built], capture_output=True, text=True, check=True).stderr == "7\n"
    assert said == ["Building a tiny program (once, about a minute on two cores)"]
    assert ensure(TINY, said.append) == built
    assert len(said) == 1
    key = TINY.key()
    (source / "main_test.go").write_text("package main\n")
    assert TINY.key() == key
    (source / "main.go").write_text(PROGRAM.replace("unset", "other"))
    assert TINY.key() != key


def test_a_compiler_error_is_shown_and_leaves_nothing(source: Path) -> None:
    (source / "main.go").write_text("package main\n\nfunc main() { nonsense() }\n")
    with pytest.raises(SimulatorError, match="undefined: nonsense"):
        ensure(TINY, lambda _: None)
    assert not [each for each in cache_directory().iterdir() if each.suffix != ".lock"]


@pytest.mark.usefixtures("source")
def test_a_missing_go_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SimulatorError, match=r"`go` is not on PATH. Install Go 1.21"):
        ensure(TINY, lambda _: None)


@pytest.mark.usefixtures("source")
def test_an_old_go_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(tmp_path / "bin" / "go", "echo go1.20.14")
    only_on_path(monkeypatch, tmp_path / "bin")
    with pytest.raises(SimulatorError, match=r"needs Go 1.21; .*/bin/go is 1.20.14"):
        ensure(TINY, lambda _: None)


def test_an_installed_engine_is_used_when_its_version_is_in_range(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = script(tmp_path / "old" / "pulumi", "echo v3.236.0")
    good = script(tmp_path / "good" / "pulumi", "echo v3.260.1")
    host = script(tmp_path / "good" / "pulumi-language-python", "exit 0")
    only_on_path(monkeypatch, old.parent)
    assert find_engine() is None
    only_on_path(monkeypatch, old.parent, good.parent)
    engine = find_engine()
    assert engine
    assert (engine.path, engine.version, engine.language_host) == (good, "3.260.1", host)


@pytest.mark.parametrize("answer", ["echo v4.0.0", "echo nonsense", "exit 1"])
def test_another_pulumi_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    only_on_path(monkeypatch, script(tmp_path / "bin" / "pulumi", answer).parent)
    assert find_engine() is None


@pytest.mark.parametrize("layout", [PLUGIN, f"resource-kubernetes-v{plugin_version()}/{PLUGIN}"])
def test_a_given_plugin_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layout: str) -> None:
    assert find_official_plugin() is None
    plugin = script(tmp_path / "given" / layout, "exit 0")
    monkeypatch.setenv("KUBEFATE_PLUGIN_DIR", str(tmp_path / "given"))
    assert find_official_plugin() == plugin


def test_a_plugin_directory_without_the_plugin_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(tmp_path / f"resource-kubernetes-v0.0.1/{PLUGIN}", "exit 0")
    monkeypatch.setenv("KUBEFATE_PLUGIN_DIR", str(tmp_path))
    with pytest.raises(SimulatorError, match=re.escape(plugin_version())):
        find_official_plugin()


def test_the_users_own_plugin_is_found(tmp_path: Path) -> None:
    name = f"plugins/resource-kubernetes-v{plugin_version()}/{PLUGIN}"
    plugin = script(tmp_path / "home" / ".pulumi" / name, "exit 0")
    assert find_official_plugin() == plugin


def test_the_plugins_are_put_into_a_home_of_the_sites_own(tmp_path: Path) -> None:
    official, stand_in = script(tmp_path / "p" / PLUGIN, ""), script(cache_directory() / "x" / PLUGIN, "")
    home = PulumiHome(tmp_path / "state")
    engine = Engine(
        script(tmp_path / "pulumi", ""), "3.259.0", installed=False, language_host=None, dynamic_provider=None
    )
    home.prepare(engine, stand_in)
    assert home.stand_ins() == [PLUGIN]
    host = home.home / "plugins" / "language-python-v3.259.0" / "pulumi-language-python"
    made = host.stat().st_ino
    home.prepare(engine, official)
    assert home.stand_ins() == []
    assert host.stat().st_ino == made, "a plugin that is right is not touched: an engine may be using it"
    assert (home.bin / "pulumi").resolve() == engine.path
    assert not (tmp_path / "home").exists()


def test_the_variables_survive_a_shell() -> None:
    given = {"A": "it's $HOME `x`", "B": ""}
    lines = export_lines(given)
    shown = subprocess.run(["/bin/sh", "-c", f'{lines}printf "%s|%s" "$A" "$B"'], capture_output=True, check=True)
    assert shown.stdout.decode() == "it's $HOME `x`|"


def test_the_state_is_beside_the_nearest_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / "project" / "a" / "b"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    assert state_directory() == deep / ".kubefate"
    (tmp_path / "project" / "Pulumi.yaml").touch()
    assert state_directory() == tmp_path / "project" / ".kubefate"
    monkeypatch.setenv("KUBEFATE_STATE", "elsewhere")
    assert state_directory() == deep / "elsewhere"
    assert state_directory(tmp_path) == tmp_path


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["env"], "There is no simulated site in"),
        (["kubeconfig"], "There is no simulated site in"),
        (["kubeconfig", "nobody"], "There is no simulated site 'nobody'"),
        (["logs", "nobody"], "There is no simulated site 'nobody'"),
        (["down", "nobody"], "There is no simulated site 'nobody'"),
        (["up", "No!"], "cannot name a site"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(tmp_path: Path, words: list[str], message: str) -> None:
    done = CliRunner().invoke(main, ["sim", *words, "--state", str(tmp_path / "none")])
    assert done.exit_code == 1
    assert done.stdout == ""
    assert done.stderr.startswith("Error: ")
    assert message in done.stderr
    assert not (tmp_path / "none").exists()


def test_the_tools_are_listed_without_building_any(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only_on_path(monkeypatch, tmp_path)
    found = {tool.name: tool.source for tool in tools.survey()}
    assert found["engine"] == found["kubernetes plugin"] == found["kubernetes"] == "missing"
    assert not cache_directory().exists()
