"""One simulated site: a control plane of its own, started, watched and ended."""

import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from kubefate_pulumi.simulator.api import ApiClient
from kubefate_pulumi.simulator.commands import (
    CONTROLLERS,
    FOUNDATION,
    PARTS,
    command,
    server_names,
    token_file,
)
from kubefate_pulumi.simulator.errors import SimulatorError
from kubefate_pulumi.simulator.files import PRIVATE_DIRECTORY, write_private
from kubefate_pulumi.simulator.inventory import NODES, create_inventory
from kubefate_pulumi.simulator.kubeconfig import write_kubeconfig
from kubefate_pulumi.simulator.pki import write_pki
from kubefate_pulumi.simulator.ports import taken
from kubefate_pulumi.simulator.process import Process, stop
from kubefate_pulumi.simulator.record import USERS, SiteRecord

START_SECONDS = 180
GRACE_SECONDS = 15
POLL_SECONDS = 0.15


class Site:
    """The site in one directory.

    The directory holds `site.json`, `kubeconfig` (the administrator's), `pki/`, `data/` (etcd's), `run/` (pid
    files) and `logs/`.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.name = home.name
        self.processes = {part: Process(part, home / "run", home / "logs") for part in PARTS}

    @property
    def kubeconfig(self) -> Path:
        """The kubeconfig file of the site's administrator."""
        return self.home / "kubeconfig"

    @property
    def record_file(self) -> Path:
        """The file that makes the directory a site."""
        return self.home / "site.json"

    def exists(self) -> bool:
        """Tell whether the site was made."""
        return self.record_file.is_file()

    def record(self) -> SiteRecord:
        """Return what is fixed about the site."""
        return SiteRecord.read(self.record_file)

    def ca_certificate(self) -> bytes:
        """Return the PEM text of the CA that the API server's certificate is from."""
        return (self.home / "pki" / "ca.crt").read_bytes()

    def api(self) -> ApiClient:
        """Return a client of the administrator."""
        return ApiClient(self.record(), self.home / "pki" / "ca.crt")

    def make(self, index: int, binary: Path) -> None:
        """Write all files of a new site; the record comes last and makes it one."""
        record = SiteRecord.make(self.name, index)
        self.home.mkdir(parents=True, exist_ok=True, mode=PRIVATE_DIRECTORY)
        write_pki(self.home / "pki", server_names(record))
        write_private(self.home / "pki" / "tokens.csv", token_file(record))
        (self.home / "data").mkdir(exist_ok=True, mode=PRIVATE_DIRECTORY)
        authority = {self.name: self.ca_certificate()}
        for user in USERS:
            file = self.kubeconfig if user == "admin" else self.home / f"{user}.kubeconfig"
            write_kubeconfig(file, [record], authority, user)
        write_private(self.home / "stages.yaml", _stages(binary, record))
        record.write(self.record_file)

    def running(self) -> bool:
        """Tell whether every part runs."""
        return all(process.running() for process in self.processes.values())

    def ready(self) -> bool:
        """Tell whether every part runs and the API server says that it is ready."""
        return self.exists() and self.running() and self.api().ready()

    def up(self, binary: Path, cancel: threading.Event) -> None:
        """Start what does not run and wait until the site can be used.

        Args:
            binary: the program that holds all parts.
            cancel: ends the waiting when it is set.

        Raises:
            SimulatorError: a port is taken, a part died, or the site was not ready in time.
        """
        wait = _Wait(self, cancel)
        if self.ready():
            wait.until(self._usable, "its nodes")
            return
        self._start(FOUNDATION, binary)
        wait.watch(FOUNDATION)
        api = self.api()
        wait.until(api.ready, "the API server")
        self._start(CONTROLLERS, binary)
        wait.watch(CONTROLLERS)
        create_inventory(api, self.record())
        wait.until(self._usable, "its nodes")

    def stop(self, *, gently: bool) -> None:
        """End all parts of the site.

        Args:
            gently: give every part the time to end by itself, so that etcd's data can be used again.
        """
        if gently:
            # The API server waits for its clients, and etcd's last client is the API server.
            for part in reversed(PARTS):
                stop([self.processes[part]], GRACE_SECONDS)
        else:
            for process in self.processes.values():
                process.signal(signal.SIGKILL)
            stop(list(self.processes.values()), GRACE_SECONDS)

    def remove(self) -> None:
        """Remove all files of the site; it must have been stopped."""
        # First the record: should we be interrupted, the rest is no site any more and the next `up` makes it anew.
        self.record_file.unlink(missing_ok=True)
        shutil.rmtree(self.home)

    def status(self) -> dict[str, Any]:
        """Return what `kubefate sim status --json` says about the site."""
        record = self.record()
        return {
            "name": self.name,
            "kubeconfig": str(self.kubeconfig),
            "ready": self.ready(),
            "server": record.server,
            "public_addresses": record.addresses.public_range,
            "logs": str(self.home / "logs"),
            "processes": {part: process.pid() for part, process in self.processes.items()},
        }

    def _start(self, parts: tuple[str, ...], binary: Path) -> None:
        record = self.record()
        environment = {
            "PATH": "/usr/bin:/bin",
            # kwok reads configuration from the home directory; the user's must not change a site.
            "HOME": str(self.home),
        }
        for part in parts:
            process = self.processes[part]
            if process.running():
                continue
            for name in (part, f"{part}-peer"):
                port = record.ports.get(name)
                if port is not None and taken(port):
                    raise SimulatorError(
                        f"Site {self.name}: port {port} of {part} is taken by another program. End that program, "
                        f"or take the site away with `kubefate sim down {self.name}`."
                    )
            process.start(command(part, binary, record, self.home), environment)

    def _usable(self) -> bool:
        api = self.api()
        nodes = api.get("/api/v1/nodes")
        ready = sum(_is_ready(node) for node in (nodes or {}).get("items", []))
        namespace = "/api/v1/namespaces/default"
        return ready >= NODES and all(
            api.get(f"{namespace}/{path}") is not None
            for path in ("serviceaccounts/default", "configmaps/kube-root-ca.crt")
        )


