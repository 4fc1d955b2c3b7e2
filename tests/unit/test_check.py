"""`kubefate check` on wrong files: the right problems at the right places, and never the value of a secret."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from unit import config_cases_models, config_cases_peers, config_cases_text
from unit.config_files import BASE, CA, CANARY, OTHER_CA, SITE, UNITS, Case, json_peer, peer, write_files

from kubefate_pulumi.cli.main import main
from kubefate_pulumi.config import ConfigError, load

CASES = config_cases_models.CASES | config_cases_peers.CASES | config_cases_text.CASES


def run(directory: Path, *options: str) -> Result:
    result = CliRunner().invoke(main, ["check", str(directory), *options])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def found(directory: Path, *options: str) -> list[tuple[str, int | None, str, str]]:
    """The problems that the command reports: file (relative to the directory), line, field, words."""
    report = json.loads(run(directory, "--json", *options).stdout)
    return [
        (
            problem["file"].removeprefix(f"{directory}/"),
            problem["line"],
            problem["field"],
            f"{problem['message']}. {problem['remedy']}",
        )
        for problem in report["problems"]
    ]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_wrong_files(case: Case, tmp_path: Path) -> None:
    write_files(tmp_path, case.files)
    problems = found(tmp_path)
    assert [problem[:3] for problem in problems] == [expected[:3] for expected in case.problems], problems
    for (_, _, _, text), (_, _, _, words) in zip(problems, case.problems, strict=True):
        assert words in text
        assert CANARY not in text
    result = run(tmp_path)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == len(case.problems)
    assert CANARY not in result.stderr


def test_there_are_enough_wrong_files() -> None:
    parts = [config_cases_models.CASES, config_cases_peers.CASES, config_cases_text.CASES]
    assert len(CASES) == sum(len(part) for part in parts), "a name is used twice"
    assert len(CASES) > 100


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_loading_wrong_files_raises_one_kind_of_error(case: Case, tmp_path: Path) -> None:
    write_files(tmp_path, case.files)
    expected = [
        problem for problem in case.problems if not problem[0].startswith("Pulumi.") and "deploys" not in problem[3]
    ]
    if not expected:  # only the stack files are wrong, which `load` does not read
        load(tmp_path)
        return
    with pytest.raises(ConfigError) as refusal:
        load(tmp_path)
    assert [(problem.line, problem.field) for problem in refusal.value.problems] == [p[1:3] for p in expected]
    assert CANARY not in str(refusal.value) + repr(refusal.value)
    assert refusal.value.__cause__ is None, "a traceback of the cause may show values"


def test_good_files(tmp_path: Path) -> None:
    """The files that every case above changes are good: their own content makes no problem."""
    write_files(tmp_path, {})
    result = run(tmp_path)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == (
        "fraud: star, FATE 1.11.2, fraud.example.org\n"
        "\n"
        "unit      site             namespace      address\n"
        "exchange  kubernetes here  fate-exchange  of the load balancer\n"
        "9999      kubernetes here  fate-9999      of the load balancer\n"
        "10000     kubernetes here  fate-10000     of the load balancer\n"
        "\n"
        "stack       deploys                needs first\n"
        "federation  exchange, 9999, 10000  nothing\n"
    )


def test_good_files_with_everything(tmp_path: Path) -> None:
    """Files in other good forms: keys without values, JSON peers, quotes, CRLF, secrets that are encrypted."""
    stack = f"{UNITS}  kubefate:9999-mysql-password:\n    secure: v1:abc\n  kubefate:endpoints_only: 'false'\n"
    write_files(
        tmp_path,
        {
            "exchange.yaml": "site:\n  kubernetes:\nexposure:\nreplicas:\n",
            "parties/9999.yaml": SITE.replace("\n", "\r\n") + "spark:\r\n",
            "parties/10000.yaml": f"---\n{SITE}ingress: {{annotations: {{auth-tls-secret: a/b}}, tls_secret: x}}\n",
            "peers/9999.yaml": json.dumps(json_peer("9999")),
            "peers/10000.yaml": peer("10000", OTHER_CA.certificate_pem, unit='unit: "10000"'),
            "Pulumi.federation.yaml": f"encryptionsalt: v1:x=:v1:y:z==\n{stack}  aws:region: eu\n",
            "Pulumi.party-9999.yaml": "config:\n  kubefate:units: [9999]\n",
            ".hidden.yaml": CANARY,
            "peers/.gitkeep": "",
            "notes.md": CANARY,
        },
    )
    report = json.loads(run(tmp_path, "--json").stdout)
    assert report["problems"] == []
    assert report["federation"]["stacks"] == [
        {
            "name": "federation",
            "units": ["exchange", "9999", "10000"],
            "endpoints_only": False,
            "waits_for": [],
        },
        {"name": "party-9999", "units": ["9999"], "endpoints_only": False, "waits_for": ["exchange"]},
    ]


def test_one_stack_must_have_all_it_needs(tmp_path: Path) -> None:
    """A peer that is not there yet is no wrong file, but the stack that needs it cannot be deployed."""
    write_files(tmp_path, {"Pulumi.party-9999.yaml": "config:\n  kubefate:units: [9999]\n"})
    assert found(tmp_path) == []
    assert [problem[:3] for problem in found(tmp_path, "--stack", "party-9999")] == [
        ("peers/exchange.yaml", None, ""),
        ("peers/10000.yaml", None, ""),
    ]
    assert found(tmp_path, "--stack", "federation") == []
    (tmp_path / "Pulumi.party-9999.yaml").write_text(
        "config: {kubefate:units: [9999], kubefate:endpoints_only: true}\n"
    )
    assert found(tmp_path, "--stack", "party-9999") == []


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("missing", 1, "Pulumi.missing.yaml: does not exist"),
        ("../secrets", 2, "a stack name has letters"),
        ("", 2, "a stack name has letters"),
    ],
)
def test_wrong_stack_names(tmp_path: Path, name: str, code: int, words: str) -> None:
    result = run(write_files(tmp_path, {}), "--stack", name)
    assert result.exit_code == code
    assert words in result.stderr


def test_kinds_of_files_that_cannot_be_read(tmp_path: Path) -> None:
    """A pipe must not block, a link that leads nowhere is named."""
    write_files(tmp_path, {"exchange.yaml": None, "parties/9999.yaml": None, "parties/10000.yaml": None})
    os.mkfifo(tmp_path / "exchange.yaml")
    (tmp_path / "parties").mkdir()
    (tmp_path / "parties/9999.yaml").symlink_to("nowhere")
    (tmp_path / "parties/10000.yaml").symlink_to("10000.yaml")
    (tmp_path / "peers").symlink_to("nowhere")
    (tmp_path / "Pulumi.federation.yaml").unlink()
    texts = {problem[0]: problem[3] for problem in found(tmp_path)}
    assert "no regular file" in texts.pop("exchange.yaml")
    assert "does not exist" in texts.pop("parties/9999.yaml")
    assert "cannot be read" in texts.pop("parties/10000.yaml")
    assert "cannot be listed" in texts.pop("peers")
    assert texts == {}


@pytest.mark.parametrize("name", ["missing", "federation.yaml", "a\x1b[31m"])
def test_no_directory(tmp_path: Path, name: str) -> None:
    result = run(write_files(tmp_path, {}) / name)
    assert result.exit_code == 1
    assert "is not a directory. Name the directory" in result.stderr
    assert "\x1b" not in result.stderr


def test_default_directory_and_names_in_messages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an argument: `stacks`, or the current directory when the files are there."""
    write_files(tmp_path / "stacks", {"exchange.yaml": "replicas: 1\n"})
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(main, ["check"]).stderr.startswith("stacks/exchange.yaml:1: site: is missing")
    monkeypatch.chdir(tmp_path / "stacks")
    assert CliRunner().invoke(main, ["check"]).stderr.startswith("exchange.yaml:1: site: is missing")


def test_as_a_program(tmp_path: Path) -> None:
    """The real process: exit code, streams, and no traceback, also for a terminal that knows ASCII only."""
    write_files(tmp_path, {"parties/\udcff.yaml": SITE, "parties/9\n9.yaml": SITE, "exchange.yaml": SITE + "ü: 1\n"})
    command = [sys.executable, "-m", "kubefate_pulumi.cli.main", "check", str(tmp_path)]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 3, done.stderr
    assert "Traceback" not in done.stderr
    for path in [*tmp_path.glob("parties/*\n*"), *tmp_path.glob("parties/\udcff*")]:
        path.unlink()
    (tmp_path / "exchange.yaml").write_text(SITE.replace("here", "größe"))
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr


def test_peers_of_one_operator_may_share_an_authority(tmp_path: Path) -> None:
    """The control of "two CAs with one subject": the very same certificate is allowed."""
    files = {f"peers/{unit}.yaml": peer(unit, CA.certificate_pem) for unit in ("9999", "10000")}
    assert found(write_files(tmp_path, files)) == []


def test_a_check_writes_nothing(tmp_path: Path) -> None:
    write_files(tmp_path, {})
    run(tmp_path)
    assert sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()) == sorted(BASE)
