"""A federation's project on the simulated sites: its files, and what its stacks left in the API servers."""

import json
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from engine.sites import SiteClient, Thing
from engine.steps import UNCHANGED
from engine.support import Project

from kubefate_pulumi.simulator.manager import DEFAULT_SITES

TWO = {9999: "party-9999", 10000: "party-10000"}
"""Two parties, each on the site of its name."""
SHARED = {
    "name": "fraud",
    "domain": "fraud.example.org",
    "fate_version": "1.11.2",
}


@dataclass
class FederationRig:
    """The files of a federation in one project, with namespaces of its own, and the sites it is on."""

    project: Project
    client: Callable[[str], SiteClient]

    def __post_init__(self) -> None:
        self.stack_file("federation", "all")

    def federation(self, parties: Mapping[int, str], topology: str = "star") -> None:
        """Write the shared file and one for each unit: party id to the name of its site."""
        self._write("federation.yaml", {**SHARED, "topology": topology, "parties": sorted(parties)})
        for old in self.project.stacks.glob("parties/*.yaml"):
            old.unlink()
        for party, site in parties.items():
            self.unit(f"parties/{party}.yaml", site, spark={"workers": 1, "cores": 1, "memory": "2Gi"})
        if topology == "star":
            self.unit("exchange.yaml", "exchange")
        else:
            (self.project.stacks / "exchange.yaml").unlink(missing_ok=True)

    def unit(self, path: str, site: str, **settings: object) -> None:
        """Write the file of one unit."""
        self._write(path, {"site": {"kubernetes": {"context": site}}, **settings})
        self.project.own_namespaces()

    def stack_file(self, stack: str, units: str | Sequence[str | int], **config: object) -> None:
        values = {"kubefate:units": units, **{f"kubefate:{key}": value for key, value in config.items()}}
        self._write(f"Pulumi.{stack}.yaml", {"config": values})

    def _write(self, path: str, document: Mapping[str, Any]) -> None:
        self.project.write(f"stacks/{path}", yaml.safe_dump(dict(document), sort_keys=False))

    def publish(self, stack: str, unit: str) -> None:
        """Do what a unit's owner does: write its peer document."""
        self.project.write(f"stacks/peers/{unit}.yaml", json.dumps(self.project.outputs(stack)["peer"]))

    def up_until(self, resources: int) -> "subprocess.Popen[str]":
        """Start an `up` of the whole federation; return it when so many resources are done and it still runs."""
        self.project.create("federation")
        running = self.project.start("up", "--stack", "federation", "--yes", "--skip-preview")
        deadline = time.monotonic() + 60
        while sum(1 for event in self.project.events().all if event.get("resOutputsEvent")) < resources:
            assert running.poll() is None, running.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return running

    def steps(self, stack: str = "federation", *words: str) -> dict[str, str]:
        """Return what the next `up` would do: operation by resource name, without what stays the same."""
        document = json.loads(self.project.preview(stack, "--json", *words).stdout)
        return {step["urn"].split("::")[-1]: step["op"] for step in document["steps"] if step["op"] not in UNCHANGED}

    def routes(self, site: str, unit: str | int) -> dict[str, str]:
        """Return the route files of a unit as its API server has them."""
        namespace = self.project.namespace(unit)
        found: dict[str, str] = self.client(site).get(f"/api/v1/namespaces/{namespace}/configmaps/nginx-routes")["data"]
        return found

    def objects(self, sites: Sequence[str] = DEFAULT_SITES) -> set[Thing]:
        """Return everything of this project on the sites, and everything that is in no namespace."""
        return {thing for site in sites for thing in self.client(site).objects(self.project.suffix)}

    def drop(self) -> None:
        """Delete this project's namespaces, without waiting: other tests need the room, not the names."""
        for site in DEFAULT_SITES:
            core = self.client(site).core
            for namespace in core.list_namespace().items:
                if namespace.metadata.name.endswith(f"-{self.project.suffix}"):
                    core.delete_namespace(namespace.metadata.name)


def changed(changes: Mapping[str, int]) -> dict[str, int]:
    """Return the operations that changed something."""
    return {op: count for op, count in changes.items() if op not in UNCHANGED and count}