class _Wait:
    """Waits for something of one site, and fails at once when a part of the site dies."""

    def __init__(self, site: Site, cancel: threading.Event) -> None:
        self._site = site
        self._cancel = cancel
        self._deadline = time.monotonic() + START_SECONDS
        self._watched: list[str] = []

    def watch(self, parts: Sequence[str]) -> None:
        """Fail from now on when one of the parts does not run."""
        self._watched.extend(parts)

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Poll until the condition holds; `what` names it for the user."""
        while True:
            self._check_parts()
            try:
                if condition():
                    return
            except OSError:
                pass  # the server restarts, or is just not there yet
            if time.monotonic() > self._deadline:
                raise SimulatorError(
                    f"Site {self._site.name}: waited {START_SECONDS} seconds for {what}. "
                    f"The logs are in {self._site.home / 'logs'}."
                )
            if self._cancel.wait(POLL_SECONDS):
                raise SimulatorError(f"Site {self._site.name}: interrupted while waiting for {what}.")

    def _check_parts(self) -> None:
        for part in self._watched:
            process = self._site.processes[part]
            if not process.running():
                tail = "\n".join(f"  {line}" for line in process.log_tail().splitlines())
                raise SimulatorError(
                    f"Site {self._site.name}: {part} ended. Its log is {process.log_file}; the last lines:\n{tail}"
                )


def _is_ready(node: dict[str, Any]) -> bool:
    conditions = node.get("status", {}).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _stages(binary: Path, record: SiteRecord) -> str:
    result = subprocess.run(
        [
            str(binary),
            "stages",
            f"-address-prefix={record.addresses.public_prefix}",
            f"-ingress-address={record.addresses.ingress}",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise SimulatorError(f"{binary} stages failed: {result.stderr.strip()}")
    return result.stdout
