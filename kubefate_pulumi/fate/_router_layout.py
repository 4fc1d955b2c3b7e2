"""Where the router's files, sockets and neighbours are: what its texts and its pod must agree on."""

from typing import Final

BASE_DIR: Final = "/etc/kubefate/router"
ROUTES_DIR: Final = "/etc/kubefate/routes"
TLS_DIR: Final = "/etc/kubefate/tls"
"""Certificate that peers see: `tls.crt`, `tls.key`."""
INTERNAL_DIR: Final = "/etc/kubefate/internal"
"""Certificate between router and broker, of a party: `tls.crt`, `tls.key`, `ca.crt`."""
RUN_DIR: Final = "/run/router"
TMP_DIR: Final = "/tmp"  # noqa: S108 - an emptyDir of the pod's own
HEALTH_DIR: Final = f"{RUN_DIR}/health"
RESOLVER_CONF: Final = f"{RUN_DIR}/resolver.conf"
PID_FILE: Final = f"{RUN_DIR}/nginx.pid"

NGINX_CONF: Final = "nginx.conf"
START_SCRIPT: Final = "start.sh"
CONTROL_CONF: Final = "control.conf"
CONTROL_CALLERS_CONF: Final = "control-callers.conf"
DATA_CONF: Final = "data.conf"
DATA_CALLERS_CONF: Final = "data-callers.conf"

BROKER_HOST: Final = "pulsar"
FATE_FLOW_HOST: Final = "fateflow-client"
"""The Service with an address of its own. `fateflow` is headless: it has no address until FATE Flow is ready,
so nginx would not start, and would then keep the address of a pod that is gone."""

FATE_FLOW_HTTP_UPSTREAM: Final = "fateflow-http"
FATE_FLOW_GRPC_UPSTREAM: Final = "fateflow-grpc"
BROKER_UPSTREAM: Final = "broker"


def control_socket(unit: str, protocol: str) -> str:
    """Return nginx' name of the socket between the inner control listener and the server of one hop."""
    return f"unix:{RUN_DIR}/control-{unit}-{protocol}.sock"


def data_socket(unit: str) -> str:
    """Return nginx' name of the socket between the inner data listener and the server of one peer."""
    return f"unix:{RUN_DIR}/data-{unit}.sock"


def ca_file(unit: str) -> str:
    """Return the name of the file with one unit's CA."""
    return f"ca-{unit}.pem"
