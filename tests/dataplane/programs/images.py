"""Images whose programs are fetched once: Pulsar, Spark, HDFS, the notebook, MariaDB and Traffic Server.

`program_images` gives the table of the harness what it needs; `TAGS` says which version of an image each entry
stands for. Scripts that only the image has are in `launchers`, and each says what it follows. Nothing here knows
of our pods: command, arguments, environment and mounts are the pod's.
"""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from dataplane.kubelet.images import PATH, Directory, Image, Tree
from dataplane.programs.homes import ensure
from dataplane.programs.python_home import PYTHON, SITE_PACKAGES, VENV, python_trees

LAUNCHERS = Path(__file__).parent / "launchers"

SMALL_JAVA = "-Xms64m -Xmx512m -XX:MaxDirectMemorySize=512m -XX:TieredStopAtLevel=1"
"""What Java gets here, where the image's or the pod's own size is gigabytes. Given last, so both are read."""

_SMALL = "Java's memory is small, after what the pod says of it"
_SPARK_OPENS = (
    "java.lang",
    "java.lang.invoke",
    "java.net",
    "java.nio",
    "java.util",
    "java.util.concurrent",
    "sun.nio.ch",
)


def mysql() -> Image:
    """`mysql` 8.0.28: MariaDB, with the entrypoint's variables and steps."""
    ensure("mariadb")
    user, group = 999, 999
    return Image(
        repository="mysql",
        program="MariaDB of this machine",
        entrypoint=("docker-entrypoint.sh",),
        cmd=("mysqld",),
        env={"PATH": PATH},
        users={"mysql": (user, group)},
        trees=(
            Tree(LAUNCHERS / "mysql-entrypoint.sh", "/usr/local/bin/docker-entrypoint.sh"),
            Tree(LAUNCHERS / "mysql", "/etc/mysql"),
        ),
        directories=(
            Directory("/docker-entrypoint-initdb.d"),
            Directory("/var/lib/mysql", 0o777, user, group),
            Directory("/var/lib/mysql-files", 0o750, user, group),
            Directory("/var/run/mysqld", 0o777, user, group),
        ),
        adaptions=("MariaDB 10.11 in MySQL's place: SQL of MySQL 8 alone is refused", "its buffers are small"),
    )


def pulsar() -> Image:
    """`federatedai/pulsar` 2.10.1: the same version from Maven."""
    user, group = 10000, 0
    return Image(
        repository="federatedai/pulsar",
        program="Pulsar 2.10.1 from Maven, standalone only",
        cmd=("/bin/bash",),
        env={"PATH": PATH, "PULSAR_ROOT_LOGGER": "INFO,CONSOLE", "KUBEFATE_TESTS_JAVA": SMALL_JAVA},
        user=f"{user}:{group}",
        users={"pulsar": (user, group)},
        workdir="/pulsar",
        trees=(
            Tree(ensure("pulsar") / "lib", "/pulsar/lib"),
            Tree(LAUNCHERS / "pulsar.sh", "/pulsar/bin/pulsar"),
            Tree(LAUNCHERS / "pulsar-conf", "/pulsar/conf", writable=True),
        ),
        directories=(Directory("/pulsar/data", 0o775, user, group), Directory("/pulsar/logs", 0o775, user, group)),
        adaptions=("Java 17 in place of 11", _SMALL),
    )


def spark_master() -> Image:
    """`federatedai/spark-master` 1.11.2: Spark of the same version from PyPI."""
    env = {"SPARK_MASTER_PORT": "7077", "SPARK_MASTER_WEBUI_PORT": "8080", "SPARK_MASTER_LOG": "/spark/logs"}
    return _spark("master", env)


def spark_worker() -> Image:
    """`federatedai/spark-worker` 1.11.2: Spark of the same version from PyPI."""
    env = {"SPARK_WORKER_WEBUI_PORT": "8081", "SPARK_WORKER_LOG": "/spark/logs"}
    return _spark("worker", {**env, "SPARK_MASTER": "spark://spark-master:7077"})


def _spark(role: str, env: Mapping[str, str]) -> Image:
    home = ensure("spark")
    # Java 17 hides what Spark 3.1 reaches into. By environment, since Spark itself starts the executors.
    opens = " ".join(f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in _SPARK_OPENS)
    return Image(
        repository=f"federatedai/spark-{role}",
        program=f"Spark 3.1.3's {role} from PyPI",
        cmd=("/bin/bash", f"/{role}.sh"),
        env={"PATH": PATH, "SPARK_DAEMON_MEMORY": "256m", "JDK_JAVA_OPTIONS": opens, **env},
        trees=(
            *(Tree(home / name, f"/spark/{name}") for name in ("bin", "jars", "python", "sbin")),
            Tree(LAUNCHERS / f"spark-{role}.sh", f"/{role}.sh"),
        ),
        directories=(Directory("/spark/conf"), Directory("/spark/logs"), Directory("/spark/work")),
        adaptions=(
            "Java 17 in place of 8, so Scala's library is 2.12.19",
            "its own memory is 256 MiB",
            "FATE's Python is not there",
        ),
    )


