"""The simulated site: workloads, addresses, drills and access. Its life cycle is in test_site_life.py."""

import http.client
import json
import ssl
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from engine.sites import SiteClient
from kubernetes.client import ApiException

from kubefate_pulumi.simulator.inventory import NODES, STORAGE_CLASSES
from kubefate_pulumi.simulator.manager import Simulator

Document = dict[str, Any]
DRILL = "simulator.kubefate/pod"


class Namespace:
    """A namespace of one test on one site, and what the tests ask of it."""

    def __init__(self, client: SiteClient, name: str) -> None:
        self.client = client
        self.name = name
        self.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})

    def create(self, document: Document) -> None:
        kinds = self.client.dynamic.resources
        kinds.get(api_version=document["apiVersion"], kind=document["kind"]).create(
            body=document, namespace=None if document["kind"] == "Namespace" else self.name
        )

    def read(self, path: str) -> Document:
        """Return an object of the namespace, by group path and plural, as `apis/apps/v1:deployments/web`."""
        group, _, rest = path.rpartition(":")
        return self.client.get(f"/{group or 'api/v1'}/namespaces/{self.name}/{rest}")

    def becomes(self, path: str, condition: Callable[[Document], Any], seconds: float = 20) -> Document:
        """Wait until the condition holds of the object; return it."""
        deadline = time.monotonic() + seconds
        while not condition(found := self.read(path)):
            assert time.monotonic() < deadline, json.dumps(found.get("status", found), indent=1)
            time.sleep(0.1)
        return found


@pytest.fixture
def namespace(site_client: Callable[[str], SiteClient], suffix: str) -> Iterator[Callable[..., Namespace]]:
    made: list[Namespace] = []

    def make(site: str = "exchange") -> Namespace:
        made.append(Namespace(site_client(site), f"site-{suffix}-{len(made)}"))
        return made[-1]

    yield make
    for each in made:
        each.client.core.delete_namespace(each.name)


def pod_spec(**more: Any) -> Document:
    return {"containers": [{"name": "main", "image": "none"}], **more}


def pod(name: str, drill: str | None = None, after: str | None = None) -> Document:
    given = {DRILL: drill, "simulator.kubefate/ready-after": after}
    annotations = {key: value for key, value in given.items() if value}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "annotations": annotations},
        "spec": pod_spec(),
    }


def workload(kind: str, name: str, replicas: int, spec: Document, **more: Any) -> Document:
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
            **more,
        },
    }


def job(name: str, annotations: dict[str, str] | None = None) -> Document:
    template = {"metadata": {"annotations": annotations or {}}, "spec": pod_spec(restartPolicy="Never")}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {"backoffLimit": 0, "template": template},
    }


def service(name: str, **spec: Any) -> Document:
    ports = [{"port": 80}]
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"ports": ports, **spec}}


def claim(storage_class: str) -> Document:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": storage_class},
        "spec": {**spec, "storageClassName": storage_class},
    }


def is_ready(found: Document) -> bool:
    conditions = found.get("status", {}).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def address(found: Document) -> str:
    ingress = found["status"].get("loadBalancer", {}).get("ingress") or [{}]
    return str(ingress[0].get("ip", ""))


def waiting(found: Document) -> tuple[str, int]:
    container = (found["status"].get("containerStatuses") or [{}])[0]
    return container.get("state", {}).get("waiting", {}).get("reason", ""), container.get("restartCount", 0)


