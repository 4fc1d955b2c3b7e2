"""The router: the one way into a unit and out of it, for both paths."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from kubefate_pulumi.components.args import PeerArgs
from kubefate_pulumi.components.credentials import Certificate
from kubefate_pulumi.components.internal_trust import InternalTrust
from kubefate_pulumi.components.unit import Unit
from kubefate_pulumi.fate import ports, router
from kubefate_pulumi.fate.model import ConfigFile, Endpoint, Peer, Plain
from kubefate_pulumi.fate.names import ROUTER
from kubefate_pulumi.fate.routes import route_table
from kubefate_pulumi.kubernetes import objects
from kubefate_pulumi.kubernetes.metadata import content_hash
from kubefate_pulumi.kubernetes.probes import http, probes
from kubefate_pulumi.kubernetes.security import RunAs
from kubefate_pulumi.kubernetes.workload import Container, Mount, Pod, deployment, spread_over_nodes

PART = ROUTER

NGINX_USER = RunAs(user=101, group=101, read_only=True)
"""User and group `nginx` of the official image."""

INNER_PORTS = {
    "http": ports.ROUTER_INNER_CONTROL_HTTP,
    "grpc": ports.ROUTER_INNER_CONTROL_GRPC,
    "data": ports.ROUTER_INNER_DATA,
}
OUTER_PORTS = {
    "control": ports.ROUTER_OUTER_CONTROL,
    "outer-data": ports.ROUTER_OUTER_DATA,
    "health": ports.ROUTER_HEALTH,
}

ROLLING = {"type": "RollingUpdate", "rolling_update": {"max_unavailable": 0, "max_surge": 1}}
"""A new router serves before an old one stops to take connections."""


@dataclass(frozen=True)
class RouterSettings:
    """What makes the router of a party and of an exchange differ.

    `internal` is the trust between router and broker; an exchange has no broker and none.
    """

    unit: Unit
    peers: Sequence[PeerArgs]
    ca_certificate: pulumi.Input[str]
    ca_private_key: pulumi.Input[str]
    internal: InternalTrust | None
    replicas: int = 1


class Router(pulumi.ComponentResource):
    """A unit's nginx: its certificate, its generated files, its Deployment, and its Service inside the cluster.

    `nginx.conf` and the start script never depend on peers; they are in the ConfigMap `nginx-config` and a change
    rolls the pods. Routes and the peers' authorities are in the ConfigMap `nginx-routes`; the router reloads them.
    """

    def __init__(self, name: str, settings: RouterSettings, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kubefate:index:Router", name, {"unit": settings.unit.unit}, opts)
        self._opts = pulumi.ResourceOptions(parent=self)
        unit = settings.unit
        base = {file.name: file.text for file in router.base_files(unit.federation, unit.unit)}
        objects.config_map(unit.scope, PART, "nginx-config", base, self._opts)
        objects.config_map(unit.scope, PART, "nginx-routes", route_texts(unit, settings.peers), self._opts)
        self._certificate(name, settings)
        self._warn(settings.peers)
        if settings.internal is not None:
            objects.secret(
                unit.scope,
                PART,
                "nginx-internal-tls",
                settings.internal.leaf(
                    f"{name}-internal", [f"*.{unit.federation.domain}", unit.dns_name, PART], self._opts
                ),
                self._opts,
            )
            objects.service(unit.scope, PART, PART, INNER_PORTS, self._opts)
        self._deployment(settings, base)
        self.register_outputs({})

    def _warn(self, peers: Sequence[PeerArgs]) -> None:
        """Say in every plan whom the network alone vouches for."""
        for peer in peers:
            if "plain" in peer:
                ranges = ", ".join(peer["plain"]["accept_from"])
                pulumi.log.warn(
                    f"Party {peer['unit']} is one of plain KubeFATE: its control path has no TLS and its broker shows "
                    f"no certificate. Whoever sends from {ranges} can pass for it.",
                    resource=self,
                )

    def _certificate(self, name: str, settings: RouterSettings) -> None:
        unit = settings.unit
        leaf = Certificate(
            f"{name}-certificate",
            common_name=unit.dns_name,
            dns_names=[unit.dns_name],
            usages=["server", "client"],
            ca_certificate=settings.ca_certificate,
            ca_private_key=settings.ca_private_key,
            opts=self._opts,
        )
        data = {"tls.crt": leaf.certificate, "tls.key": leaf.private_key}
        objects.secret(unit.scope, PART, "nginx-tls", data, self._opts)

    def _deployment(self, settings: RouterSettings, base: Mapping[str, str]) -> None:
        unit = settings.unit
        pod = Pod(
            containers=[_container(unit, settings.internal is not None)],
            volumes=_volumes(settings.internal is not None),
            content_hash=content_hash(base),
            run_as=NGINX_USER,
            spread=spread_over_nodes(unit.scope, PART) if settings.replicas > 1 else (),
            termination_seconds=router.TERMINATION_GRACE_SECONDS,
        )
        deployment(unit.scope, PART, pod, self._opts, replicas=settings.replicas, strategy=ROLLING)
        if settings.replicas > 1:
            objects.disruption_budget(unit.scope, PART, self._opts)


def route_texts(unit: Unit, peers: Sequence[PeerArgs]) -> pulumi.Output[dict[str, str]]:
    """Return the route files of a unit, by name, once its peers' addresses and authorities are known."""
    hosts = [peer["host"] for peer in peers]
    authorities = [peer["ca_certificate"] for peer in peers]

    def render(known: Sequence[str]) -> dict[str, str]:
        found = map(_peer, peers, known[: len(peers)], known[len(peers) :])
        files: Sequence[ConfigFile] = router.route_files(route_table(unit.federation, unit.unit, list(found)))
        return {file.name: file.text for file in files}

    # One flat wait for all leaves: a nested one for each peer of each unit is what grows fastest with the parties.
    texts: pulumi.Output[dict[str, str]] = pulumi.Output.all(*hosts, *authorities).apply(render)
    return texts


