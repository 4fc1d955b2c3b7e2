"""HDFS' NameNode and DataNode with our pods' variables, file and volumes; a client writes and reads."""

import json
from collections.abc import Iterator, Mapping

import pytest
from dataplane.programs import images
from dataplane.programs.sandbox import PATIENCE, Container, Network, network

from kubefate_pulumi.fate import hdfs, ports
from kubefate_pulumi.fate.profile import load_profile

PATHS = load_profile("1.11.2").paths
NAMENODE, DATANODE, CLIENT = "127.0.0.31", "127.0.0.32", "127.0.0.33"
URL = f"hdfs://namenode:{ports.HDFS_NAMENODE}"


def start_namenode(net: Network) -> Container:
    (net.root / "name").mkdir(exist_ok=True)
    return net.start(
        "namenode",
        images.namenode(),
        env={"CLUSTER_NAME": hdfs.CLUSTER_NAME, **hdfs.namenode_env(replication=1)},
        files={f"{PATHS['hadoop_conf']}/{hdfs.CORE_SITE}": hdfs.core_site()},
        volumes={PATHS["namenode_data"]: net.root / "name"},
        host="namenode-0",
        address=NAMENODE,
    )


def start_datanode(net: Network, *, without: str = "") -> Container:
    env = {"SERVICE_PRECONDITION": f"namenode:{ports.HDFS_NAMENODE}", **hdfs.datanode_env(replication=1)}
    env.pop(without, None)
    (net.root / "data").mkdir(exist_ok=True)
    volumes = {PATHS["datanode_data"]: net.root / "data"}
    return net.start("datanode", images.datanode(), env=env, volumes=volumes, host="datanode-0", address=DATANODE)


def live_datanodes(net: Network) -> int:
    """Return how many the NameNode counts; -1 while it says nothing."""
    query = "qry=Hadoop:service=NameNode,name=FSNamesystemState"
    answer = net.http(f"http://{NAMENODE}:{ports.HDFS_NAMENODE_WEB}/jmx?{query}")
    beans = json.loads(answer[4:])["beans"] if answer.startswith("200 ") else []
    return int(beans[0]["NumLiveDataNodes"]) if beans else -1


def client(net: Network, script: str, *, env: Mapping[str, str] | None = None) -> str:
    """Run a shell script in a pod of its own, where `dfs` is HDFS' client, and return the last line that it says.

    With variables, the image's entrypoint makes the client's configuration of them; without, it has none.
    """
    words = ("bash", "-c", f'dfs() {{ hdfs dfs -fs {URL} "$@"; }}; {script}')
    command, args = ((), words) if env else (words, ())
    files = {"/text": "a line\n"}
    pod = net.start("client", images.datanode(), command=command, args=args, env=env, files=files, address=CLIENT)
    pod.process.wait(timeout=PATIENCE)
    net.containers.remove(pod)
    return pod.log_text.splitlines()[-1]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Network]:
    with network({"namenode": NAMENODE}) as net:
        start_namenode(net)
        start_datanode(net)
        net.wait("the DataNode is known", lambda: live_datanodes(net) == 1)
        yield net


def test_a_file_is_written_read_and_there_after_a_restart_of_the_namenode(cluster: Network) -> None:
    assert "No such file" in client(cluster, "dfs -cat /a/b")
    client(cluster, "dfs -mkdir -p /a && dfs -put /text /a/b")
    cluster.remove(next(each for each in cluster.containers if each.name == "namenode"))
    start_namenode(cluster)
    cluster.wait("the DataNode is known again", lambda: live_datanodes(cluster) == 1)
    assert client(cluster, "dfs -cat /a/b") == "a line"


def test_the_number_of_copies_is_the_client_s_word(cluster: Network) -> None:
    """`dfs.replication` of the daemons decides for no client: one without configuration asks for three."""
    assert client(cluster, "dfs -put /text /three && dfs -stat %r /three") == "3"
    assert client(cluster, "dfs -put /text /one && dfs -stat %r /one", env=hdfs.datanode_env(replication=1)) == "1"


def test_the_probes_commands_answer(cluster: Network) -> None:
    for container, port in (("namenode", ports.HDFS_NAMENODE_WEB), ("datanode", ports.HDFS_DATANODE_WEB)):
        (pod,) = (each for each in cluster.containers if each.name == container)
        command = ["curl", "--fail", "--silent", "--output", "/dev/null", f"http://localhost:{port}"]
        assert pod.enter(command).returncode == 0


def test_the_daemons_take_our_values(cluster: Network) -> None:
    answer = cluster.http(f"http://{NAMENODE}:{ports.HDFS_NAMENODE_WEB}/conf")
    for name, value in (("dfs.replication", "1"), ("dfs.permissions.enabled", "false")):
        assert f"<name>{name}</name><value>{value}</value>" in answer


def test_without_one_line_the_datanode_does_not_find_the_namenode() -> None:
    """A control: one key of the map `datanode-env` is left out."""
    with network({"namenode": NAMENODE}) as net:
        start_namenode(net)
        datanode = start_datanode(net, without="CORE_CONF_fs_defaultFS")
        net.wait("it asks elsewhere", lambda: "datanode-0/127.0.0.32:8020" in datanode.log_text)
        assert live_datanodes(net) == 0
