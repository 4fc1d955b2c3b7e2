"""FATE Flow: schedules jobs and drives Spark. It calls every other part, and the other parties through the router."""

from dataclasses import dataclass

import pulumi

from kubefate_pulumi.components.parts import mysql
from kubefate_pulumi.components.parts.spark import Workers
from kubefate_pulumi.components.unit import Unit
from kubefate_pulumi.fate import flow, ports, spark
from kubefate_pulumi.kubernetes import objects
from kubefate_pulumi.kubernetes.metadata import content_hash_of
from kubefate_pulumi.kubernetes.probes import probes, tcp
from kubefate_pulumi.kubernetes.workload import Container, Mount, Pod, Resources, stateful_set

PART = "python"
"""The part's name in KubeFATE's charts; its container is `fateflow`."""
SERVICE_PORTS = {"tcp-grpc": ports.FATE_FLOW_GRPC, "tcp-http": ports.FATE_FLOW_HTTP}
DATA = {"logs": "logs", "jobs": "jobs", "model-local-cache": "models", "llm": "llm"}
"""Directory on the volume, as in the chart, to the name of its path in the version profile."""
CONTAINER_PORTS = {"grpc-port": ports.FATE_FLOW_GRPC, "http-port": ports.FATE_FLOW_HTTP}


@dataclass(frozen=True)
class FateFlowSettings:
    """What FATE Flow needs of the other parts."""

    mysql_password: pulumi.Input[str]
    workers: Workers
    replication: int


class FateFlow(pulumi.ComponentResource):
    """FATE Flow's server, with its configuration (a Secret: it holds the database password) and its Services.

    `fateflow` is headless as in the chart; `fateflow-client` has an address as soon as it exists, which the router
    needs to start.
    """

    def __init__(
        self,
        name: str,
        unit: Unit,
        settings: FateFlowSettings,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("kubefate:index:FateFlow", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        files = {
            flow.SPARK_DEFAULTS: spark.spark_defaults(
                cores_max=max(1, settings.workers.total_cores // 2), replication=settings.replication
            ),
            flow.START_SCRIPT: flow.start_script(unit.profile),
        }
        service_conf = _service_conf(unit, settings)
        objects.config_map(unit.scope, PART, "python-config", files, child)
        objects.secret(unit.scope, PART, "python-config", {flow.SERVICE_CONF: service_conf}, child)
        routes = {flow.PULSAR_ROUTE_TABLE: flow.pulsar_route_table(unit.federation)}
        objects.config_map(unit.scope, PART, "pulsar-route-table", routes, child)
        objects.service(unit.scope, PART, "fateflow", SERVICE_PORTS, child, headless=True)
        objects.service(unit.scope, PART, "fateflow-client", SERVICE_PORTS, child)
        pod = Pod(
            containers=[_server(unit)],
            init_containers=[_wait_for_database(unit)],
            volumes={
                "python-confs": objects.projected(("config_map", "python-config"), ("secret", "python-config")),
                # Read by every task, so it needs no restart.
                "pulsar-route-table": {"config_map": {"name": "pulsar-route-table"}},
            },
            content_hash=content_hash_of(pulumi.Output.all(service_conf=service_conf, **files)),
        )
        claims = [unit.claim("python", "python-data")]
        stateful_set(unit.scope, PART, pod, child, service="fateflow", claims=claims)
        self.register_outputs({})


def _service_conf(unit: Unit, settings: FateFlowSettings) -> pulumi.Output[str]:
    def render(password: str) -> str:
        return flow.service_conf(
            flow.FlowSettings(
                party_id=unit.party_id,
                database_name=mysql.DATABASE,
                database_user=mysql.USER,
                database_password=password,
                spark_cores_per_node=settings.workers.cores,
                spark_nodes=settings.workers.count,
            ),
            unit.profile,
        )

    text: pulumi.Output[str] = pulumi.Output.secret(settings.mysql_password).apply(render)
    return text


def _wait_for_database(unit: Unit) -> Container:
    """Return the init container that waits, without a limit, until the database listens."""
    ping = f"until mysqladmin ping --host=mysql --port={ports.MYSQL} --silent; do sleep 2; done"
    return Container("ping-mysql", unit.image("mysql"), Resources("50m", "128Mi"), command=["sh", "-c", ping])


def _server(unit: Unit) -> Container:
    paths = unit.profile.paths
    return Container(
        "fateflow",
        unit.image("fateflow"),
        unit.resources["fateflow"],
        ports=CONTAINER_PORTS,
        command=["sh", f"{paths['conf_mounted']}/{flow.START_SCRIPT}"],
        env=[
            objects.from_field("POD_IP", "status.podIP"),
            *objects.plain_env(flow.environment(unit.profile)),
        ],
        mounts=[
            Mount("python-confs", paths["conf_mounted"]),
            Mount("pulsar-route-table", paths["pulsar_route_table"]),
            *(Mount("python-data", paths[name], sub_path=key, read_only=False) for key, name in DATA.items()),
        ],
        probes=probes(tcp(ports.FATE_FLOW_HTTP), startup_seconds=600),
    )