def _peer(args: PeerArgs, host: str, ca_certificate: str) -> Peer:
    endpoint = Endpoint(host, int(args["control_port"]), int(args["data_port"]))
    return Peer(args["unit"], endpoint, ca_certificate, args.get("subject"), _plain(args))


def _plain(args: PeerArgs) -> Plain | None:
    given = args.get("plain")
    return None if given is None else Plain(int(given["grpc_port"]), tuple(given["accept_from"]))


def _container(unit: Unit, inner: bool) -> Container:
    mounts = [
        Mount("config", router.BASE_DIR),
        Mount("routes", router.ROUTES_DIR),
        Mount("tls", router.TLS_DIR),
        Mount("run", router.RUN_DIR, read_only=False),
        Mount("tmp", router.TMP_DIR, read_only=False),
    ]
    if inner:
        mounts.append(Mount("internal-tls", router.INTERNAL_DIR))
    return Container(
        PART,
        unit.image(PART),
        unit.resources[PART],
        ports={**(INNER_PORTS if inner else {}), **OUTER_PORTS},
        command=router.COMMAND,
        mounts=mounts,
        probes=probes(http(ports.ROUTER_HEALTH, router.HEALTH_PATH)),
    )


def _volumes(inner: bool) -> Mapping[str, Mapping[str, Any]]:
    # The group of the pod reads the keys, nobody else.
    volumes: dict[str, Mapping[str, Any]] = {
        "config": {"config_map": {"name": "nginx-config"}},
        "routes": {"config_map": {"name": "nginx-routes"}},
        "tls": {"secret": {"secret_name": "nginx-tls", "default_mode": 0o440}},
        "run": {"empty_dir": {"medium": "Memory", "size_limit": "16Mi"}},
        "tmp": {"empty_dir": {}},
    }
    if inner:
        volumes["internal-tls"] = {"secret": {"secret_name": "nginx-internal-tls", "default_mode": 0o440}}
    return volumes
