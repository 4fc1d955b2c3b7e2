"""The plugin `pulumi-language-python` of the simulated site.

The engine starts it, reads the port that it prints, and asks it over gRPC to run programs. Pulumi's own plugin of that
name comes with an official installation of Pulumi and is used where there is one; this one takes its place beside an
engine that was built from source. As the official one does, it runs each program in a process of its own,
`language_exec.py`. The Python environment is always the one that this package is installed in.
"""

import contextlib
import json
import os
import platform
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

EXECUTOR = Path(__file__).with_name("language_exec.py")
MESSAGE_BYTES = 400 * 1024 * 1024
"""The limit that the engine itself sets for one message."""

SHOWN = 32
"""Exit code of a program whose error the user has seen already."""


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """Answers the engine's requests about Python programs."""

    def __init__(self, engine_address: str) -> None:
        self._engine_address = engine_address
        self._programs: set[subprocess.Popen[bytes]] = set()

    def Handshake(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802, ARG002
        """Learn the engine's address."""
        self._engine_address = request.engine_address or self._engine_address
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802, ARG002
        """Return the version of the SDK that programs run with."""
        return plugin_pb2.PluginInfo(version=metadata.version("pulumi"))

    def GetRequiredPlugins(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802, ARG002
        """Return nothing: each resource names the version of its plugin itself."""
        return language_pb2.GetRequiredPluginsResponse()

    def GetRequiredPackages(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802, ARG002
        """Return nothing: each resource names the version of its plugin itself."""
        return language_pb2.GetRequiredPackagesResponse()

    def About(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802, ARG002
        """Return which Python runs the programs."""
        return language_pb2.AboutResponse(executable=sys.executable, version=platform.python_version())

    def GetProgramDependencies(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802, ARG002
        """Return the distributions of the environment."""
        found = sorted((each.metadata["Name"], each.version) for each in metadata.distributions())
        return language_pb2.GetProgramDependenciesResponse(
            dependencies=[language_pb2.DependencyInfo(name=name, version=version) for name, version in found]
        )

    def InstallDependencies(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:  # noqa: N802, ARG002
        """Install nothing: the environment of this package is the programs' environment."""
        text = f"Programs run in the environment of {sys.executable}; nothing is installed.\n"
        yield language_pb2.InstallDependenciesResponse(stdout=text.encode())

    def RuntimeOptionsPrompts(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802, ARG002
        """Ask for nothing."""
        return language_pb2.RuntimeOptionsResponse()

    def Cancel(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802, ARG002
        """End the programs that run."""
        self.end_programs()
        return empty_pb2.Empty()

    def Run(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Run a program to its end."""
        program = subprocess.Popen(
            # -P keeps this module's directory off the program's import path.
            [sys.executable, "-u", "-P", str(EXECUTOR), *self._arguments(request)],
            env={
                **os.environ,
                "PULUMI_CONFIG": json.dumps(dict(request.config)),
                "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
            },
            stdin=subprocess.DEVNULL,
        )
        self._programs.add(program)
        context.add_callback(program.terminate)
        try:
            code = program.wait()
        finally:
            self._programs.discard(program)
        if code == 0:
            return language_pb2.RunResponse()
        if code == SHOWN:
            return language_pb2.RunResponse(bail=True)
        return language_pb2.RunResponse(error=f"program exited with non-zero exit code: {code}")

    def end_programs(self) -> None:
        """End the programs that run."""
        for program in list(self._programs):
            program.terminate()

    def _arguments(self, request: Any) -> list[str]:
        options = {
            "monitor": request.monitor_address,
            "engine": self._engine_address,
            "project": request.project,
            "root-directory": request.info.root_directory,
            "stack": request.stack,
            "pwd": request.pwd,
            "dry-run": "true" if request.dryRun else "false",
            "parallel": str(request.parallel),
            "organization": request.organization,
        }
        given = [f"--{name}={value}" for name, value in options.items() if value]
        return [*given, "--", request.info.entry_point or request.program or ".", *request.args]


def main() -> None:
    """Serve until the engine ends us, or has itself ended."""
    engine_address = next((each for each in reversed(sys.argv[1:]) if not each.startswith("-")), "")
    host = LanguageHost(engine_address)
    limits = [
        ("grpc.max_receive_message_length", MESSAGE_BYTES),
        ("grpc.max_send_message_length", MESSAGE_BYTES),
    ]
    server = grpc.server(ThreadPoolExecutor(max_workers=8), options=limits)
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    port = server.add_insecure_port("127.0.0.1:0")
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        # The engine sends SIGINT when it is done with us; nothing may be printed then, it would become a diagnostic.
        signal.signal(number, lambda *_: ended.set())
    server.start()
    print(port, flush=True)
    parent = os.getppid()
    while not ended.wait(1) and os.getppid() == parent:
        pass
    host.end_programs()
    with contextlib.suppress(OSError):
        sys.stdout.flush()
    # A program may hang in a thread of the server; waiting for it would keep the engine from ending.
    time.sleep(0)
    os._exit(0)


if __name__ == "__main__":
    main()
