"""What Spark's driver, master and workers read. Ports are pinned so that network policies can name them."""

from typing import Final

from kubefate_pulumi.fate import ports
from kubefate_pulumi.fate.flow import POD_IP_MARKER
from kubefate_pulumi.fate.profile import Profile

MASTER_URL: Final = f"spark://spark-master:{ports.SPARK_MASTER}"


def spark_defaults(*, cores_max: int, replication: int = 3, executor_memory: str | None = None) -> str:
    """Return `spark-defaults.conf` of FATE Flow's pod, where the drivers run.

    `POD_IP_MARKER` stands for the pod's address: executors call the driver back there.

    Args:
        cores_max: Cores that one application may take. Without a bound the first takes all, and a job in
            which this party has two roles waits for itself.
        replication: Copies of each block that jobs write to HDFS: the client decides, not the NameNode.
        executor_memory: Memory of an executor, in Spark's form (`4g`). None: Spark's default, 1g.
    """
    settings = {
        "spark.master": MASTER_URL,
        "spark.driver.host": POD_IP_MARKER,
        "spark.driver.port": str(ports.SPARK_DRIVER),
        "spark.blockManager.port": str(ports.SPARK_BLOCK_MANAGER),
        "spark.port.maxRetries": str(ports.SPARK_PORTS_PER_POD - 1),
        "spark.cores.max": str(cores_max),
        "spark.hadoop.dfs.replication": str(replication),
        # A driver's web page would be one more listener, without authentication.
        "spark.ui.enabled": "false",
    }
    if executor_memory is not None:
        settings["spark.executor.memory"] = executor_memory
    return "".join(f"{key} {value}\n" for key, value in sorted(settings.items()))


def master_env(profile: Profile) -> dict[str, str]:
    """Return the environment of Spark's master."""
    return {
        "SPARK_MASTER_PORT": str(ports.SPARK_MASTER),
        "SPARK_MASTER_WEBUI_PORT": str(ports.SPARK_MASTER_WEB),
        "SPARK_MASTER_LOG": profile.paths["spark_log"],
    }


def worker_env(profile: Profile, *, cores: int, memory_mib: int) -> dict[str, str]:
    """Return the environment of a worker.

    Args:
        profile: The FATE version.
        cores: Cores offered to executors; unset, a worker offers all of its node's.
        memory_mib: Memory offered to executors, in MiB; likewise.
    """
    return {
        "SPARK_MASTER": MASTER_URL,
        "SPARK_WORKER_PORT": str(ports.SPARK_WORKER),
        "SPARK_WORKER_WEBUI_PORT": str(ports.SPARK_WORKER_WEB),
        "SPARK_WORKER_CORES": str(cores),
        "SPARK_WORKER_MEMORY": f"{memory_mib}m",
        "SPARK_WORKER_LOG": profile.paths["spark_log"],
    }
