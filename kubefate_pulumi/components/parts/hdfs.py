"""HDFS: data that parties upload and what their jobs store. FATE Flow, Spark workers and DataNodes connect."""

from collections.abc import Mapping

import pulumi

from kubefate_pulumi.components.unit import Unit
from kubefate_pulumi.fate import hdfs, ports
from kubefate_pulumi.kubernetes import objects
from kubefate_pulumi.kubernetes.metadata import content_hash
from kubefate_pulumi.kubernetes.probes import command, probes
from kubefate_pulumi.kubernetes.workload import NO_GRACE, Container, Mount, Pod, spread_over_nodes, stateful_set

NAMENODE = "namenode"
DATANODE = "datanode"
NAMENODE_PORTS = {f"tcp-{port}": port for port in (ports.HDFS_NAMENODE, ports.HDFS_NAMENODE_WEB)}
DATANODE_PORTS = {f"tcp-{port}": port for port in (ports.HDFS_NAMENODE, ports.HDFS_DATANODE_WEB)}
DATANODE_POD_PORTS = {
    **DATANODE_PORTS,
    "tcp-data": ports.HDFS_DATANODE_DATA,
    "tcp-ipc": ports.HDFS_DATANODE_IPC,
}


class Hdfs(pulumi.ComponentResource):
    """One NameNode and the DataNodes."""

    def __init__(
        self,
        name: str,
        unit: Unit,
        datanodes: int,
        replication: int,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("kubefate:index:Hdfs", name, {}, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        self._namenode(unit, replication)
        self._datanode(unit, datanodes, replication)
        self.register_outputs({})

    def _namenode(self, unit: Unit, replication: int) -> None:
        site = {hdfs.CORE_SITE: hdfs.core_site()}
        site_path = f"{unit.profile.paths['hadoop_conf']}/{hdfs.CORE_SITE}"
        env = hdfs.namenode_env(replication=replication)
        objects.config_map(unit.scope, NAMENODE, "namenode-config", site, self._child)
        objects.config_map(unit.scope, NAMENODE, "namenode-env", env, self._child)
        objects.service(unit.scope, NAMENODE, NAMENODE, NAMENODE_PORTS, self._child)
        directory = Mount("dfs", unit.profile.paths["namenode_data"], read_only=False)
        # Formatting wants an empty directory; a new ext4 volume has `lost+found` in it.
        init = Container(
            "delete-lost-found",
            unit.image("busybox"),
            unit.resources[NAMENODE],
            command=["rm", "-rf", f"{directory.path}/lost+found"],
            mounts=[directory],
        )
        main = Container(
            NAMENODE,
            unit.image(NAMENODE),
            unit.resources[NAMENODE],
            ports=NAMENODE_PORTS,
            env=[objects.plain("CLUSTER_NAME", hdfs.CLUSTER_NAME)],
            env_from=[{"config_map_ref": {"name": "namenode-env"}}],
            mounts=[Mount("namenode-confs", site_path, sub_path=hdfs.CORE_SITE), directory],
            probes=_web_probes(ports.HDFS_NAMENODE_WEB),
        )
        pod = Pod(
            containers=[main],
            init_containers=[init],
            volumes={"namenode-confs": {"config_map": {"name": "namenode-config"}}},
            content_hash=content_hash({**site, **env}),
            termination_seconds=NO_GRACE,
        )
        claims = [unit.claim("namenode", "dfs")]
        stateful_set(unit.scope, NAMENODE, pod, self._child, service=NAMENODE, claims=claims)

    def _datanode(self, unit: Unit, datanodes: int, replication: int) -> None:
        env = hdfs.datanode_env(replication=replication)
        objects.config_map(unit.scope, DATANODE, "datanode-env", env, self._child)
        objects.service(unit.scope, DATANODE, DATANODE, DATANODE_PORTS, self._child)
        main = Container(
            DATANODE,
            unit.image(DATANODE),
            unit.resources[DATANODE],
            ports=DATANODE_POD_PORTS,
            env=[objects.plain("SERVICE_PRECONDITION", f"namenode:{ports.HDFS_NAMENODE}")],
            env_from=[{"config_map_ref": {"name": "datanode-env"}}],
            mounts=[Mount("dfs", unit.profile.paths["datanode_data"], read_only=False)],
            probes=_web_probes(ports.HDFS_DATANODE_WEB),
        )
        # Two copies of a block on one node are one copy.
        spread = spread_over_nodes(unit.scope, DATANODE)
        pod = Pod(containers=[main], content_hash=content_hash(env), spread=spread, termination_seconds=NO_GRACE)
        claims = [unit.claim("datanode", "dfs")]
        stateful_set(unit.scope, DATANODE, pod, self._child, service=DATANODE, claims=claims, replicas=datanodes)


def _web_probes(port: int) -> Mapping[str, object]:
    return probes(command("curl", "--fail", "--silent", "--output", "/dev/null", f"http://localhost:{port}"))
