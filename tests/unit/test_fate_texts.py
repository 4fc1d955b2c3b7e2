"""What FATE, Spark, HDFS, Pulsar, FATE Board and Jupyter read: parsed back, and against the chart's key sets."""

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from kubefate_pulumi.fate import board, flow, hdfs, notebook, ports, pulsar, spark
from kubefate_pulumi.fate.model import FederationFacts, Topology
from kubefate_pulumi.fate.profile import ProfileError, load_profile, supported_versions

PROFILE = load_profile("1.11.2")
FEDERATION = FederationFacts("fraud", "fraud.example.org", Topology.STAR, (9999, 10000), "1.11.2")
PASSWORD = "p: 'q' #\"x\\ é€ {y}"
SETTINGS = flow.FlowSettings(party_id=9999, database_password=PASSWORD, spark_nodes=2, spark_cores_per_node=4)


def properties(text: str) -> dict[str, str]:
    """Read a Java properties file of one-line entries."""
    found = {}
    for line in text.splitlines():
        match = re.fullmatch(r"((?:\\.|[^=:\\])*)=(.*)", line)
        assert match, line
        key, value = (re.sub(r"\\u([0-9a-f]{4})|\\(.)", _unescape, part) for part in match.groups())
        assert key not in found
        found[key] = value.encode("utf-16", "surrogatepass").decode("utf-16")
    return found


def _unescape(match: re.Match[str]) -> str:
    if match[1]:
        return chr(int(match[1], 16))
    return {"n": "\n", "r": "\r", "t": "\t", "f": "\f"}.get(match[2], match[2])


ALL: dict[str, Callable[[], str]] = {
    "service_conf": lambda: flow.service_conf(SETTINGS, PROFILE),
    "worker_conf": lambda: flow.spark_worker_service_conf(9999),
    "route_table": lambda: flow.pulsar_route_table(FEDERATION),
    "flow_start": lambda: flow.start_script(PROFILE),
    "spark_defaults": lambda: spark.spark_defaults(cores_max=4),
    "core_site": hdfs.core_site,
    "standalone": lambda: pulsar.standalone_conf(FEDERATION, 9999),
    "board": lambda: board.application_properties(board.BoardSettings("admin", PASSWORD)),
    "notebook_start": lambda: notebook.start_script(PROFILE),
}


@pytest.mark.parametrize("name", ALL)
def test_texts_end_in_a_newline_and_are_the_same_twice(name: str) -> None:
    text = ALL[name]()
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert "\r" not in text
    assert text == ALL[name]()


# FATE Flow.


def test_service_conf_has_what_fate_flow_wants() -> None:
    text = flow.service_conf(SETTINGS, PROFILE)
    conf: dict[str, Any] = yaml.safe_load(text)
    assert "---" not in text
    assert not re.search(r"[{\[]", re.sub(r"passwd:.*", "", text)), "block style only"
    assert conf["party_id"] == 9999
    assert conf["fateflow"]["host"] == flow.POD_IP_MARKER
    assert (conf["fateflow"]["http_port"], conf["fateflow"]["grpc_port"]) == (9380, 9360)
    assert (conf["fateflow"]["proxy"], conf["fateflow"]["protocol"]) == ("nginx", "default")
    assert set(conf["database"]) == {
        "name", "user", "passwd", "host", "port", "max_connections", "stale_timeout",
    }  # fmt: skip
    assert conf["database"]["passwd"] == PASSWORD
    assert conf["default_engines"] == {"computing": "spark", "federation": "pulsar", "storage": "hdfs"}
    engines = conf["fate_on_spark"]
    assert (engines["spark"]["cores_per_node"], engines["spark"]["nodes"]) == (4, 2)
    assert engines["hdfs"]["name_node"] == "hdfs://namenode:9000"
    assert engines["pulsar"]["cluster"] == "9999"
    assert (engines["pulsar"]["tenant"], engines["pulsar"]["mode"]) == ("fl-tenant", "replication")
    assert engines["nginx"] == {"host": "nginx", "http_port": 9300, "grpc_port": 9310}
    assert {"rabbitmq", "hive", "linkis_spark", "linkis_hive"} <= set(engines)
    assert {"use_registry", "hook_module", "authentication", "permission", "servings", "zookeeper",
            "encrypt_password", "fateboard", "enable_model_store", "fate_on_eggroll", "fate_on_standalone",
            "model_store_address"} <= set(conf)  # fmt: skip


