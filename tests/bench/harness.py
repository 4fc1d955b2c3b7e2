"""Runs one program against an engine that answers at once; prints seconds and peak memory as JSON.

Usage: python -m bench.harness PROGRAM ANSWERS, where PROGRAM is `files:ROOT` (the real program on a project's
files) or the path of a Python file, and ANSWERS a JSON file with the outputs of dynamic resources by name.
"""

import asyncio
import json
import os
import re
import runpy
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

started = time.perf_counter()

import pulumi  # noqa: E402 - its import is a part of what is measured
from pulumi.runtime import mocks  # noqa: E402
from pulumi.runtime.stack import run_pulumi_func  # noqa: E402


class _Engine(mocks.Mocks):
    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers
        self.registered = 0

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], None]:
        raise AssertionError(args.token)

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        self.registered += 1
        return args.name, {**args.inputs, **self.answers.get(f"{args.typ}/{args.name}", {})}


def _program(name: str) -> Callable[[], None]:
    if not name.startswith("files:"):
        return lambda: runpy.run_path(name) and None
    root = name.removeprefix("files:")
    pulumi.get_root_directory = lambda: root
    from kubefate_pulumi.program.run import run

    return run


def _peak_mebibytes() -> float:
    """Return the peak of this process's memory. `getrusage` would count that of the process which started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024


def main() -> None:
    name, answers = sys.argv[1], json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
    os.environ.pop("KUBECONFIG", None)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    engine = _Engine(answers)
    pulumi.runtime.set_all_config({"kubefate:units": "all"})
    mocks.set_mocks(engine, project="kubefate", stack="federation", preview=False)
    program = _program(name)
    begun = time.perf_counter()

    async def run() -> None:
        program()

    loop.run_until_complete(run_pulumi_func(run))
    ended = time.perf_counter()
    peak = _peak_mebibytes()
    report = {
        "seconds": ended - started,
        "program_seconds": ended - begun,
        "mebibytes": peak,
        "resources": engine.registered,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
