"""The files of a unit's router: stock nginx, the only way into a unit and out of it, for both paths.

`base_files` depend on the unit alone, so a change of them rolls the pods; `route_files` on its peers, and
the router takes them up by itself (`start.sh`). `docs/routing.md` shows the listeners.
"""

from typing import Final

from kubefate_pulumi.fate import _router_base, _router_routes, _router_start
from kubefate_pulumi.fate._router_layout import (
    BASE_DIR,
    BROKER_HOST,
    FATE_FLOW_HOST,
    INTERNAL_DIR,
    NGINX_CONF,
    ROUTES_DIR,
    RUN_DIR,
    START_SCRIPT,
    TLS_DIR,
    TMP_DIR,
)
from kubefate_pulumi.fate.model import ConfigFile, FederationFacts
from kubefate_pulumi.fate.routes import RouteTable

__all__ = [
    "BASE_DIR",
    "BROKER_HOST",
    "COMMAND",
    "FATE_FLOW_HOST",
    "HEALTH_PATH",
    "INTERNAL_DIR",
    "METRICS_PATH",
    "ROUTES_DIR",
    "RUN_DIR",
    "STATUS_PATH",
    "TERMINATION_GRACE_SECONDS",
    "TLS_DIR",
    "TMP_DIR",
    "USER_ID",
    "WORKER_SHUTDOWN_SECONDS",
    "base_files",
    "route_files",
]

COMMAND: Final = ("/bin/sh", f"{BASE_DIR}/{START_SCRIPT}")
USER_ID: Final = 101
"""User and group `nginx` of the official image; the router needs no more rights than reading its mounts."""

HEALTH_PATH: Final = "/test"
STATUS_PATH: Final = "/status"
METRICS_PATH: Final = "/metrics"

WORKER_SHUTDOWN_SECONDS: Final = 300
"""How long connections may outlive a reload. Then they are cut, and a removed peer is out."""
TERMINATION_GRACE_SECONDS: Final = _router_start.LINGER_SECONDS + _router_start.DRAIN_SECONDS + 10
"""What a pod needs to end well: listen on while Kubernetes takes it out, drain, and be cut."""


def base_files(
    federation: FederationFacts, unit: str, *, worker_shutdown_timeout: int = WORKER_SHUTDOWN_SECONDS
) -> tuple[ConfigFile, ...]:
    """Return the files that do not depend on peers, for `BASE_DIR`.

    Args:
        federation: What all parties share.
        unit: Whose router: a party id as text, or `exchange`.
        worker_shutdown_timeout: Seconds that connections may outlive a reload. Shorter takes a removed peer
            or a switched route out of use sooner; Pulsar's replicators reconnect by themselves when cut.
    """
    return (
        ConfigFile(NGINX_CONF, _router_base.nginx_conf(federation, unit, worker_shutdown_timeout), "restart"),
        ConfigFile(START_SCRIPT, _router_start.start_script(), "restart"),
    )


def route_files(table: RouteTable) -> tuple[ConfigFile, ...]:
    """Return the files that come from the route table, for `ROUTES_DIR`, sorted by name.

    All of them belong into one mounted directory, so that they change together.
    """
    texts = _router_routes.texts(table)
    return tuple(ConfigFile(name, text, "reload") for name, text in sorted(texts.items()))
