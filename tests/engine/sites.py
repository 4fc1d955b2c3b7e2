"""Simulated sites for tests: one simulator for all workers of a run, and clients of its sites.

Every worker holds a shared lock while it uses the simulator, and has a keeper: a process that outlives the worker
however that ends. When its worker is gone the keeper asks for the lock alone; who gets it was the last, and takes the
sites down. The state is in the run's own temporary directory, so a run finds nothing of one before it.
"""

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import kubernetes
from kubernetes.client import ApiClient
from kubernetes.dynamic import DynamicClient

from kubefate_pulumi.simulator.manager import DEFAULT_SITES, Simulator

KEEPER = """
import fcntl, os, shutil, signal, sys, time
from pathlib import Path
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
from kubefate_pulumi.simulator.manager import Simulator
sys.stdin.read()
state = Path(sys.argv[1])
lock = os.open(sys.argv[2], os.O_RDWR)
for _ in range(40):
    # A killed process may lose its pipe to us a moment before its lock.
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        break
    except BlockingIOError:
        time.sleep(0.05)
else:
    sys.exit(0)
Simulator(state).down()
shutil.rmtree(state, ignore_errors=True)
"""


@contextmanager
def kept_simulator(state: Path, lock_file: Path) -> Iterator[Simulator]:
    """Yield the simulator of a state directory; the last of its users takes all its sites down."""
    lock = os.open(lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_SH)
    # A session of its own, and deaf to signals: what ends the tests must not end who cleans up after them.
    keeper = subprocess.Popen(
        [sys.executable, "-c", KEEPER, str(state), str(lock_file)], stdin=subprocess.PIPE, start_new_session=True
    )
    try:
        yield Simulator(state)
    finally:
        os.close(lock)
        keeper.communicate(timeout=60)


def shared_simulator(directory: Path) -> Iterator[Simulator]:
    """Yield the simulator of this run, with the default sites up."""
    with kept_simulator(directory / "simulator", directory / "simulator.lock") as simulator:
        simulator.up(DEFAULT_SITES)
        yield simulator


class Thing(NamedTuple):
    """One object in an API server; `namespace` is empty for what is in none."""

    api_version: str
    kind: str
    namespace: str
    name: str


SELF_MADE = {"Event", "Lease", "ComponentStatus"}
"""Kinds that control planes write all the time, or that are no objects."""


class SiteClient:
    """The official Kubernetes client for one site."""

    def __init__(self, simulator: Simulator, name: str) -> None:
        self.name = name
        self.api: ApiClient = kubernetes.config.new_client_from_config(  # type: ignore[no-untyped-call]
            str(simulator.merged_kubeconfig), context=name, persist_config=False
        )
        self.core = kubernetes.client.CoreV1Api(self.api)
        self.apps = kubernetes.client.AppsV1Api(self.api)
        self._cache = simulator.state / f"discovery-{name}-{os.getpid()}.json"

    @property
    def dynamic(self) -> DynamicClient:
        """A client for any kind; it is made anew, so that it knows kinds that were just added."""
        self._cache.unlink(missing_ok=True)
        return DynamicClient(self.api, cache_file=str(self._cache))  # type: ignore[no-untyped-call]

    def get(self, path: str) -> dict[str, Any]:
        """Return what the API server answers, as plain JSON with the field names of the wire."""
        headers = {"Accept": "application/json"}
        self.api.update_params_for_auth(headers, [], ["BearerToken"], path, "GET", None)
        response = self.api.call_api("GET", self.api.configuration.host + path, headers)
        found: dict[str, Any] = json.loads(response.read())  # type: ignore[no-untyped-call]
        if response.status >= 400:
            raise kubernetes.client.ApiException(status=response.status, reason=found.get("message"))
        return found

    def objects(self, within: str | None = None) -> set[Thing]:
        """Return every object of every kind that is served, but those that control planes write all the time.

        Args:
            within: a part of the names of one test's namespaces. Then what belongs to other namespaces is left out,
                and so is what is in no namespace and named `test-...`: other tests share the site. Everything else
                that is in no namespace is returned.
        """
        found = set()
        for prefix in self._group_versions():
            for resource in self.get(prefix)["resources"]:
                if "/" in resource["name"] or "list" not in resource["verbs"] or resource["kind"] in SELF_MADE:
                    continue
                listed = self.get(f"{prefix}/{resource['name']}")
                for item in listed["items"]:
                    thing = Thing(
                        listed["apiVersion"],
                        resource["kind"],
                        item["metadata"].get("namespace", ""),
                        item["metadata"]["name"],
                    )
                    if within is None or _belongs(thing, item, within):
                        found.add(thing)
        return {each for each in found if (each.namespace, each.name) != ("default", "kubernetes")}

    def _group_versions(self) -> list[str]:
        groups = self.get("/apis")["groups"]
        return ["/api/v1", *(f"/apis/{group['preferredVersion']['groupVersion']}" for group in groups)]


def _belongs(thing: Thing, item: dict[str, Any], within: str) -> bool:
    namespace = thing.namespace
    if thing.kind == "Namespace":
        namespace = thing.name
    elif thing.kind == "PersistentVolume":
        namespace = item["spec"].get("claimRef", {}).get("namespace", "")
    elif thing.kind == "IPAddress":
        # Made for each Service; the API server removes those of deleted Services.
        namespace = item["spec"]["parentRef"].get("namespace", "")
    return within in namespace if namespace else not thing.name.startswith("test-")
