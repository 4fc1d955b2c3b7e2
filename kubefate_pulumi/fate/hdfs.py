"""What HDFS reads: only the settings of KubeFATE's maps that a NameNode or DataNode looks at.

The image's start script turns `CORE_CONF_a_b___c` into `a.b-c` of `core-site.xml`, `HDFS_CONF_..` into
`hdfs-site.xml`.
"""

from typing import Final

from kubefate_pulumi.fate import ports

CORE_SITE: Final = "core-site.xml"
CLUSTER_NAME: Final = "fate"
_NAMENODE: Final = f"namenode:{ports.HDFS_NAMENODE}"
_ANY: Final = "0.0.0.0"  # noqa: S104 - the pod's address is not known here

_SHARED: Final = {
    "MULTIHOMED_NETWORK": "0",
    "CORE_CONF_fs_defaultFS": f"hdfs://{_NAMENODE}",
    "CORE_CONF_hadoop_http_staticuser_user": "root",
    "CORE_CONF_io_compression_codecs": "org.apache.hadoop.io.compress.SnappyCodec",
    "HDFS_CONF_dfs_webhdfs_enabled": "true",
    "HDFS_CONF_dfs_permissions_enabled": "false",
    # Pods' addresses have no names, and change.
    "HDFS_CONF_dfs_namenode_datanode_registration_ip___hostname___check": "false",
    "HDFS_CONF_dfs_client_use_datanode_hostname": "false",
    "HDFS_CONF_dfs_datanode_use_datanode_hostname": "false",
}


def core_site() -> str:
    """Return the NameNode's `core-site.xml`: it listens on every address, not on the Service's."""
    return f"""\
<configuration>
  <property>
    <name>fs.default.name</name>
    <value>hdfs://{_ANY}:{ports.HDFS_NAMENODE}</value>
  </property>
</configuration>
"""


def namenode_env(*, replication: int) -> dict[str, str]:
    """Return the NameNode's environment, as the chart's map `namenode-env` has it, without `CLUSTER_NAME`.

    Args:
        replication: Copies of each block that a client gets which asks for no number; not more than there are
            DataNodes. FATE's own uploads ask for three, and get as many as there are DataNodes.
    """
    bind = {
        f"HDFS_CONF_dfs_namenode_{service}___bind___host": _ANY for service in ("rpc", "servicerpc", "http", "https")
    }
    # `core-site.xml` is mounted, so the start script cannot add to it.
    shared = {key: value for key, value in _SHARED.items() if not key.startswith("CORE_CONF_")}
    return {**shared, **bind, **_replication(replication)}


def datanode_env(*, replication: int) -> dict[str, str]:
    """Return a DataNode's environment, as the chart's map `datanode-env` has it, without `SERVICE_PRECONDITION`.

    Args:
        replication: As for the NameNode.
    """
    return {**_SHARED, **_replication(replication)}


def _replication(copies: int) -> dict[str, str]:
    return {"HDFS_CONF_dfs_replication": str(copies)}
