"""A federation that one `pulumi up` deployed, and the harness that runs it from what is in the API servers."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dataplane.altered import Altered
from dataplane.calls import Answer, call_grpc, cluster_address, submit
from dataplane.kubelet.kubelet import Kubelet
from dataplane.kubelet.pod import Pod
from dataplane.kubelet.site import READY_SECONDS, Site
from engine.federation_rig import TWO, FederationRig
from engine.sites import SiteClient
from engine.support import Project

from kubefate_pulumi.fate import ports
from kubefate_pulumi.simulator.manager import Simulator

EXCHANGE = "exchange"


@dataclass
class Federation:
    """A deployed federation and a harness.

    Attributes:
        rig: the project, and what is in the API servers.
        kubelet: the harness.
        sites: party id to the name of its site.
        altered: clients of sites to use in place of the rig's, by the name of the site: for controls.
    """

    rig: FederationRig
    kubelet: Kubelet
    sites: Mapping[int, str]
    altered: Mapping[str, Altered] = field(default_factory=dict)

    def site(self, unit: str | int) -> Site:
        """Return the site that a unit is on."""
        name = EXCHANGE if unit == EXCHANGE else self.sites[int(unit)]
        return self.kubelet.site(name, self.altered.get(name) or self.rig.client(name))

    def namespace(self, unit: str | int) -> str:
        """Return the namespace of a unit."""
        return self.rig.project.namespace(unit)

    def follow(self, unit: str | int, *workloads: str) -> None:
        """Run these workloads of a unit at the next `sync`."""
        self.site(unit).follow(self.namespace(unit), *workloads)

    def pods(self, unit: str | int, workload: str) -> list[Pod]:
        """Return the running pods of a unit's workload."""
        return self.site(unit).pods_of(self.namespace(unit), workload)

    def pod(self, unit: str | int, workload: str) -> Pod:
        """Return the one running pod of a unit's workload."""
        return self.site(unit).pod_of(self.namespace(unit), workload)

    def routers(self) -> list[Pod]:
        """Return every router that runs."""
        units: list[str | int] = [EXCHANGE, *self.sites]
        return [pod for unit in units for pod in self.pods(unit, "nginx")]

    def run_control_path(self, seconds: float = READY_SECONDS) -> None:
        """Run every router, and every party's FATE Flow; come back when all that is followed is ready."""
        self.follow(EXCHANGE, "nginx")
        for party in self.sites:
            self.follow(party, "nginx", "python")
        self.kubelet.sync()
        self.kubelet.wait_ready(seconds)

    def ask(self, source: int, dest: int | str) -> Answer:
        """Call as FATE Flow of a party does: by HTTP to its own router's cluster address."""
        address = cluster_address(self.site(source), self.namespace(source), "nginx")
        return submit(self.pod(source, "python"), address, ports.ROUTER_INNER_CONTROL_HTTP, _headers(source, dest))

    def ask_grpc(self, source: int, dest: int | str) -> tuple[str, Mapping[str, Any]]:
        """Call as FATE Flow does by gRPC."""
        address = cluster_address(self.site(source), self.namespace(source), "nginx")
        return call_grpc(self.pod(source, "python"), address, ports.ROUTER_INNER_CONTROL_GRPC, _headers(source, dest))


def _headers(source: int, dest: int | str) -> Mapping[str, str]:
    return {"dest-party-id": str(dest), "src-party-id": str(source)}


@contextmanager
def deployed_star(
    simulator: Simulator, client: Callable[[str], SiteClient], directory: Path, suffix: str
) -> Iterator[FederationRig]:
    """Deploy a star of two parties by one `pulumi up`; its namespaces are deleted in the end."""
    with ExitStack() as stack:
        project = Project(simulator, directory, suffix)
        stack.callback(project.end)
        rig = FederationRig(project, client)
        stack.callback(rig.drop)
        rig.federation(TWO)
        project.up("federation")
        yield rig
