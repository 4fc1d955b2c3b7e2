"""The harness: all sites, in one cage."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from dataplane.kubelet.api import Getter
from dataplane.kubelet.cage import Cage, wait_for
from dataplane.kubelet.images import Image, Table
from dataplane.kubelet.network import Backbone
from dataplane.kubelet.site import READY_SECONDS, Machine, Site

PACE = 10.0
"""Probes come, and containers restart, so many times faster than their pods ask; failures count as they ask."""

UNTRUE = (
    "seccomp profiles, AppArmor and resource limits are not applied",
    "no process gets more rights by an exec, also where allowPrivilegeEscalation is not false",
    "all nodes of a site are one network namespace; NetworkPolicies are not enforced",
    f"probes look {PACE:g} times as often and pauses before restarts are {PACE:g} times shorter, or as a test says",
)
"""How a pod here differs from one of a cluster, whatever its image."""


class Kubelet:
    """Runs pods of simulated sites as real processes; a context manager.

    Nothing of it is left when it is closed, or when the test process is gone.
    """

    def __init__(self, table: Table, say: Callable[[str], None] = print, pace: float = PACE) -> None:
        self.table = table
        self.sites: dict[str, Site] = {}
        self._say = say
        self._pace = pace
        self._said: set[str] = set()
        self.cage = Cage()
        self.backbone = Backbone(self.cage)
        for line in UNTRUE:
            self._tell(f"here: {line}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def site(self, name: str, client: Getter) -> Site:
        """Return a site by its name, made at the first call."""
        if name not in self.sites:
            machine = Machine(self.cage, self.backbone, self.table, self.cage.directory / name, self._pace)
            self.sites[name] = Site(machine, name, client)
        return self.sites[name]

    def sync(self, *, patient: bool = True) -> bool:
        """Take over what changed in every API server; tell whether nothing is left to do (`Site.sync`)."""
        done = [site.sync(patient=patient) for site in self.sites.values()]
        for site in self.sites.values():
            for pod in list(site.pods.values()):
                self._tell_of(pod.images)
        return all(done)

    def settle(self, seconds: float = READY_SECONDS) -> None:
        """Synchronize until no old pod is kept, no new one is left, and all are ready."""

        def settled() -> bool:
            done = self.sync(patient=False)
            return done and all(pod.ready for site in self.sites.values() for pod in site.pods.values())

        wait_for(settled, seconds, self.story)

    @contextmanager
    def following(self, seconds: float = 0.5) -> Iterator[None]:
        """Synchronize all the time while something else is done, as kubelets do.

        Raises:
            Exception: what a synchronization raised, when the block ends.
        """
        stop = threading.Event()
        failures: list[Exception] = []

        def follow() -> None:
            while not stop.wait(seconds):
                try:
                    self.sync(patient=False)
                except Exception as error:  # noqa: BLE001 - raised when the block ends
                    failures.append(error)
                    return

        thread = threading.Thread(target=follow, name="following", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
        if failures:
            raise failures[0]

    def story(self) -> str:
        """Return what happened to all pods, for messages of failing tests."""
        return "\n".join(pod.story() for site in self.sites.values() for pod in site.pods.values())

    def wait_ready(self, seconds: float = READY_SECONDS) -> None:
        """Wait until every pod of every site is ready."""
        for site in self.sites.values():
            site.wait_ready(seconds)

    def close(self) -> None:
        """Kill everything and remove all files."""
        try:
            for site in self.sites.values():
                site.kill()
        finally:
            self.cage.close()

    def _tell_of(self, images: list[Image]) -> None:
        for image in images:
            for line in image.said():
                self._tell(line)

    def _tell(self, line: str) -> None:
        if line not in self._said:
            self._said.add(line)
            self._say(line)
