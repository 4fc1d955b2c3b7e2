"""Spark's master, a worker and a driver with our pods' variables and our spark-defaults.conf."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from dataplane.programs import images
from dataplane.programs.sandbox import Container, Network, network

from kubefate_pulumi.components.parts.spark import Workers
from kubefate_pulumi.fate import flow, ports, spark
from kubefate_pulumi.fate.profile import load_profile

PROFILE = load_profile("1.11.2")
MASTER, WORKER, DRIVER = "127.0.0.21", "127.0.0.22", "127.0.0.23"
WORKERS = Workers(count=1, cores=1, memory="2Gi")

# Python of this machine is newer than Spark 3.1's pickling, so the job is made of Java's objects alone.
JOB = """
import time
from pyspark import SparkContext
context = SparkContext()
numbers = context._jvm.java.util.ArrayList()
for number in range(1000):
    numbers.add(number)
print("counted", context._jsc.parallelize(numbers, 4).count(), flush=True)
open("/tmp/counted", "w").close()
time.sleep(60)
"""


def start_master(net: Network) -> Container:
    # A pod's host name is its own, and the headless Service's name leads to its address.
    env = spark.master_env(PROFILE)
    return net.start("master", images.spark_master(), env=env, host="spark-master-5d8f", address=MASTER)


def start_worker(net: Network, **changes: str) -> Container:
    env = spark.worker_env(PROFILE, cores=WORKERS.cores, memory_mib=WORKERS.offered_mebibytes())
    return net.start("worker", images.spark_worker(), env={**env, **changes}, host="spark-worker-7b2c", address=WORKER)


def start_driver(net: Network) -> Container:
    """Start a driver as in FATE Flow's pod, where the start script puts the pod's address in."""
    defaults = spark.spark_defaults(cores_max=WORKERS.cores).replace(flow.POD_IP_MARKER, DRIVER)
    env = {"PYTHONPATH": "/spark/python:/spark/python/lib/py4j-0.10.9-src.zip", "SPARK_HOME": "/spark"}
    files = {"/spark/conf/spark-defaults.conf": defaults, "/job.py": JOB}
    command = ("/usr/bin/python3", "/job.py")
    return net.start(
        "driver", images.spark_worker(), command=command, env=env, files=files, host="python-0", address=DRIVER
    )


def state(net: Network) -> Any:
    """Return what the master says of itself, or nothing yet."""
    answer = net.http(f"http://{MASTER}:{ports.SPARK_MASTER_WEB}/json/")
    return json.loads(answer[4:]) if answer.startswith("200 ") else {}


def listening(net: Network, address: str) -> set[int]:
    lines = net.run(["ss", "--listening", "--tcp", "--numeric", "--no-header"]).stdout.splitlines()
    places = [line.split()[3].rpartition(":") for line in lines]
    return {int(port) for host, _, port in places if host.removeprefix("[::ffff:").rstrip("]") == address}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Network]:
    with network({"spark-master": MASTER}) as net:
        start_master(net)
        start_worker(net)
        net.wait("the worker registers", lambda: state(net).get("aliveworkers") == 1)
        yield net


def test_the_worker_registers_with_what_its_pod_offers(cluster: Network) -> None:
    (worker,) = state(cluster)["workers"]
    offered = {"host": WORKER, "port": ports.SPARK_WORKER, "cores": 1, "memory": 1024, "state": "ALIVE"}
    assert {name: worker[name] for name in offered} == offered


def test_both_serve_the_page_that_the_probes_ask(cluster: Network) -> None:
    for address, port in ((MASTER, ports.SPARK_MASTER_WEB), (WORKER, ports.SPARK_WORKER_WEB)):
        assert cluster.http(f"http://{address}:{port}/").startswith("200")


def test_a_job_runs_on_the_worker_and_calls_back_on_the_ports_that_policies_name(cluster: Network) -> None:
    driver = start_driver(cluster)
    cluster.wait("the job ends", lambda: "counted 1000" in driver.log_text)
    assert listening(cluster, DRIVER) >= {ports.SPARK_DRIVER, ports.SPARK_BLOCK_MANAGER}
    assert [app["cores"] for app in state(cluster)["activeapps"]] == [WORKERS.cores]
    cluster.remove(driver)


def test_a_worker_with_the_wrong_master_does_not_register() -> None:
    """A control: one variable of the worker's pod is wrong, and what it offers is another."""
    with network({"spark-master": MASTER}) as net:
        start_master(net)
        lost = start_worker(net, SPARK_MASTER=f"spark://spark-master:{ports.SPARK_MASTER + 1}")
        net.wait("the worker fails", lambda: "Failed to connect to master" in lost.log_text)
        assert state(net)["aliveworkers"] == 0
        net.remove(lost)
        start_worker(net, SPARK_WORKER_MEMORY="600m")
        net.wait("the worker registers", lambda: state(net).get("aliveworkers") == 1)
        assert state(net)["workers"][0]["memory"] == 600
