"""`kubefate init`: all files or none, never over what is there, and what it writes is good."""

import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator

from kubefate_pulumi.cli import init as init_module
from kubefate_pulumi.cli.main import main
from kubefate_pulumi.config import load
from kubefate_pulumi.config.schema import committed_texts

STACKS = Path(__file__).parents[2] / "stacks"
PROJECT = {"Pulumi.yaml", "__main__.py", ".gitignore"}


def run(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(main, ["init", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    return result


def files(directory: Path) -> dict[str, str]:
    return {str(p.relative_to(directory)): p.read_text() for p in directory.rglob("*") if p.is_file()}


def check(directory: Path) -> Result:
    return CliRunner().invoke(main, ["check", str(directory / "stacks")])


def test_a_new_federation_is_good(tmp_path: Path) -> None:
    target = tmp_path / "new"
    result = run(target)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "kubefate check" in result.stdout
    assert f"cd {target}" in result.stdout
    assert check(target).exit_code == 0
    written = files(target)
    schemas = {f"stacks/.schema/{name}" for name in committed_texts()}
    assert set(written) == PROJECT | schemas | {
        "stacks/federation.yaml",
        "stacks/exchange.yaml",
        "stacks/parties/9999.yaml",
        "stacks/parties/10000.yaml",
        "stacks/peers/.gitkeep",
        "stacks/Pulumi.federation.yaml",
        "stacks/Pulumi.exchange.yaml",
        "stacks/Pulumi.party-9999.yaml",
        "stacks/Pulumi.party-10000.yaml",
    }
    assert list(tmp_path.iterdir()) == [target], "the temporary directory is still there"
    assert stat.S_IMODE(target.stat().st_mode) == 0o755


def test_options(tmp_path: Path) -> None:
    options = ["--name", "trade", "--domain", "trade.test", "--party", "7", "--party", "8", "--topology", "direct"]
    assert run(tmp_path, *options).exit_code == 0
    loaded = load(tmp_path / "stacks")
    assert loaded.federation.facts().party_ids == (7, 8)
    assert (loaded.federation.name, loaded.federation.domain) == ("trade", "trade.test")
    assert loaded.exchange is None
    assert loaded.select("all").units == ("7", "8")
    assert not (tmp_path / "stacks/Pulumi.exchange.yaml").exists()


def test_this_repositorys_stacks_are_the_same_up_to_the_site(tmp_path: Path) -> None:
    """The example that people read and what they get differ in the contexts and in where the schemas are."""
    run(tmp_path)
    for path in (tmp_path / "stacks").rglob("*.yaml"):
        name = path.relative_to(tmp_path / "stacks")
        ours = (STACKS / name).read_text()
        ours = ours.replace("../kubefate_pulumi/config/schema/", ".schema/")
        ours = re.sub(r"(?m)^    context: ", "    # context: ", ours)
        ours = re.sub(r"(?m)^encryptionsalt: .*\n", "", ours)
        assert path.read_text() == ours, name


def test_every_commented_example_is_good(tmp_path: Path) -> None:
    """What a user gets by removing the `#` of all examples passes, too."""
    run(tmp_path)
    for path in [*(tmp_path / "stacks/parties").iterdir(), tmp_path / "stacks/exchange.yaml"]:
        # An example is a comment of the form `key: value` or `key:`, whose key is one lower-case word.
        text = re.sub(r"(?m)^( *)# ( *[a-z_]+:( \S*)?)$", r"\1\2", path.read_text())
        assert text.count("\n") == path.read_text().count("\n")
        assert len(yaml.safe_load(text)) > 3, path
        # Two units on one node cannot have the same ports.
        shift = 0 if path.stem == "exchange" else int(path.stem) % 7 + 1
        path.write_text(text.replace("30443", str(30443 + shift)).replace("30651", str(30651 + shift)))
    result = check(tmp_path)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "192.0.2.10" in result.stdout


def test_schema_lines_lead_to_schemas(tmp_path: Path) -> None:
    run(tmp_path)
    for path in (tmp_path / "stacks").rglob("*.yaml"):
        match = re.match(r"# yaml-language-server: \$schema=(\S+)\n", path.read_text())
        assert match, path
        schema = json.loads((path.parent / match[1]).read_text())
        assert list(Draft202012Validator(schema).iter_errors(yaml.safe_load(path.read_text()))) == []


def test_the_project_is_one_that_pulumi_reads(tmp_path: Path) -> None:
    run(tmp_path)
    project = yaml.safe_load((tmp_path / "Pulumi.yaml").read_text())
    assert project["name"] == "kubefate"  # the namespace of the stacks' keys
    assert project["stackConfigDir"] == "stacks"
    compile((tmp_path / "__main__.py").read_text(), "__main__.py", "exec")
    for path in (tmp_path / "stacks").glob("Pulumi.*.yaml"):
        assert set(yaml.safe_load(path.read_text())) == {"config"}


def test_a_directory_that_is_not_empty(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    refused = run(tmp_path)
    assert refused.exit_code == 1
    assert "is not empty" in refused.stderr
    assert files(tmp_path) == {"README.md": "mine"}
    assert run(tmp_path, "--force").exit_code == 0
    assert check(tmp_path).exit_code == 0
    assert (tmp_path / "README.md").read_text() == "mine"
    assert not list(tmp_path.glob(".kubefate-init-*"))


@pytest.mark.parametrize("taken", ["Pulumi.yaml", "stacks/parties/10000.yaml", "stacks/.schema/peer.schema.json"])
def test_nothing_is_overwritten(tmp_path: Path, taken: str) -> None:
    (tmp_path / taken).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / taken).write_text("mine")
    refused = run(tmp_path, "--force")
    assert refused.exit_code == 1
    assert f"already holds {taken}. Nothing was written." in refused.stderr
    assert files(tmp_path) == {taken: "mine"}


def test_a_dangling_link_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").symlink_to("elsewhere")
    assert run(tmp_path, "--force").exit_code == 1
    assert not (tmp_path / "elsewhere").exists()


def test_a_file_that_appears_meanwhile_takes_everything_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The moves stop at a file that was not there before; what was moved by then goes again."""
    (tmp_path / "stacks").mkdir()
    move = init_module._move_in

    def late(staging: Path, directory: Path, texts: dict[str, str]) -> None:
        (directory / "Pulumi.yaml").write_text("mine")
        move(staging, directory, texts)

    monkeypatch.setattr(init_module, "_move_in", late)
    refused = run(tmp_path, "--force")
    assert refused.exit_code == 1
    assert "Nothing was written" in refused.stderr
    assert files(tmp_path) == {"Pulumi.yaml": "mine"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["Pulumi.yaml", "stacks"]
    assert list((tmp_path / "stacks").iterdir()) == []


def test_a_disk_that_is_full_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path, text: str, **_: object) -> int:
        if path.name == "exchange.yaml":
            raise OSError(28, "No space left on device")
        return write(path, text)

    write = Path.write_text
    monkeypatch.setattr(Path, "write_text", fail)
    refused = run(tmp_path / "above/new")
    assert refused.exit_code == 1
    assert "no space left on device. Nothing was written." in refused.stderr
    assert list(tmp_path.iterdir()) == []


def test_targets_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for target in ["file", "file/below", "a\0b" if os.name == "nt" else "x" * 300]:
        refused = run(tmp_path / target)
        assert refused.exit_code == 1, target
        assert refused.stderr.count("\n") == 1
    assert files(tmp_path) == {"file": "mine"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--name", "Fraud"], "--name: must be a DNS label"),
        (["--domain", "a_b"], "--domain: must be a DNS name"),
        (["--party", "0"], "--party[0]: must be 1 or more"),
        (["--party", "7", "--party", "7"], "--party[1]: is listed twice"),
        (["--party", "2147483648"], "--party[0]: must be 2147483647 or less"),
    ],
)
def test_wrong_options(tmp_path: Path, options: list[str], words: str) -> None:
    refused = run(tmp_path / "new", *options)
    assert refused.exit_code == 1
    assert words in refused.stderr
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("options", [["--party", "x"], ["--topology", "ring"], ["--nonsense"]])
def test_usage_errors(tmp_path: Path, options: list[str]) -> None:
    assert run(tmp_path / "new", *options).exit_code == 2
    assert not (tmp_path / "new").exists()


def test_the_current_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stays the current one: files are moved into it, it is not replaced."""
    monkeypatch.chdir(tmp_path)
    before = tmp_path.stat().st_ino
    result = run()
    assert result.exit_code == 0
    assert "cd " not in result.stdout
    assert tmp_path.stat().st_ino == before
    assert CliRunner().invoke(main, ["check"]).exit_code == 0


def test_commands_do_not_import_pydantic_before_they_run() -> None:
    """`import kubefate_pulumi` and `kubefate --version` stay fast."""
    code = (
        "import sys, kubefate_pulumi, kubefate_pulumi.config, kubefate_pulumi.cli.check, kubefate_pulumi.cli.init;"
        "sys.exit(any(name in sys.modules for name in ('pydantic', 'pulumi', 'yaml', 'cryptography')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
