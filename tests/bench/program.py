"""The budgets of the program, as ratios of medians measured in one run on one machine.

Programs run in processes of their own, in turn, so that a busy moment of the machine meets all of them alike.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.bare import bare_program
from plan.programs import plan_of, write_federation
from plan.recorder import Plan

RUNS = 9
TESTS = Path(__file__).resolve().parents[1]


def _environment() -> dict[str, str]:
    """Return the environment of the programs: byte code is kept, as it is where people work."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": str(TESTS), "PYTHONWARNINGS": "ignore"}


def _python(*arguments: str) -> str:
    command = [sys.executable, *arguments]
    return subprocess.run(command, env=_environment(), check=True, capture_output=True, text=True).stdout


def _import_milliseconds() -> float:
    """Return what `import kubefate_pulumi` adds to a bare start of Python: the difference of two medians."""
    samples: dict[str, list[float]] = {"pass": [], "import kubefate_pulumi": []}
    for _ in range(RUNS):
        for statement, times in samples.items():
            begun = time.perf_counter()
            _python("-c", statement)
            times.append(time.perf_counter() - begun)
    bare, ours = (statistics.median(times) for times in samples.values())
    return 1000 * (ours - bare)


def _measured(programs: Sequence[tuple[str, Path]], runs: int = RUNS) -> list[dict[str, float]]:
    """Return the medians of each program (its name, the file with its answers), run in turn."""
    samples: list[list[dict[str, Any]]] = [[] for _ in programs]
    for _ in range(runs):
        for (program, answers), found in zip(programs, samples, strict=True):
            found.append(json.loads(_python("-m", "bench.harness", program, str(answers))))
    return [{key: statistics.median(run[key] for run in found) for key in found[0]} for found in samples]


def _answers(directory: Path, plan: Plan) -> Path:
    """Write what the engine answers: certificates that were made before, and addresses."""
    known: dict[str, Any] = {}
    for item in plan.registrations:
        if item.type.startswith("pulumi-python:dynamic"):
            known[f"{item.type}/{item.name}"] = plan.generated[item.name]
        elif item.name in plan.addresses:
            status = {"loadBalancer": {"ingress": [{"ip": plan.addresses[item.name]}]}}
            known[f"{item.type}/{item.name}"] = {"status": status}
    path = directory / "answers.json"
    path.write_text(json.dumps(known), encoding="utf-8")
    return path


def _federation(directory: Path, parties: int) -> tuple[str, Path, Plan]:
    directory.mkdir()
    write_federation(directory, parties=tuple(range(1, parties + 1)))
    plan = plan_of(directory)
    return f"files:{directory}", _answers(directory, plan), plan


def _line(what: str, value: str, budget: str, kept: bool) -> str:
    return f"{what:<62} {value:>9}   {budget:<10} {'kept' if kept else 'MISSED'}"


def run() -> bool:
    """Measure and print; tell whether every budget was kept."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        small, small_answers, plan = _federation(directory / "two", 2)
        large, large_answers, _ = _federation(directory / "fifty", 50)
        bare = directory / "bare.py"
        bare.write_text(bare_program(plan), encoding="utf-8")
        ours, theirs = _measured([(small, small_answers), (str(bare), small_answers)])
        assert ours["resources"] == theirs["resources"], (ours, theirs)
        two, fifty = _measured([(small, small_answers), (large, large_answers)], runs=5)
    importing = _import_milliseconds()
    seconds = ours["seconds"] / theirs["seconds"]
    memory = ours["mebibytes"] / theirs["mebibytes"]
    growth = (fifty["program_seconds"] / 50) / (two["program_seconds"] / 2)
    rows = [
        ("import kubefate_pulumi, over bare Python", f"{importing:.0f} ms", "< 50 ms", importing < 50),
        ("program time, over a bare program of the same resources", f"{seconds:.2f}x", "<= 1.15x", seconds <= 1.15),
        ("program memory, likewise", f"{memory:.2f}x", "<= 1.15x", memory <= 1.15),
        ("time per party at 50 parties, over that at 2", f"{growth:.2f}x", "<= 1.2x", growth <= 1.2),
    ]
    print(f"{ours['resources']:.0f} resources; medians of {RUNS} runs in turn, {os.cpu_count()} processors\n")
    for row in rows:
        print(_line(*row))
    print(
        f"\nAbsolute, for orientation only: ours {ours['seconds']:.2f} s, {ours['mebibytes']:.0f} MiB; "
        f"bare {theirs['seconds']:.2f} s, {theirs['mebibytes']:.0f} MiB; "
        f"50 parties {fifty['seconds']:.1f} s, {fifty['mebibytes']:.0f} MiB."
    )
    return all(kept for *_, kept in rows)