def test_the_password_is_nowhere_but_in_its_file() -> None:
    assert PASSWORD not in repr(SETTINGS)
    assert PASSWORD not in repr(board.BoardSettings("admin", PASSWORD))
    worker = yaml.safe_load(flow.spark_worker_service_conf(9999))
    assert worker["database"]["passwd"] == "unused"
    own = yaml.safe_load(flow.service_conf(SETTINGS, PROFILE))
    assert set(worker) == set(own)
    assert set(worker["fate_on_spark"]) == set(own["fate_on_spark"])
    assert worker["fate_on_spark"]["pulsar"] == own["fate_on_spark"]["pulsar"]


def test_the_pulsar_route_table_names_the_own_router_only() -> None:
    for topology in Topology:
        facts = FederationFacts("fraud", "fraud.example.org", topology, (1, 2), "1.11.2")
        assert yaml.safe_load(flow.pulsar_route_table(facts)) == {
            "default": {
                "domain": "fraud.example.org",
                "proxy": "nginx:6650",
                "brokerPort": 6650,
                "brokerSslPort": 6651,
            }
        }


def run_start(root: Path, pod_ip: str | None) -> subprocess.CompletedProcess[str]:
    """Run FATE Flow's start script below a directory, with a `python` that says how it was called."""
    for path in ("conf", "conf_mounted", "fate"):
        Path(f"{root}{PROFILE.paths[path]}").mkdir(parents=True, exist_ok=True)
    Path(f"{root}{PROFILE.paths['spark_home']}/conf").mkdir(parents=True, exist_ok=True)
    mounted = Path(f"{root}{PROFILE.paths['conf_mounted']}")
    (mounted / flow.SERVICE_CONF).write_text(flow.service_conf(SETTINGS, PROFILE))
    (mounted / flow.SPARK_DEFAULTS).write_text(spark.spark_defaults(cores_max=4))
    fake = root / "bin"
    fake.mkdir(exist_ok=True)
    (fake / "python").write_text('#!/bin/sh\necho "python $* in $(pwd)"\n')
    (fake / "python").chmod(0o755)
    script = flow.start_script(PROFILE).replace("/data/projects", f"{root}/data/projects")
    env = {"PATH": f"{fake}:{os.environ['PATH']}"} | ({} if pod_ip is None else {"POD_IP": pod_ip})
    return subprocess.run(["/bin/sh", "-c", script], env=env, capture_output=True, text=True, check=False, timeout=20)


@pytest.mark.parametrize("address", ["10.1.2.3", "fd00::1"])
def test_fate_flow_starts_with_the_pod_s_address(tmp_path: Path, address: str) -> None:
    result = run_start(tmp_path, address)
    assert result.returncode == 0, result.stderr
    assert result.stdout == f"python {PROFILE.python} in {tmp_path}{PROFILE.paths['fate']}\n"
    written = Path(f"{tmp_path}{PROFILE.paths['conf']}/{flow.SERVICE_CONF}")
    conf = yaml.safe_load(written.read_text())
    assert conf["fateflow"]["host"] == address
    assert conf["database"]["passwd"] == PASSWORD
    assert written.stat().st_mode & 0o077 == 0
    defaults = Path(f"{tmp_path}{PROFILE.paths['spark_home']}/conf/{flow.SPARK_DEFAULTS}").read_text()
    assert f"spark.driver.host {address}\n" in defaults


@pytest.mark.parametrize("address", [None, "", "1.2.3.4/g;x", "a b"])
def test_fate_flow_does_not_start_without_an_address(tmp_path: Path, address: str | None) -> None:
    result = run_start(tmp_path, address)
    assert result.returncode != 0
    assert "POD_IP" in result.stderr
    assert "python" not in result.stdout


# Pulsar.