def test_workloads_become_ready_and_roll(namespace: Callable[..., Namespace]) -> None:
    own = namespace()
    path = "apis/apps/v1:deployments/web"
    own.create(workload("Deployment", "web", 3, pod_spec(initContainers=[{"name": "first", "image": "none"}])))
    template = {"metadata": {"name": "data"}, "spec": claim("wait-for-first-consumer")["spec"]}
    own.create(workload("StatefulSet", "db", 2, pod_spec(), serviceName="db", volumeClaimTemplates=[template]))
    own.create(job("once"))
    # Nothing has 64 processors: what cannot run must not become ready.
    big = {"name": "main", "image": "none", "resources": {"requests": {"cpu": "64"}}}
    own.create(workload("Deployment", "big", 1, pod_spec(containers=[big])))

    own.becomes(path, lambda found: found["status"].get("readyReplicas") == 3)
    own.becomes("apis/apps/v1:statefulsets/db", lambda found: found["status"].get("readyReplicas") == 2)
    own.becomes("apis/batch/v1:jobs/once", lambda found: found["status"].get("succeeded") == 1)
    image = {"spec": {"template": {"spec": {"containers": [{"name": "main", "image": "other"}]}}}}
    own.client.apps.patch_namespaced_deployment("web", own.name, image)
    rolled = own.becomes(
        path, lambda found: found["status"]["observedGeneration"] == 2 and found["status"]["replicas"] == 3
    )
    own.becomes(path, lambda found: found["status"].get("updatedReplicas") == found["status"].get("readyReplicas") == 3)
    assert rolled["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "2"
    assert "readyReplicas" not in own.read("apis/apps/v1:deployments/big")["status"]


def test_claims_are_bound_in_every_class_and_their_volumes_go_with_them(namespace: Callable[..., Namespace]) -> None:
    own = namespace()
    for name in (*STORAGE_CLASSES, "no-such-class"):
        own.create(claim(name))
    at_once = [name for name, mode in STORAGE_CLASSES.items() if mode == "Immediate"]
    for name in at_once:
        bound = own.becomes(f"persistentvolumeclaims/{name}", lambda found: found["status"]["phase"] == "Bound")
        assert bound["status"]["capacity"] == {"storage": "1Gi"}
    late = "wait-for-first-consumer"
    for name in (late, "no-such-class"):
        assert own.read(f"persistentvolumeclaims/{name}")["status"]["phase"] == "Pending"
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": late}}]
    consumer = pod("consumer")
    consumer["spec"]["volumes"] = volumes
    own.create(consumer)
    own.becomes(f"persistentvolumeclaims/{late}", lambda found: found["status"]["phase"] == "Bound")
    own.becomes("pods/consumer", is_ready)

    volume = own.read("persistentvolumeclaims/standard")["spec"]["volumeName"]
    own.client.core.delete_namespaced_persistent_volume_claim("standard", own.name)
    deadline = time.monotonic() + 20
    while volume in [each.metadata.name for each in own.client.core.list_persistent_volume().items]:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_public_addresses_are_distinct_within_a_site_and_between_sites(
    simulator: Simulator, namespace: Callable[..., Namespace]
) -> None:
    found: list[str] = []
    for site in ("party-9999", "party-10000"):
        own = namespace(site)
        for number in range(12):
            own.create(service(f"s{number}", type="LoadBalancer"))
        own.create(service("inside"))
        shown = [own.becomes(f"services/s{number}", address) for number in range(12)]
        prefix = simulator.site(site).record().addresses.public_prefix
        for each in shown:
            assert address(each) == f"{prefix}.{'.'.join(each['spec']['clusterIP'].split('.')[2:])}"
        found += map(address, shown)
        assert address(own.read("services/inside")) == ""
    assert len(set(found)) == 24


def test_an_address_follows_the_type_and_an_edited_one_stays(namespace: Callable[..., Namespace]) -> None:
    own = namespace()
    own.create(service("router", type="LoadBalancer"))
    first = address(own.becomes("services/router", address))
    own.client.core.patch_namespaced_service("router", own.name, {"spec": {"type": "ClusterIP"}})
    own.becomes("services/router", lambda found: not address(found))
    own.client.core.patch_namespaced_service("router", own.name, {"spec": {"type": "LoadBalancer"}})
    assert address(own.becomes("services/router", address)) == first

    edited = {"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}}}
    own.client.core.patch_namespaced_service_status("router", own.name, edited)
    own.client.core.patch_namespaced_service("router", own.name, {"metadata": {"annotations": {"touched": "yes"}}})
    # A Service that comes later and has its address shows that the earlier one was passed over.
    own.create(service("asked", type="LoadBalancer", loadBalancerIP="192.0.2.9"))
    own.create(service("foreign", type="LoadBalancer", loadBalancerClass="example.org/other"))
    assert address(own.becomes("services/asked", address)) == "192.0.2.9"
    assert address(own.read("services/router")) == "192.0.2.7"
    assert address(own.read("services/foreign")) == ""

    backend = {"service": {"name": "router", "port": {"number": 80}}}
    document = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "web"}}
    own.create({**document, "spec": {"defaultBackend": backend}})
    shown = own.becomes("apis/networking.k8s.io/v1:ingresses/web", address)
    assert address(shown).startswith("198.18.")


