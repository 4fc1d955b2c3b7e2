"""Probes and hooks of a container, run as the kubelet runs them: from the node, or by a command in the container."""

import contextlib
import http.client
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dataplane.kubelet.api import Object
from dataplane.kubelet.errors import KubeletError

OnNode = Callable[[Callable[[], bool]], bool]
"""Runs something in the network of the pod's node."""
Execute = Callable[[list[str], float], tuple[int, str]]
"""Runs a command in the container; returns exit code and output."""
_GOOD = range(200, 400)


@dataclass(frozen=True)
class Target:
    """What a probe looks at: the pod's address, the container, and where to run."""

    address: str
    container: Object
    on_node: OnNode
    execute: Execute

    def run(self, action: Object, seconds: float) -> bool:
        """Do what a probe or a hook says once; tell whether it went well.

        Raises:
            KubeletError: the action is of a kind that is not known here.
        """
        if "exec" in action:
            return self.execute(list(action["exec"]["command"]), seconds)[0] == 0
        if "tcpSocket" in action:
            about = action["tcpSocket"]
            return self.on_node(lambda: _connects(self._host(about), self._port(about), seconds))
        if "httpGet" in action:
            about = action["httpGet"]
            return self.on_node(lambda: _answers(self._host(about), self._port(about), about, seconds))
        if "sleep" in action:
            time.sleep(float(action["sleep"]["seconds"]))
            return True
        raise KubeletError(f"container {self.container['name']}: unknown probe or hook {sorted(action)}")

    def _host(self, about: Object) -> str:
        return str(about.get("host") or self.address)

    def _port(self, about: Object) -> int:
        port = about["port"]
        if isinstance(port, int):
            return port
        for each in self.container.get("ports", []):
            if each.get("name") == port:
                return int(each["containerPort"])
        raise KubeletError(f"container {self.container['name']} has no port {port!r}")


def _connects(host: str, port: int, seconds: float) -> bool:
    try:
        socket.create_connection((host, port), timeout=seconds).close()
    except OSError:
        return False
    return True


def _answers(host: str, port: int, about: Object, seconds: float) -> bool:
    connection: http.client.HTTPConnection
    if about.get("scheme", "HTTP").upper() == "HTTPS":
        context = ssl.create_default_context()
        # The kubelet does not check certificates.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        connection = http.client.HTTPSConnection(host, port, timeout=seconds, context=context)
    else:
        connection = http.client.HTTPConnection(host, port, timeout=seconds)
    headers = {each["name"]: each["value"] for each in about.get("httpHeaders", [])}
    try:
        with contextlib.closing(connection):
            connection.request("GET", about.get("path") or "/", headers={"User-Agent": "kube-probe", **headers})
            return connection.getresponse().status in _GOOD
    except (OSError, http.client.HTTPException):
        return False


class Probe:
    """One probe over time: when it is due, and what it has found.

    It looks `pace` times as often as asked, so that a success is seen soon. A failure counts only where the pod's own
    period has one: what it has of time to start, and to come back, stays.

    Attributes:
        good: None until enough results agree.
    """

    def __init__(self, about: dict[str, Any], pace: float, now: float) -> None:
        self.about = about
        self._period = float(about.get("periodSeconds", 10))
        self._pause = self._period / pace
        self._next = self._next_failure = now + about.get("initialDelaySeconds", 0) / pace
        self._row = 0
        self._last: bool | None = None
        self.good: bool | None = None
        self.grace: int | None = about.get("terminationGracePeriodSeconds")

    def look(self, target: Target, now: float) -> bool:
        """Run the probe if it is due; tell whether `good` has changed."""
        if now < self._next:
            return False
        self._next = now + self._pause
        result = target.run(self.about, float(self.about.get("timeoutSeconds", 1)))
        if not result and now < self._next_failure:
            return False
        self._next_failure = now + self._period
        self._row = self._row + 1 if result == self._last else 1
        self._last = result
        needed = self.about.get("successThreshold", 1) if result else self.about.get("failureThreshold", 3)
        if self._row < needed or self.good == result:
            return False
        self.good = result
        return True