def test_standalone_conf_keeps_what_must_be_kept() -> None:
    conf = properties(pulsar.standalone_conf(FEDERATION, 9999))
    must = {
        "clusterName": "9999",
        "advertisedAddress": "9999.fraud.example.org",
        "advertisedListeners": "internal:pulsar://pulsar:6650,internal:pulsar+ssl://9999.fraud.example.org:6651",
        "internalListenerName": "internal",
        "bindAddress": "0.0.0.0",  # noqa: S104
        "zookeeperServers": "",
        "configurationStoreServers": "",
        "managedLedgerDefaultEnsembleSize": "1",
        "managedLedgerDefaultWriteQuorum": "1",
        "managedLedgerDefaultAckQuorum": "1",
        "loadBalancerEnabled": "false",
        "maxMessageSize": "134217728",
        "nettyMaxFrameSizeBytes": "134217728",
        "brokerDeleteInactiveTopicsEnabled": "true",
        "brokerDeleteInactiveTopicsFrequencySeconds": "60",
        "backlogQuotaDefaultLimitGB": "10",
        "allowAutoTopicCreation": "true",
        "allowAutoTopicCreationType": "non-partitioned",
        "diskUsageThreshold": "0.99",
        "diskUsageWarnThreshold": "0.99",
        "allowLoopback": "true",
        "journalSyncData": "false",
        "statusFilePath": "/usr/local/apache/htdocs",
        "brokerServicePort": "6650",
        "brokerServicePortTls": "6651",
        "webServicePort": "8080",
        "webServicePortTls": "8081",
        "authenticationEnabled": "false",
    }
    assert {key: conf.get(key) for key in must} == must


def test_the_broker_trusts_the_internal_ca_only_and_both_ways() -> None:
    conf = properties(pulsar.standalone_conf(FEDERATION, 9999))
    assert conf["tlsAllowInsecureConnection"] == "false"
    assert conf["tlsRequireTrustedClientCertOnConnect"] == "true"
    trust = {value for key, value in conf.items() if "TrustCerts" in key}
    assert trust == {"/opt/pulsar/certs/ca.cert.pem"}
    # A replicator without these presents no certificate (2.10), or does not look at the peer's name.
    assert conf["brokerClient_authPluginClassName"].endswith(".AuthenticationTls")
    assert conf["brokerClient_tlsHostnameVerificationEnable"] == "true"
    assert conf["tlsHostnameVerificationEnabled"] == "true"
    assert "10000" not in pulsar.standalone_conf(FEDERATION, 9999)


def test_the_broker_s_settings_can_be_tuned() -> None:
    text = pulsar.standalone_conf(FEDERATION, 1, backlog_quota_gb=3, delete_inactive_topics_seconds=7)
    conf = properties(text)
    assert conf["backlogQuotaDefaultLimitGB"] == "3"
    assert conf["brokerDeleteInactiveTopicsFrequencySeconds"] == "7"


# Spark, HDFS, FATE Board, Jupyter.


def test_spark_s_ports_are_pinned_and_apart() -> None:
    lines = spark.spark_defaults(cores_max=4, replication=2, executor_memory="2g").splitlines()
    assert "spark.hadoop.dfs.replication 2" in lines
    conf = dict(line.split(" ", 1) for line in lines)
    assert conf["spark.master"] == "spark://spark-master:7077"
    assert conf["spark.driver.host"] == flow.POD_IP_MARKER
    assert (conf["spark.cores.max"], conf["spark.executor.memory"]) == ("4", "2g")
    retries = int(conf["spark.port.maxRetries"])
    first = range(int(conf["spark.driver.port"]), int(conf["spark.driver.port"]) + retries + 1)
    second = range(int(conf["spark.blockManager.port"]), int(conf["spark.blockManager.port"]) + retries + 1)
    assert len(first) == ports.SPARK_PORTS_PER_POD
    assert not set(first) & set(second)
    assert not {ports.SPARK_WORKER, ports.SPARK_MASTER, ports.FATE_FLOW_HTTP} & {*first, *second}
    assert "spark.executor.memory" not in spark.spark_defaults(cores_max=1)


def test_spark_s_environment() -> None:
    env = spark.worker_env(PROFILE, cores=3, memory_mib=2048)
    assert env["SPARK_MASTER"] == "spark://spark-master:7077"
    assert (env["SPARK_WORKER_CORES"], env["SPARK_WORKER_MEMORY"]) == ("3", "2048m")
    assert env["SPARK_WORKER_PORT"] == str(ports.SPARK_WORKER)
    assert spark.master_env(PROFILE)["SPARK_MASTER_PORT"] == "7077"


