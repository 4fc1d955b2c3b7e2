"""What FATE Flow and Spark's executors read, and how FATE Flow is started.

Sources: FATE 1.11.2's `conf/service_conf.yaml`, KubeFATE chart `fate` v1.11.2, and runs of FATE 1.11.2 with
such files. Keys without a reader in FATE Flow are left out.
"""

from dataclasses import dataclass, field
from typing import Any, Final, Literal

from kubefate_pulumi.fate import ports
from kubefate_pulumi.fate._text import yaml_text
from kubefate_pulumi.fate.model import FederationFacts
from kubefate_pulumi.fate.profile import Profile

POD_IP_MARKER: Final = "__POD_IP__"
"""Stands where the pod's own address must be; the start script writes it. FATE's tasks call back to it."""

SERVICE_CONF: Final = "service_conf.yaml"
SPARK_DEFAULTS: Final = "spark-defaults.conf"
"""Both lie in `paths["conf_mounted"]`, where the start script looks for them."""
PULSAR_ROUTE_TABLE: Final = "pulsar_route_table.yaml"
START_SCRIPT: Final = "start.sh"

TENANT: Final = "fl-tenant"
"""Pulsar's tenant, the same for all parties."""
_UNUSED: Final = "unused"


@dataclass(frozen=True)
class FlowSettings:
    """What one party's FATE Flow is told.

    Attributes:
        party_id: The party.
        database_password: Of `database_user`; never shown.
        spark_nodes: Number of Spark workers.
        spark_cores_per_node: Cores of each. Their product is FATE Flow's own budget of cores: a job that
            needs more waits for ever.
        database_host: Host of MySQL.
        database_port: Port of MySQL.
        database_name: Its database.
        database_user: Its user.
        protocol: How FATE Flow calls other parties: `default` is HTTP.
    """

    party_id: int
    database_password: str = field(repr=False)
    spark_nodes: int
    spark_cores_per_node: int
    database_host: str = "mysql"
    database_port: int = ports.MYSQL
    database_name: str = "eggroll_meta"
    database_user: str = "fate"
    protocol: Literal["default", "grpc"] = "default"


def service_conf(settings: FlowSettings, profile: Profile) -> str:
    """Return `service_conf.yaml` of FATE Flow. It holds the database password, so it belongs in a Secret.

    `POD_IP_MARKER` stands for the pod's address.
    """
    database = {
        "name": settings.database_name,
        "user": settings.database_user,
        "passwd": settings.database_password,
        "host": settings.database_host,
        "port": settings.database_port,
        "max_connections": 100,
        "stale_timeout": 30,
    }
    flow = {
        "host": POD_IP_MARKER,
        "http_port": ports.FATE_FLOW_HTTP,
        "grpc_port": ports.FATE_FLOW_GRPC,
        "nginx": {
            "host": "fateflow",
            "http_port": ports.FATE_FLOW_HTTP,
            "grpc_port": ports.FATE_FLOW_GRPC,
        },
        "proxy": "nginx",
        "protocol": settings.protocol,
        "random_instance_id": True,
        "http_app_key": None,
        "http_secret_key": None,
    }
    spark = {
        "home": f"{profile.paths['spark_home']}/",
        "cores_per_node": settings.spark_cores_per_node,
        "nodes": settings.spark_nodes,
    }
    return yaml_text(_service_conf(settings.party_id, flow, database, spark))


def environment(profile: Profile) -> dict[str, str]:
    """Return FATE Flow's environment, without `POD_IP`."""
    return {
        "FATE_LOG_LEVEL": "INFO",
        "FATE_PROJECT_BASE": profile.paths["fate"],
        "HUGGINGFACE_HUB_CACHE": profile.paths["llm"],
    }


def spark_worker_service_conf(party_id: int) -> str:
    """Return the `service_conf.yaml` of Spark's workers: executors import FATE, which wants the file.

    It holds no password; an executor gets what it needs with its task.
    """
    flow = {
        "host": "fateflow",
        "http_port": ports.FATE_FLOW_HTTP,
        "grpc_port": ports.FATE_FLOW_GRPC,
        "proxy": "nginx",
        "protocol": "default",
    }
    database = {
        "name": _UNUSED,
        "user": _UNUSED,
        "passwd": _UNUSED,
        "host": "127.0.0.1",
        "port": ports.MYSQL,
        "max_connections": 100,
        "stale_timeout": 30,
    }
    return yaml_text(_service_conf(party_id, flow, database, {"home": None, "cores_per_node": 1, "nodes": 1}))


def pulsar_route_table(federation: FederationFacts) -> str:
    """Return `pulsar_route_table.yaml`: one `default`, the own router, for every peer in either topology.

    FATE writes a peer's address into Pulsar's metadata once and never again, so what it writes must not
    change: the router's name does not. An entry of a party would need an integer key (`int(party_id)`).
    """
    default = {
        "domain": federation.domain,
        "proxy": f"nginx:{ports.ROUTER_INNER_DATA}",
        "brokerPort": ports.PULSAR,
        "brokerSslPort": ports.PULSAR_TLS,
    }
    return yaml_text({"default": default})


