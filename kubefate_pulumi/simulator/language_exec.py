"""Runs one Pulumi program as `language_host.py` asks; not imported by anything.

What the user sees is the same as with Pulumi's own `pulumi-language-python-exec` of SDK 3.259: a `pulumi.RunError`
shows as its message, any other exception with the part of its traceback that is the user's, and the process then ends
with a code that keeps the engine from adding an error of its own.
"""

import argparse
import asyncio
import logging
import os
import runpy
import signal
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType

try:
    import pulumi
    import pulumi.runtime
except ImportError:
    traceback.print_exc()
    sys.exit("The Pulumi SDK cannot be imported; install it into the environment of " + sys.executable)

SHOWN = 32
"""Exit code that says: the user has seen the error."""


def main() -> int:
    """Run the program and return the exit code."""
    arguments = _parse()
    pulumi.runtime.set_all_config(pulumi.runtime.get_config_env(), pulumi.runtime.get_config_secret_keys_env())
    pulumi.runtime.configure(
        pulumi.runtime.Settings(
            monitor=arguments.monitor,
            engine=arguments.engine,
            project=arguments.project,
            stack=arguments.stack,
            parallel=arguments.parallel,
            dry_run=arguments.dry_run == "true",
            organization=arguments.organization,
            root_directory=arguments.root_directory,
        )
    )
    sys.argv = [arguments.program, *arguments.arguments]
    if arguments.pwd:
        os.chdir(arguments.pwd)
    # The engine interrupts programs whose deployment it has given up; a traceback would not help anybody.
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    # An aborted deployment leaves futures behind that nobody looks at. asyncio reports them, and users cannot help it.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    executor = ThreadPoolExecutor(max_workers=max(arguments.parallel, 1) * 4)
    loop.set_default_executor(executor)
    try:
        return _run(loop, arguments.program)
    finally:
        executor.shutdown(wait=True)
        loop.close()
        sys.stdout.flush()
        sys.stderr.flush()


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="language_exec")
    for name in ("monitor", "engine", "project", "root-directory", "stack", "pwd", "dry-run", "organization"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--parallel", type=int, default=1)
    parser.add_argument("program")
    parser.add_argument("arguments", nargs="*")
    return parser.parse_args()


def _run(loop: asyncio.AbstractEventLoop, program: str) -> int:
    location = Path(program).absolute()

    def start() -> None:
        if location.is_dir() and not (location / "__main__.py").is_file():
            pulumi.log.error(f"unable to find main python program `__main__.py` in `{location}`")
            sys.exit(SHOWN)
        runpy.run_path(program, run_name="__main__")

    try:
        loop.run_until_complete(pulumi.runtime.run_in_stack(start))
    except pulumi.RunError as error:
        pulumi.log.error(str(error))
        return 1
    except Exception as error:  # noqa: BLE001 (whatever the program raised)
        pulumi.log.error("Program failed with an unhandled exception:\n" + _user_traceback(error, location))
        return SHOWN
    return 0


def _user_traceback(error: Exception, location: Path) -> str:
    """Return the traceback from the program's first frame on, or all of it when the program has no frame in it."""
    main_file = location / "__main__.py" if location.is_dir() else location
    frame: TracebackType | None = error.__traceback__
    while frame is not None and Path(frame.tb_frame.f_code.co_filename).absolute() != main_file:
        frame = frame.tb_next
    return "".join(traceback.format_exception(type(error), error, frame or error.__traceback__))


if __name__ == "__main__":
    sys.exit(main())