def namenode() -> Image:
    """`federatedai/hadoop-namenode`, Hadoop 3.2.1: the same version from Maven."""
    return _hadoop("namenode", "name")


def datanode() -> Image:
    """`federatedai/hadoop-datanode`, Hadoop 3.2.1: the same version from Maven."""
    return _hadoop("datanode", "data")


def _hadoop(role: str, directory: str) -> Image:
    home = "/opt/hadoop-3.2.1"
    return Image(
        repository=f"federatedai/hadoop-{role}",
        program=f"Hadoop 3.2.1's {role} from Maven",
        entrypoint=("/entrypoint.sh",),
        cmd=("/run.sh",),
        env={
            "PATH": f"{home}/bin:{PATH}",
            "HADOOP_VERSION": "3.2.1",
            "HADOOP_HOME": home,
            "HADOOP_CONF_DIR": "/etc/hadoop",
            "MULTIHOMED_NETWORK": "1",
            "USER": "root",
            "KUBEFATE_TESTS_JAVA": SMALL_JAVA,
            f"HDFS_CONF_dfs_{role}_{directory}_dir": f"file:///hadoop/dfs/{directory}",
        },
        trees=(
            Tree(ensure("hadoop") / "lib", f"{home}/lib"),
            Tree(LAUNCHERS / "hdfs.sh", f"{home}/bin/hdfs"),
            Tree(LAUNCHERS / "hadoop-entrypoint.sh", "/entrypoint.sh"),
            Tree(LAUNCHERS / f"hadoop-{role}.sh", "/run.sh"),
            Tree(LAUNCHERS / "hadoop-conf", "/etc/hadoop", writable=True),
        ),
        directories=(Directory(f"/hadoop/dfs/{directory}"), Directory(f"{home}/logs")),
        adaptions=("Java 17 in place of 8", "no native libraries", _SMALL),
    )


def client() -> Image:
    """`federatedai/client` 1.11.2: the notebook of that time and FATE's command line."""
    home = ensure("notebook")
    # Where the interpreter's own library is, unless it is this machine's.
    base = () if sys.base_prefix == "/usr" else (Tree(Path(sys.base_prefix), sys.base_prefix),)
    # `flow init` and `pipeline init` write into their own packages.
    written = (f"{SITE_PACKAGES}/{name}" for name in ("flow_client", "pipeline"))
    return Image(
        repository="federatedai/client",
        program="notebook 6.5.7 and FATE's command line 1.11.2 from PyPI",
        env={"PATH": f"{VENV}/bin:{PATH}", "HOME": "/root", "FATE_FLOW_IP": "fateflow", "FATE_FLOW_PORT": "9380"},
        workdir="/data/projects/fate/",
        trees=(*base, Tree(home, VENV), *(Tree(home / each, f"{VENV}/{each}", writable=True) for each in written)),
        directories=(Directory("/data/projects/fate"), Directory("/root", 0o700)),
        adaptions=(f"{PYTHON} in place of 3.8", "FATE itself is not there"),
    )


def traffic_server() -> Image:
    """`federatedai/trafficserver`, which KubeFATE's exchange has without a tag: Debian's, at the image's paths."""
    ensure("trafficserver")
    return Image(
        repository="federatedai/trafficserver",
        program="Traffic Server 9.2 of this machine",
        cmd=("/opt/trafficserver/bin/traffic_manager",),
        env={"PATH": PATH},
        trees=(
            Tree(LAUNCHERS / "traffic-manager.sh", "/opt/trafficserver/bin/traffic_manager"),
            Tree(Path("/etc/trafficserver"), "/etc/trafficserver", writable=True),
        ),
        adaptions=("traffic_server runs without traffic_manager", "diagnostics go to the output"),
    )


def pulsar_client() -> Image:
    """No image of ours: Pulsar's Python client, for programs of the tests; start them with `sys.prefix`/bin/python."""
    home = ensure("pulsar-client")
    return Image(
        repository="pulsar-client",
        program="Pulsar's Python client from PyPI",
        env={"PATH": PATH, "PYTHONPATH": str(home)},
        trees=(*python_trees(), Tree(home, str(home))),
    )


PROGRAMS: Mapping[str, tuple[Callable[[], Image], str]] = {
    "mysql": (mysql, "8.0.28"),
    "pulsar": (pulsar, "2.10.1"),
    "spark_master": (spark_master, "1.11.2-release"),
    "spark_worker": (spark_worker, "1.11.2-release"),
    "namenode": (namenode, "2.0.0-hadoop3.2.1-java8"),
    "datanode": (datanode, "2.0.0-hadoop3.2.1-java8"),
    "client": (client, "1.11.2-release"),
}
"""Part, as in a version profile: its image here, and the tag that this was written for."""


def program_images() -> list[Image]:
    """Return all of them, for `Table.with_image`; fetches what is missing."""
    return [*(make() for make, _ in PROGRAMS.values()), traffic_server()]
