"""A container of a pod over time: started, probed, restarted with a growing pause, ended with its hooks."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from dataplane.kubelet.api import Object
from dataplane.kubelet.container import Log, Running
from dataplane.kubelet.errors import KubeletError
from dataplane.kubelet.probes import OnNode, Probe, Target

BACK_OFF_SECONDS = 10.0
BACK_OFF_LIMIT = 300.0
BACK_OFF_RESET = 600.0
_PROBES = ("startupProbe", "livenessProbe", "readinessProbe")


@dataclass
class Unit:
    """One container of a pod.

    Attributes:
        about: the container as in the pod's object.
        log: what it wrote, over all restarts.
        begin: starts it.
        pace: how many times faster than asked probes come, and restarts.
        grace: seconds that it has to end.
        restarts: how often it was started again.
        events: what happened, one line each, as `kubectl describe` shows.
    """

    about: Object
    address: str
    on_node: OnNode
    log: Log
    begin: Callable[[], Running]
    pace: float
    grace: float
    restart_policy: str = "Always"
    running: Running | None = None
    restarts: int = 0
    exit_codes: list[int] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    _probes: dict[str, Probe] = field(default_factory=dict)
    _pause: float = 0.0
    _next_start: float = 0.0

    @property
    def name(self) -> str:
        """The container's name."""
        return str(self.about["name"])

    @property
    def ready(self) -> bool:
        """Whether it runs, and its start-up and readiness probes say that it serves."""
        if self.running is None:
            return False
        found = (self._probes.get(kind) for kind in ("startupProbe", "readinessProbe"))
        return all(probe is None or probe.good is True for probe in found)

    def start(self) -> None:
        """Start it, and run its `postStart` hook."""
        self.running = self.begin()
        now = self.running.started_at
        self._probes = {kind: Probe(self.about[kind], self.pace, now) for kind in _PROBES if kind in self.about}
        hook = self.about.get("lifecycle", {}).get("postStart")
        if hook is not None and not self._target().run(hook, self.grace):
            self._end("its postStart hook failed", self.grace)

    def look(self, now: float) -> None:
        """Do what is due: take note of its end, start it again, run probes and act on them."""
        if self.running is None:
            if now >= self._next_start and not self.finished:
                self.restarts += 1
                self.start()
        elif (code := self.running.exit_code()) is not None:
            self._ended(code, now)
        else:
            self._probe(now)

    @property
    def finished(self) -> bool:
        """Whether it has ended and the pod's restart policy leaves it at that."""
        if self.running is not None or not self.exit_codes or self.restart_policy == "Always":
            return False
        return self.restart_policy == "Never" or self.exit_codes[-1] == 0

    def stop(self) -> None:
        """End it as a deleted pod's: `preStop` hook, SIGTERM, and SIGKILL when the grace is over."""
        if self.running is None or self.running.exit_code() is not None:
            return
        self._end("the pod is deleted", self.grace)

    def kill(self) -> None:
        """Kill it at once, as a node that loses power."""
        if self.running is not None:
            self.running.kill()

    def execute(self, *words: str, seconds: float = 10.0) -> str:
        """Run a command in the container and return its output.

        Raises:
            KubeletError: it failed.
        """
        code, output = self._execute(list(words), seconds)
        if code:
            raise KubeletError(f"{self.name}: {' '.join(words)}: exit code {code}: {output}")
        return output

    def _execute(self, words: list[str], seconds: float) -> tuple[int, str]:
        return (126, "not running") if self.running is None else self.running.execute(words, seconds)

    def _target(self) -> Target:
        return Target(self.address, self.about, self.on_node, self._execute)

    def _ended(self, code: int, now: float) -> None:
        assert self.running is not None
        if now - self.running.started_at > BACK_OFF_RESET / self.pace:
            self._pause = 0.0
        self.running = None
        self.exit_codes.append(code)
        self.events.append(f"ended with {code}")
        # The first restart comes at once, each later one after twice the pause.
        self._next_start = now + self._pause
        self._pause = min(max(BACK_OFF_SECONDS / self.pace, 2 * self._pause), BACK_OFF_LIMIT / self.pace)

    def _probe(self, now: float) -> None:
        startup = self._probes.get("startupProbe")
        if startup is not None and startup.good is not True:
            self._act("startupProbe", now)
            return
        for kind in ("livenessProbe", "readinessProbe"):
            if kind in self._probes and self.running is not None:
                self._act(kind, now)

    def _act(self, kind: str, now: float) -> None:
        probe = self._probes[kind]
        if not probe.look(self._target(), now):
            return
        self.events.append(f"{kind} {'succeeds' if probe.good else 'fails'}")
        if probe.good is False and kind != "readinessProbe":
            self._end(f"{kind} failed", float(self.grace if probe.grace is None else probe.grace))

    def _end(self, reason: str, grace: float) -> None:
        assert self.running is not None
        self.events.append(f"is ended: {reason}")
        deadline = time.monotonic() + grace
        hook = self.about.get("lifecycle", {}).get("preStop")
        if hook is not None and not self._target().run(hook, grace):
            self.events.append("its preStop hook failed")
        if not self.running.end(max(deadline - time.monotonic(), 2.0)):
            self.events.append(f"was killed after {grace:g} s")