def test_hdfs() -> None:
    root = ElementTree.fromstring(hdfs.core_site())  # noqa: S314 - our own text
    assert [(item.findtext("name"), item.findtext("value")) for item in root.findall("property")] == [
        ("fs.default.name", "hdfs://0.0.0.0:9000")
    ]
    name, data = hdfs.namenode_env(replication=1), hdfs.datanode_env(replication=5)
    assert data["CORE_CONF_fs_defaultFS"] == "hdfs://namenode:9000"
    # The NameNode's file is mounted whole.
    assert not [key for key in name if key.startswith("CORE_CONF")]
    assert name["HDFS_CONF_dfs_replication"] == "1"
    assert data["HDFS_CONF_dfs_replication"] == "5"
    # Plain variables of the containers, as in the chart.
    assert not {"CLUSTER_NAME", "SERVICE_PRECONDITION"} & {*name, *data}
    assert name["HDFS_CONF_dfs_namenode_rpc___bind___host"] == "0.0.0.0"  # noqa: S104
    assert not [key for key in {**name, **data} if key.startswith(("YARN", "MAPRED"))]


def test_board_keeps_any_password() -> None:
    for password in (PASSWORD, " leading", "a=b:c#!", "tab\t", "🔑", "\\"):
        conf = properties(board.application_properties(board.BoardSettings("admin", password)))
        assert conf["server.board.login.password"] == password
    assert conf["server.port"] == "8080"
    assert conf["fateflow.url"] == "http://fateflow:9380"


def test_the_notebook_refuses_to_be_open(tmp_path: Path) -> None:
    for name in ("pipeline", "flow", "jupyter"):
        (tmp_path / name).write_text(f'#!/bin/sh\necho "{name} $*"\ncase $1 in notebook) cat "${{2#*=}}";; esac\n')
        (tmp_path / name).chmod(0o755)
    script = notebook.start_script(PROFILE).replace("cd /data/projects/fate", f"cd {tmp_path}")
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}", **notebook.client_env(9999)}

    def run(**more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["/bin/sh", "-c", script], env=env | more, capture_output=True, text=True, check=False, timeout=20
        )

    for closed in (run(), run(NOTEBOOK_HASHED_PASSWORD="")):
        assert closed.returncode != 0
        assert "jupyter" not in closed.stdout
    open_ = run(NOTEBOOK_HASHED_PASSWORD="sha256:s:abc")
    assert open_.returncode == 0, open_.stderr
    assert "flow init --ip fateflow --port 9380" in open_.stdout
    assert "sha256:s:abc" not in open_.stdout, "the hash is read from the environment"
    compile(open_.stdout.split("--config=", 1)[1].split("\n", 1)[1], "config", "exec")


# Profiles.


def test_profiles() -> None:
    assert supported_versions() == ("1.11.2",)
    assert load_profile("1.11.2") is load_profile("1.11.2")
    assert set(PROFILE.images) == {
        "mysql", "fateflow", "fateboard", "client", "spark_master", "spark_worker", "namenode", "datanode",
        "pulsar", "busybox", "nginx",
    }  # fmt: skip
    for reference in PROFILE.images.values():
        assert re.fullmatch(r"[a-z/-]+:[A-Za-z0-9.-]+", reference), "every image has a tag"
    assert all(path.startswith("/") and not path.endswith("/") for path in PROFILE.paths.values())
    assert PROFILE.paths["pulsar_certs"] == pulsar.CERTS
    with pytest.raises(ProfileError, match=r"1\.11\.2"):
        load_profile("9.9.9")
    with pytest.raises(ProfileError, match=r"\.\./"):
        load_profile("../1.11.2")


def test_images() -> None:
    assert PROFILE.image("fateflow") == "federatedai/fateflow-spark:1.11.2-release"
    assert PROFILE.image("mysql") == "mysql:8.0.28"
    for registry in ("harbor.example.org/fate", "harbor.example.org/fate/"):
        assert PROFILE.image("mysql", registry) == "harbor.example.org/fate/mysql:8.0.28"
        assert PROFILE.image("pulsar", registry) == "harbor.example.org/fate/pulsar:2.10.1"
    pinned = {"nginx": "x/y@sha256:0"}
    assert PROFILE.image("nginx", "harbor.example.org", pinned) == "x/y@sha256:0"
    with pytest.raises(ProfileError, match="known parts"):
        PROFILE.image("osx")


def test_no_two_listeners_of_a_pod_have_one_port() -> None:
    values = {name: value for name, value in vars(ports).items() if name.isupper() and isinstance(value, int)}
    for prefix in ("ROUTER", "HDFS", "PULSAR", "FATE_FLOW"):
        group = [value for name, value in values.items() if name.startswith(prefix)]
        assert len(group) == len(set(group)), prefix
    assert all(1024 < value < 32768 for name, value in values.items() if name != "SPARK_PORTS_PER_POD")