def test_pods_misbehave_as_their_annotation_says(namespace: Callable[..., Namespace]) -> None:
    own = namespace()
    own.create(pod("good"))
    own.create(pod("stuck", "pending"))
    own.create(pod("late", "slow", "3s"))
    own.create(pod("broken", "crash"))
    own.create(job("fails", {DRILL: "crash"}))

    own.becomes("pods/good", is_ready)
    own.becomes("pods/late", lambda found: waiting(found)[0] == "ContainerCreating")
    crashed = own.becomes("pods/broken", lambda found: waiting(found) == ("CrashLoopBackOff", 1))
    assert crashed["status"]["containerStatuses"][0]["lastState"]["terminated"]["exitCode"] == 1
    own.becomes("apis/batch/v1:jobs/fails", lambda found: found["status"].get("failed") == 1)
    own.becomes("pods/late", is_ready)
    own.becomes("pods/broken", lambda found: waiting(found) == ("CrashLoopBackOff", 2))
    stuck = own.read("pods/stuck")
    assert waiting(stuck)[0] == "ContainerCreating"
    assert stuck["status"]["phase"] == "Pending"
    for name in ("stuck", "broken"):
        own.client.core.patch_namespaced_pod(name, own.name, {"metadata": {"annotations": {DRILL: None}}})
        own.becomes(f"pods/{name}", is_ready)


def test_a_namespace_goes_with_all_that_is_in_it(site_client: Callable[[str], SiteClient], suffix: str) -> None:
    client = site_client("exchange")
    own = Namespace(client, f"gone-{suffix}")
    own.create(workload("Deployment", "web", 1, pod_spec()))
    own.create(service("web", type="LoadBalancer"))
    own.becomes("apis/apps/v1:deployments/web", lambda found: found["status"].get("readyReplicas") == 1)
    assert client.objects(own.name)
    client.core.delete_namespace(own.name)
    deadline = time.monotonic() + 60
    while [each for each in client.objects(own.name) if own.name in (each.namespace, each.name)]:
        assert time.monotonic() < deadline
        time.sleep(0.5)


def test_who_has_no_right_is_refused(simulator: Simulator, namespace: Callable[..., Namespace]) -> None:
    own = namespace()
    home = simulator.site("exchange").home
    ports = simulator.site("exchange").record().ports
    trusting = ssl.create_default_context(cafile=str(home / "pki" / "ca.crt"))

    def status(**headers: str) -> int:
        connection = http.client.HTTPSConnection("127.0.0.1", ports["kube-apiserver"], context=trusting, timeout=10)
        connection.request("GET", f"/api/v1/namespaces/{own.name}/secrets", headers=headers)
        try:
            return connection.getresponse().status
        finally:
            connection.close()

    own.becomes("serviceaccounts", lambda found: found["items"])
    token = own.client.core.create_namespaced_service_account_token("default", own.name, {"spec": {}}).status.token
    assert status() == 401
    assert status(Authorization="Bearer wrong") == 401
    assert status(Authorization=f"Bearer {token}") == 403
    assert status(Authorization=f"Bearer {simulator.site('exchange').record().tokens['admin']}") == 200

    def etcd(context: ssl.SSLContext) -> int:
        connection = http.client.HTTPSConnection("127.0.0.1", ports["etcd"], context=context, timeout=10)
        connection.request("GET", "/version")
        try:
            return connection.getresponse().status
        finally:
            connection.close()

    with pytest.raises(OSError, match=r"(?i)certificate required|reset|eof"):
        etcd(trusting)
    trusting.load_cert_chain(home / "pki" / "etcd-client.crt", home / "pki" / "etcd-client.key")
    assert etcd(trusting) == 200


def test_pod_security_is_enforced(namespace: Callable[..., Namespace]) -> None:
    own = namespace()
    labels = {"pod-security.kubernetes.io/enforce": "baseline"}
    own.client.core.patch_namespace(own.name, {"metadata": {"labels": labels}})
    own.create(pod("good"))
    privileged = pod("bad")
    privileged["spec"]["hostNetwork"] = True
    with pytest.raises(ApiException, match="violates PodSecurity"):
        own.create(privileged)


def test_a_site_shows_its_nodes_and_keeps_its_files_to_itself(simulator: Simulator) -> None:
    site = simulator.site("exchange")
    nodes = (site.api().get("/api/v1/nodes") or {})["items"]
    assert len(nodes) == NODES
    assert all(is_ready(node) and node["status"]["allocatable"]["pods"] == "110" for node in nodes)
    open_files = [
        path
        for path in simulator.state.rglob("*")
        if _secret(path) and stat.S_IMODE(path.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO)
    ]
    assert open_files == []
    assert stat.S_IMODE(simulator.state.stat().st_mode) == 0o700


def _secret(path: Path) -> bool:
    return path.is_file() and (
        path.suffix in (".key", ".csv", ".kubeconfig") or path.name in ("kubeconfig", "site.json")
    )
