"""All of a party, from what one `pulumi up` left in its API server: databases, queues, Spark, HDFS, the notebook.

Each part's own tests are in `programs`; here they are together, through their Services, names and claims.
"""

import json
import socket
from collections.abc import Callable, Iterator

import pytest
from dataplane.federation import Federation
from dataplane.kubelet.cage import wait_for
from dataplane.kubelet.kubelet import Kubelet
from dataplane.kubelet.pod import Pod
from dataplane.kubelet.standard_images import standard_images
from dataplane.observed import denied
from dataplane.programs.images import program_images
from engine.federation_rig import TWO, FederationRig

from kubefate_pulumi.fate import ports

PARTY = 9999
PARTS = ("mysql", "python", "nginx", "pulsar", "namenode", "datanode", "spark-master", "spark-worker", "client")
"""All but FATE Board, which is on no registry that the tests use."""
START_SECONDS = 240.0


@pytest.fixture(scope="module")
def party(star: FederationRig) -> Iterator[Federation]:
    """One party with everything in it running and ready, and the exchange's and the other party's routers."""
    with Kubelet(standard_images().with_image(*program_images())) as kubelet:
        federation = Federation(star, kubelet, dict(TWO), {})
        federation.follow("exchange", "nginx")
        federation.follow(10000, "nginx")
        federation.follow(PARTY, *PARTS)
        kubelet.sync()
        kubelet.wait_ready(START_SECONDS)
        yield federation


def test_everything_starts_without_a_restart(party: Federation) -> None:
    pods = [pod for site in party.kubelet.sites.values() for pod in site.pods.values()]
    assert len(pods) == len(PARTS) + 2 + 2 + 1, "three DataNodes, two routers of the exchange, one of the other party"
    assert [pod.story() for pod in pods if any(unit.restarts for unit in pod.containers.values())] == []
    # The notebook's claim and the like are there: whatever a pod names, it got.
    claims = {name for pod in pods for name in claims_of(pod)}
    assert {"data-mysql-0", "python-data-python-0", "pulsar-data-pulsar-0", "dfs-namenode-0"} <= claims


def claims_of(pod: Pod) -> list[str]:
    volumes = pod.about["spec"].get("volumes", [])
    return [each["persistentVolumeClaim"]["claimName"] for each in volumes if "persistentVolumeClaim" in each]


def test_parts_find_each_other(party: Federation) -> None:
    worker, namenode = party.pod(PARTY, "spark-worker"), party.pod(PARTY, "namenode")
    wait_for(lambda: "Successfully registered with master" in worker.container().log.text, 120, worker.story)
    query = f"http://localhost:{ports.HDFS_NAMENODE_WEB}/jmx?qry=Hadoop:service=NameNode,name=FSNamesystemState"

    def live() -> int:
        (bean,) = json.loads(namenode.container().execute("curl", "--silent", query))["beans"]
        return int(bean["NumLiveDataNodes"])

    wait_for(lambda: live() == len(party.pods(PARTY, "datanode")), 120, namenode.story)
    # FATE Flow's account works over the network, with the password that its own configuration has.
    client = "mysql --host=mysql --user=fate --password=\"$MYSQL_PASSWORD\" eggroll_meta --execute='select 1'"
    assert "1" in party.pod(PARTY, "mysql").container().execute("sh", "-c", client)


def test_what_was_observed_is_what_policies_allow(party: Federation) -> None:
    test_parts_find_each_other(party)
    for site in party.kubelet.sites.values():
        assert site.rules.probed(), "the probes are not recorded"
        assert denied(site, party.rig.client(site.name)) == []
    flows = party.site(PARTY).rules.carried()
    # It says something only if the flows are there.
    wanted = {ports.MYSQL: "mysql", ports.SPARK_MASTER: "spark-master", ports.HDFS_NAMENODE: "namenode"}
    for port, workload in wanted.items():
        assert party.pod(PARTY, workload).address in {flow.destination for flow in flows if flow.port == port}


def test_control_a_flow_that_no_policy_allows(party: Federation) -> None:
    site, client = party.site(PARTY), party.pod(PARTY, "client")
    address = party.pod(PARTY, "pulsar").address

    def call() -> None:
        socket.create_connection((address, ports.PULSAR_ADMIN), timeout=5).close()

    client.within(call)
    found = denied(site, party.rig.client(site.name))
    assert {(flow.source, flow.destination, flow.port) for flow, _ in found} == {
        (client.address, address, ports.PULSAR_ADMIN)
    }
    site.rules.forget()


def test_data_stays_when_a_part_is_killed(party: Federation) -> None:
    database = party.pod(PARTY, "mysql")
    run: Callable[..., str] = database.container().execute
    as_root = "mysql --user=root --password=\"$MYSQL_ROOT_PASSWORD\" eggroll_meta --execute='{}'"
    run("sh", "-c", as_root.format("create table kept (x int); insert into kept values (42)"))
    database.container().kill()
    wait_for(lambda: database.container().restarts == 1 and database.ready, 120, database.story)
    assert "42" in run("sh", "-c", as_root.format("select x from kept"))
