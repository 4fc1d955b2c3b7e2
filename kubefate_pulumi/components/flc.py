"""The federated learning cluster: all that one party runs."""

from functools import partial

import pulumi

from kubefate_pulumi.components import defaults
from kubefate_pulumi.components.args import (
    CredentialArgs,
    FederatedLearningClusterArgs,
    HdfsArgs,
    IngressArgs,
    SparkArgs,
)
from kubefate_pulumi.components.credentials import Password
from kubefate_pulumi.components.internal_trust import InternalTrust
from kubefate_pulumi.components.isolation import Isolation, ways_out
from kubefate_pulumi.components.parts import client, fateboard, mysql
from kubefate_pulumi.components.parts.client import NotebookClient
from kubefate_pulumi.components.parts.fateboard import FateBoard
from kubefate_pulumi.components.parts.fateflow import FateFlow, FateFlowSettings
from kubefate_pulumi.components.parts.hdfs import Hdfs
from kubefate_pulumi.components.parts.mysql import MySql
from kubefate_pulumi.components.parts.pulsar import Pulsar
from kubefate_pulumi.components.parts.spark import Spark, Workers
from kubefate_pulumi.components.router import Router, RouterSettings
from kubefate_pulumi.components.unit import is_dialled_plainly, make_unit
from kubefate_pulumi.fate import wire


class FederatedLearningCluster(pulumi.ComponentResource):
    """FATE Flow, MySQL, nginx (the router), Pulsar, the notebook client, FATE Board, Spark and HDFS of one party.

    It needs a Kubernetes provider with `enable_config_map_mutable` and `enable_secret_mutable`: without them a
    changed route would replace the ConfigMap of a running router.
    """

    fateboard_password: pulumi.Output[str]
    """Password of FATE Board's user `admin`, a secret."""
    notebook_password: pulumi.Output[str]
    """Password of the notebook, a secret."""

    def __init__(
        self,
        name: str,
        args: FederatedLearningClusterArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        party = str(int(args["party_id"]))
        super().__init__("kubefate:index:FederatedLearningCluster", name, {"party_id": party}, opts)
        child = pulumi.ResourceOptions(parent=self)
        unit = make_unit(name, party, args, args.get("resources", {}), args.get("storage"))
        ingress = args.get("ingress", {})
        workers = _workers(args.get("spark", {}))
        datanodes, replication = _hdfs(args.get("hdfs", {}))
        internal = InternalTrust(name, unit.dns_name, child)
        passwords = _passwords(name, party, args.get("credentials", {}), child)
        router = RouterSettings(unit, args["peers"], args["ca_certificate"], args["ca_private_key"], internal=internal)
        flow = FateFlowSettings(passwords["mysql_password"], workers, replication)

        MySql(
            f"{name}-mysql",
            unit,
            passwords["mysql_password"],
            passwords["mysql_root_password"],
            child,
        )
        Hdfs(f"{name}-hdfs", unit, datanodes, replication, child)
        Spark(f"{name}-spark", unit, workers, child)
        Pulsar(f"{name}-pulsar", unit, internal, child)
        Router(f"{name}-nginx", router, child)
        FateFlow(f"{name}-fateflow", unit, flow, child)
        FateBoard(f"{name}-fateboard", unit, passwords["fateboard_password"], ingress, child)
        NotebookClient(f"{name}-client", unit, passwords["notebook_password"], ingress, child)
        ways = ways_out(unit, args["peers"])
        Isolation(
            f"{name}-isolation",
            unit.scope,
            wire.PARTY,
            ways,
            published=_published(ingress),
            plain=is_dialled_plainly(unit.federation, party, args["peers"]),
            opts=child,
        )

        self.fateboard_password = passwords["fateboard_password"]
        self.notebook_password = passwords["notebook_password"]
        self.register_outputs(
            {"fateboard_password": self.fateboard_password, "notebook_password": self.notebook_password}
        )


def _published(ingress: IngressArgs) -> set[str]:
    """Return the parts whose page an ingress shows."""
    hosts = {fateboard.PART: ingress.get("fateboard_host"), client.PART: ingress.get("notebook_host")}
    return {part for part, host in hosts.items() if host is not None}


def _workers(given: SparkArgs) -> Workers:
    return Workers(
        count=int(given.get("workers", defaults.SPARK_WORKERS)),
        cores=int(given.get("cores", defaults.SPARK_CORES)),
        memory=given.get("memory", defaults.SPARK_MEMORY),
    )


def _hdfs(given: HdfsArgs) -> tuple[int, int]:
    datanodes = int(given.get("datanodes", defaults.DATANODES))
    return datanodes, int(given.get("replication", min(defaults.REPLICATION, datanodes)))


def _passwords(
    name: str, party: str, given: CredentialArgs, opts: pulumi.ResourceOptions
) -> dict[str, pulumi.Output[str]]:
    """Return each password: the one given, or else a generated one."""
    found = {
        key: pulumi.Output.secret(given[key])
        if key in given
        else Password(f"{name}-{key.replace('_', '-')}", opts=opts).result
        for key in ("mysql_password", "mysql_root_password", "fateboard_password", "notebook_password")
    }
    for key in ("mysql_password", "mysql_root_password"):
        if key in given:
            found[key] = found[key].apply(partial(mysql.checked, party, key))
    return found
