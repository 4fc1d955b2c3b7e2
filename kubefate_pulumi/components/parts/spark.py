"""Spark: where FATE's jobs compute. FATE Flow drives it; workers and driver call each other."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from kubefate_pulumi.components.unit import Unit
from kubefate_pulumi.fate import flow, ports, spark
from kubefate_pulumi.kubernetes import objects
from kubefate_pulumi.kubernetes.metadata import content_hash
from kubefate_pulumi.kubernetes.probes import http, probes
from kubefate_pulumi.kubernetes.quantity import mebibytes
from kubefate_pulumi.kubernetes.workload import NO_GRACE, Container, Mount, Pod, Resources, deployment

MASTER = "spark-master"
WORKER = "spark-worker"
MASTER_PORTS = {
    "web-ui": ports.SPARK_MASTER_WEB,
    "master": ports.SPARK_MASTER,
    "master-rest": ports.SPARK_MASTER_REST,
}
WORKER_PORTS = {"tcp-spark": ports.SPARK_WORKER_WEB}
WORKER_OVERHEAD_MIB = 1024
"""Memory that a worker keeps for itself and for the Python processes beside an executor's heap."""


@dataclass(frozen=True)
class Workers:
    """The workers: how many, with how many cores and how much memory each."""

    count: int
    cores: int
    memory: str

    @property
    def total_cores(self) -> int:
        """The cores of all workers: FATE Flow's budget."""
        return self.count * self.cores

    def offered_mebibytes(self) -> int:
        """Return the memory that one worker offers to executors, in MiB."""
        memory = mebibytes(self.memory)
        return max(memory - WORKER_OVERHEAD_MIB, memory // 2)

    def resources(self) -> Resources:
        """Return what the container of a worker asks for: Spark hands out every core that it is told of."""
        return Resources(cpu=str(self.cores), memory=self.memory, cpu_limit=str(self.cores))


class Spark(pulumi.ComponentResource):
    """A standalone Spark cluster: one master and its workers."""

    def __init__(self, name: str, unit: Unit, workers: Workers, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kubefate:index:Spark", name, {}, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        self._master(unit)
        self._workers(unit, workers)
        self.register_outputs({})

    def _master(self, unit: Unit) -> None:
        objects.service(unit.scope, MASTER, MASTER, MASTER_PORTS, self._child, headless=True)
        objects.service(unit.scope, MASTER, "spark-client", MASTER_PORTS, self._child)
        container = Container(
            MASTER,
            unit.image("spark_master"),
            unit.resources["spark_master"],
            ports=MASTER_PORTS,
            env=objects.plain_env(spark.master_env(unit.profile)),
            probes=_web(ports.SPARK_MASTER_WEB),
        )
        deployment(unit.scope, MASTER, Pod(containers=[container], termination_seconds=NO_GRACE), self._child)

    def _workers(self, unit: Unit, workers: Workers) -> None:
        conf = {flow.SERVICE_CONF: flow.spark_worker_service_conf(unit.party_id)}
        objects.config_map(unit.scope, WORKER, "spark-worker-config", conf, self._child)
        objects.service(unit.scope, WORKER, "spark-worker-1", WORKER_PORTS, self._child, headless=True)
        env = spark.worker_env(unit.profile, cores=workers.cores, memory_mib=workers.offered_mebibytes())
        container = Container(
            WORKER,
            unit.image("spark_worker"),
            workers.resources(),
            ports=WORKER_PORTS,
            env=objects.plain_env(env),
            mounts=[Mount("spark-worker-confs", unit.profile.paths["spark_worker_conf"])],
            probes=_web(ports.SPARK_WORKER_WEB),
        )
        pod = Pod(
            containers=[container],
            volumes={"spark-worker-confs": {"config_map": {"name": "spark-worker-config"}}},
            content_hash=content_hash(conf),
            termination_seconds=NO_GRACE,
        )
        deployment(unit.scope, WORKER, pod, self._child, replicas=workers.count)


def _web(port: int) -> Mapping[str, object]:
    return probes(http(port))
