"""One site: what the kubelets, kube-proxy and the DNS server of a cluster do, from its API server alone."""

import threading
from dataclasses import dataclass
from pathlib import Path

from dataplane.kubelet import names
from dataplane.kubelet.api import Api, Getter, Object
from dataplane.kubelet.cage import Cage, wait_for
from dataplane.kubelet.errors import KubeletError
from dataplane.kubelet.images import Table
from dataplane.kubelet.network import Backbone, NodeNetwork
from dataplane.kubelet.pod import Node, Pod
from dataplane.kubelet.rollout import kept_endpoints, must_serve, recreates
from dataplane.kubelet.rules import Rules
from dataplane.kubelet.services import PodKey, endpoints, frontends, published

READY_SECONDS = 60.0


@dataclass(frozen=True)
class Machine:
    """Where a site is run: the cage and what sites share, the table of images, a directory, and the pace of probes."""

    cage: Cage
    backbone: Backbone
    table: Table
    directory: Path
    pace: float


class Site:
    """The pods of one site that are run, and its network.

    Attributes:
        pods: what runs, by namespace and name.
    """

    def __init__(self, machine: Machine, name: str, client: Getter) -> None:
        cage, directory = machine.cage, machine.directory
        self.name = name
        self.api = Api(client)
        self.pods: dict[PodKey, Pod] = {}
        self._backbone = machine.backbone
        self._followed: dict[tuple[str, str], None] = {}
        self._followed_pods: dict[PodKey, None] = {}
        self._owners: dict[str, tuple[str, str]] = {}
        self._syncing = threading.Lock()
        # Pods' threads refresh Services, too; nothing waits for such a thread while it holds this one.
        self._refreshing = threading.Lock()
        self._ending: list[tuple[Pod, threading.Thread]] = []
        nodes: dict[str, Object] = {each["metadata"]["name"]: each for each in self.api.nodes()}
        self.node_addresses = [
            address["address"]
            for each in nodes.values()
            for address in each["status"]["addresses"]
            if address["type"] == "InternalIP"
        ]
        server = names.server_address(self.api.service_range())
        directory.mkdir(parents=True)
        self.network = NodeNetwork(cage, name, [*dict.fromkeys(self.node_addresses), server])
        self._uplink = machine.backbone.connect(name)
        self.rules = Rules(cage, name, self.node_addresses[0])
        self._dns = names.NameServer(cage, name, server, directory)
        self._node = Node(
            api=self.api,
            cage=cage,
            network=self.network,
            table=machine.table,
            directory=directory,
            name_server=server,
            objects=nodes,
            changed=self.refresh_services,
            pace=machine.pace,
        )

    def follow(self, namespace: str, *workloads: str) -> None:
        """Run the pods of these Deployments and StatefulSets from now on, as they come and go; `sync` does it."""
        for workload in workloads:
            self._followed[namespace, workload] = None

    def unfollow(self, namespace: str) -> None:
        """Run nothing of a namespace any more, from the next `sync` on."""
        self._followed = {key: None for key in self._followed if key[0] != namespace}

    def follow_pod(self, namespace: str, name: str) -> None:
        """Run one pod that no workload owns."""
        self._followed_pods[namespace, name] = None

    def sync(self, *, patient: bool = True) -> bool:
        """Do what changed in the API server: pods, their volumes, Services.

        Args:
            patient: wait for a pod that still ends where a new one has its name or its address, or where its
                Deployment wants it gone first; else such a new pod is left for the next time.

        Returns:
            Whether all is done: no new pod was left for the next time, and no old one was kept.

        Raises:
            KubeletError: a workload never had a pod, or a pod cannot be run here; the message says why.
        """
        with self._syncing:
            wanted = {pod["metadata"]["uid"]: pod for pod in self._wanted()}
            places = {about["status"]["podIP"] for about in wanted.values()}
            old = [pod for pod in self.pods.values() if pod.uid not in wanted]
            # First those whose address has been given to a new pod, which cannot start before.
            old.sort(key=lambda pod: pod.address not in places)
            self._end_old(old)
            kept = [pod for pod in old if pod.key in self.pods]
            # What there is already has its names before a new pod asks for them.
            self.refresh_services()
            taken = [self._take(about, kept, patient=patient) for about in wanted.values()]
            return all(taken) and not kept

    def pods_of(self, namespace: str, workload: str) -> list[Pod]:
        """Return the running pods of a workload."""
        found = self.api.pods_of(namespace, workload)
        return [self.pods[key] for each in found if (key := _key(each)) in self.pods]

    def pod_of(self, namespace: str, workload: str) -> Pod:
        """Return the running pod of a workload that has one.

        Raises:
            KubeletError: it has none, or several.
        """
        found = self.pods_of(namespace, workload)
        if len(found) != 1:
            raise KubeletError(f"site {self.name}: {len(found)} pods of {namespace}/{workload} run, not one")
        return found[0]

    def wait_ready(self, seconds: float = READY_SECONDS) -> None:
        """Wait until every pod is ready, and Services lead to them.

        Raises:
            KubeletError: one is not in time, or has failed; the message has its log.
        """

        def ready() -> bool:
            for pod in self.pods.values():
                if pod.failure is not None:
                    raise KubeletError(pod.story())
            return all(pod.ready for pod in self.pods.values())

        wait_for(ready, seconds, lambda: "\n".join(pod.story() for pod in self.pods.values() if not pod.ready))
        self.refresh_services()

    def refresh_services(self) -> None:
        """Read Services and their endpoints again, and let rules, names and routes follow."""
        with self._refreshing:
            services = self.api.services()
            known = endpoints(self.api.endpoint_slices(), self._ready)
            # Looked for at each time: a pod may be gone from the API server since the last `sync`.
            there = self.api.all_uids()
            kept = [pod.about for pod in list(self.pods.values()) if pod.ready and pod.uid not in there]
            for key, more in kept_endpoints(services, kept).items():
                known[key] = [*known.get(key, []), *more]
            self.rules.apply(frontends(services, known, self.node_addresses))
            run = {namespace for namespace, _ in [*self._followed, *self._followed_pods]}
            self._dns.serve(names.records(services, known, run))
            self._backbone.publish(self._uplink, published(services, self.node_addresses))

    def join_ending(self) -> None:
        """Wait until every pod that was told to end is gone."""
        for _, thread in self._ending:
            thread.join()
        self._ending.clear()

    def kill(self) -> None:
        """Kill all pods at once; come back when those that were ending are gone, too."""
        for pod in [*self.pods.values(), *(pod for pod, _ in self._ending)]:
            pod.kill()
        self.join_ending()

    def _wanted(self) -> list[Object]:
        found: list[Object] = []
        for namespace, workload in self._followed:
            pods = [each for each in self.api.pods_of(namespace, workload) if _can_run(each)]
            if not pods and (namespace, workload) not in self._owners.values():
                raise KubeletError(f"site {self.name}: {namespace}/{workload} has no pod with an address")
            self._owners |= {each["metadata"]["uid"]: (namespace, workload) for each in pods}
            found += pods
        alone = (self.api.pod(namespace, name) for namespace, name in self._followed_pods)
        return [*found, *(each for each in alone if each is not None and _can_run(each))]

    def _take(self, about: Object, kept: list[Pod], *, patient: bool) -> bool:
        """Start a pod, or update the one that runs; tell whether that was possible now."""
        running = self.pods.get(_key(about))
        if running is not None and running.uid == about["metadata"]["uid"]:
            running.about = about
            running.volumes.update(about)
            return True
        if any(_same_place(pod, about) for pod in kept):
            return False
        owner = self._owners.get(about["metadata"]["uid"])
        first_gone = owner is not None and recreates(self.api.deployment(*owner))
        for ending, thread in list(self._ending):
            # Names and addresses are given again while the last one still ends.
            if _same_place(ending, about) or (first_gone and self._owners.get(ending.uid) == owner):
                if thread.is_alive() and not patient:
                    return False
                thread.join()
        pod = Pod(self._node, about)
        self.pods[pod.key] = pod
        pod.start()
        return True

    def _end_old(self, old: list[Pod]) -> None:
        """End pods that are gone from the API server, as far as their workload can do without them."""
        for pod in old:
            owner = self._owners.get(pod.uid)
            # One that somebody deleted by hand, and that its ReplicaSet makes again, ends at once.
            if owner is None or not pod.ready or self.api.replicas_wanted(pod.about):
                self._end(pod)
                continue
            serving = [each for each in self.pods.values() if self._owners.get(each.uid) == owner and each.ready]
            if len(serving) > must_serve(self.api.deployment(*owner)):
                self._end(pod)

    def _end(self, pod: Pod) -> None:
        del self.pods[pod.key]
        thread = threading.Thread(target=pod.stop, name=f"end of {pod.key[1]}", daemon=True)
        self._ending.append((pod, thread))
        thread.start()

    def _ready(self, key: PodKey) -> bool | None:
        pod = self.pods.get(key)
        return None if pod is None else pod.ready


def _same_place(pod: Pod, about: Object) -> bool:
    return pod.key == _key(about) or pod.address == about["status"]["podIP"]


def _key(about: Object) -> PodKey:
    return about["metadata"]["namespace"], about["metadata"]["name"]


def _can_run(about: Object) -> bool:
    return "deletionTimestamp" not in about["metadata"] and bool(about["status"].get("podIP"))