def start_script(profile: Profile) -> str:
    """Return the POSIX shell script that starts FATE Flow.

    It reads `SERVICE_CONF` and `SPARK_DEFAULTS` from `paths["conf_mounted"]` and the address from
    the environment variable `POD_IP`, which the pod must set from `status.podIP`.
    """
    paths = profile.paths
    mounted, conf, spark = paths["conf_mounted"], paths["conf"], f"{paths['spark_home']}/conf"
    return f"""\
#!/bin/sh
# Writes the pod's address into FATE Flow's and Spark's configuration, then becomes FATE Flow.
set -eu

case "${{POD_IP:-}}" in
'' | *[!0-9a-fA-F.:]*)
  echo 'start: POD_IP must be the address of this pod' >&2
  exit 1
  ;;
esac

# service_conf.yaml holds the database password.
umask 077
sed "s/{POD_IP_MARKER}/$POD_IP/g" {mounted}/{SERVICE_CONF} > {conf}/{SERVICE_CONF}
umask 022
sed "s/{POD_IP_MARKER}/$POD_IP/g" {mounted}/{SPARK_DEFAULTS} > {spark}/{SPARK_DEFAULTS}

cd {paths["fate"]}
exec python {profile.python}
"""


def _service_conf(
    party_id: int, flow: dict[str, Any], database: dict[str, Any], spark: dict[str, Any]
) -> dict[str, Any]:
    """Return the file's sections in FATE's order. FATE wants engines that are not used to be there too."""
    return {
        "use_registry": False,
        "use_deserialize_safe_module": False,
        "dependent_distribution": False,
        "encrypt_password": False,
        "encrypt_module": "fate_arch.common.encrypt_utils#pwdecrypt",
        "private_key": None,
        "party_id": party_id,
        "hook_module": {
            "client_authentication": "fate_flow.hook.flow.client_authentication",
            "site_authentication": "fate_flow.hook.flow.site_authentication",
            "permission": "fate_flow.hook.flow.permission",
        },
        "hook_server_name": None,
        "authentication": {
            "client": {"switch": False, "http_app_key": None, "http_secret_key": None},
            "site": {"switch": False},
        },
        "permission": {"switch": False, "component": False, "dataset": False},
        "fateflow": flow,
        "database": database,
        "zookeeper": {"hosts": ["serving-zookeeper:2181"], "use_acl": False},
        "default_engines": {"computing": "spark", "federation": "pulsar", "storage": "hdfs"},
        "fate_on_standalone": {"standalone": {"cores_per_node": 20, "nodes": 1}},
        "fate_on_eggroll": {
            "clustermanager": {"cores_per_node": 16, "nodes": 1},
            "rollsite": {"host": "127.0.0.1", "port": 9370},
        },
        "fate_on_spark": {"spark": spark, **_spark_engines(party_id)},
        "fateboard": {"host": "fateboard", "port": ports.FATE_BOARD},
        "enable_model_store": False,
        "model_store_address": {
            "storage": "tencent_cos",
            "Region": None,
            "SecretId": None,
            "SecretKey": None,
            "Bucket": None,
        },
        "servings": {"hosts": [""]},
        "fatemanager": {"host": "127.0.0.1", "port": 8001, "federatedId": 0},
    }


def _spark_engines(party_id: int) -> dict[str, Any]:
    return {
        "linkis_spark": {
            "cores_per_node": 20,
            "nodes": 2,
            "host": "127.0.0.1",
            "port": 9001,
            "token_code": "MLSS",
            "python_path": "/data/projects/fate/python",
        },
        "hive": {
            "host": "127.0.0.1",
            "port": 10000,
            "auth_mechanism": None,
            "username": None,
            "password": None,
        },
        "linkis_hive": {"host": "127.0.0.1", "port": 9001},
        "hdfs": {"name_node": f"hdfs://namenode:{ports.HDFS_NAMENODE}", "path_prefix": None},
        "rabbitmq": {
            "host": "127.0.0.1",
            "mng_port": 12345,
            "port": 5672,
            "user": _UNUSED,
            "password": _UNUSED,
            "route_table": None,
            "mode": "replication",
            "max_message_size": 1048576,
        },
        "pulsar": {
            "host": "pulsar",
            "port": ports.PULSAR,
            "mng_port": ports.PULSAR_ADMIN,
            # The broker's clusterName: one for each party, else three parties' replicators collide.
            "cluster": str(party_id),
            "tenant": TENANT,
            # Minutes.
            "topic_ttl": 3,
            "route_table": "conf/pulsar_route_table/pulsar_route_table.yaml",
            "mode": "replication",
            "max_message_size": 1048576,
        },
        "nginx": {
            "host": "nginx",
            "http_port": ports.ROUTER_INNER_CONTROL_HTTP,
            "grpc_port": ports.ROUTER_INNER_CONTROL_GRPC,
        },
    }
