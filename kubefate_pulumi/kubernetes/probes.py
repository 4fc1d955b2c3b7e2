"""Probes: one check, used for start-up, readiness and liveness."""

from collections.abc import Mapping
from typing import Any

PERIOD_SECONDS = 10
STARTUP_SECONDS = 300
"""Time that a process has to come up before it is restarted. The charts give 120 s, which slow storage exceeds."""


def tcp(port: int) -> Mapping[str, Any]:
    """Return the check that a TCP port accepts connections."""
    return {"tcp_socket": {"port": port}}


def http(port: int, path: str = "/") -> Mapping[str, Any]:
    """Return the check that a path answers with a status below 400."""
    return {"http_get": {"port": port, "path": path}}


def command(*words: str) -> Mapping[str, Any]:
    """Return the check that a command in the container exits with 0."""
    return {"exec_": {"command": list(words)}}


def probes(
    check: Mapping[str, Any],
    *,
    startup_seconds: int = STARTUP_SECONDS,
    timeout_seconds: int = 3,
    liveness: Mapping[str, Any] | None = None,
) -> Mapping[str, Any]:
    """Return the three probe fields of a container.

    Args:
        check: What start-up and readiness look at, and liveness, too, unless it is given its own.
        startup_seconds: How long the process may take to come up.
        timeout_seconds: How long one try may take.
        liveness: What liveness looks at, when it differs: a failure ends the process.
    """
    every: dict[str, Any] = {"period_seconds": PERIOD_SECONDS, "timeout_seconds": timeout_seconds}
    return {
        "startup_probe": {
            **check,
            **every,
            "failure_threshold": max(1, -(-startup_seconds // PERIOD_SECONDS)),
        },
        "readiness_probe": {**check, **every, "failure_threshold": 3},
        "liveness_probe": {**(liveness or check), **every, "failure_threshold": 3},
    }
