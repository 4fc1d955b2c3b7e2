"""What the operator of one party decides: `stacks/parties/<id>.yaml`."""

from typing import Final

from pydantic import Field, model_validator

from kubefate_pulumi.config.errors import Wrong
from kubefate_pulumi.config.fields import (
    Annotations,
    Count,
    DnsLabel,
    DnsName,
    Memory,
    Model,
    ObjectName,
)
from kubefate_pulumi.config.unit import Resources, UnitFile

DEFAULT_DATANODES: Final = 3
"""How many DataNodes the component makes when the file does not say; only to judge `replication`."""


class Volume(Model):
    """One persistent volume."""

    size: Memory | None = Field(None, description="Size, such as `20Gi`.", examples=["20Gi"])
    storage_class: ObjectName | None = Field(
        None, description="Storage class of this volume. Default: `storage.storage_class`.", examples=["fast"]
    )


class Volumes(Model):
    """The persistent volumes of a party, by what lies on them."""

    mysql: Volume | None = Field(None, description="The database of FATE Flow. Default: 5Gi.")
    python: Volume | None = Field(None, description="Jobs, logs and models of FATE Flow. Default: 10Gi.")
    client: Volume | None = Field(None, description="The notebooks. Default: 5Gi.")
    namenode: Volume | None = Field(None, description="The directory of HDFS. Default: 5Gi.")
    datanode: Volume | None = Field(None, description="The data of HDFS, one per DataNode. Default: 10Gi.")
    pulsar: Volume | None = Field(None, description="Messages in flight between parties. Default: 10Gi.")


class Storage(Model):
    """Where the data of a party lies."""

    storage_class: ObjectName | None = Field(
        None,
        description="Storage class of all volumes that name none. Default: the cluster's default class.",
        examples=["standard"],
    )
    volumes: Volumes | None = Field(None, description="Size and class by volume.")


class PartResources(Model):
    """What each part of a party asks for. Spark's workers have a section of their own."""

    fateflow: Resources | None = Field(None, description="FATE Flow. Default: 2 CPU, 4Gi.")
    mysql: Resources | None = Field(None, description="The database. Default: 500m CPU, 1Gi.")
    nginx: Resources | None = Field(None, description="The router. Default: 100m CPU, 256Mi.")
    pulsar: Resources | None = Field(None, description="The broker. Default: 1 CPU, 8Gi.")
    client: Resources | None = Field(None, description="The notebook. Default: 500m CPU, 2Gi.")
    fateboard: Resources | None = Field(None, description="FATE Board. Default: 500m CPU, 3Gi.")
    spark_master: Resources | None = Field(None, description="Spark's master. Default: 500m CPU, 1Gi.")
    namenode: Resources | None = Field(None, description="HDFS' NameNode. Default: 500m CPU, 1Gi.")
    datanode: Resources | None = Field(None, description="Each DataNode. Default: 500m CPU, 1Gi.")


class Spark(Model):
    """The Spark workers, which do the training."""

    workers: Count | None = Field(None, description="Number of workers. Default: 2.", examples=[2])
    cores: Count | None = Field(None, description="CPU cores per worker, a whole number. Default: 4.", examples=[4])
    memory: Memory | None = Field(None, description="Memory per worker. Default: `8Gi`.", examples=["8Gi"])


class Hdfs(Model):
    """The HDFS that holds the party's tables."""

    datanodes: Count | None = Field(None, description="Number of DataNodes. Default: 3.", examples=[3])
    replication: Count | None = Field(
        None,
        description="Copies of each block, at most one per DataNode. Default: 3, or one per DataNode "
        "if there are fewer.",
        examples=[3],
    )

    @model_validator(mode="after")
    def _a_node_per_copy(self) -> "Hdfs":
        nodes = DEFAULT_DATANODES if self.datanodes is None else self.datanodes
        if self.replication is not None and self.replication > nodes:
            message = f"asks for more copies than there are DataNodes ({nodes})"
            raise Wrong(message, "Lower it, or add DataNodes.", at=("replication",))
        return self


class Ingress(Model):
    """Which web pages are published through the cluster's ingress controller."""

    class_name: ObjectName | None = Field(
        None, description="Ingress class. Default: the cluster's default class.", examples=["nginx"]
    )
    fateboard_host: DnsName | None = Field(
        None,
        description="Host name of FATE Board. Default: not published.",
        examples=["board.bank.example.org"],
    )
    notebook_host: DnsName | None = Field(
        None,
        description="Host name of the notebook. Default: not published.",
        examples=["notebook.bank.example.org"],
    )
    tls_secret: ObjectName | None = Field(
        None,
        description="Name of the Secret with the certificate for the hosts; it must exist in the namespace. "
        "Default: none.",
        examples=["bank-tls"],
    )
    annotations: Annotations | None = Field(None, description="Annotations of the ingresses. Default: none.")

    @model_validator(mode="after")
    def _hosts_differ(self) -> "Ingress":
        if self.fateboard_host is not None and self.fateboard_host == self.notebook_host:
            remedy = "Give each page its own host name."
            raise Wrong("is the same host as fateboard_host", remedy, at=("notebook_host",))
        return self


class PartyFile(UnitFile):
    """`parties/<id>.yaml`: what the operator of one party decides. Nobody else needs to see it."""

    namespace: DnsLabel | None = Field(
        None, description="Namespace to create and use. Default: `fate-<party_id>`.", examples=["fate-9999"]
    )
    storage: Storage | None = Field(None, description="Storage classes and sizes of the volumes.")
    resources: PartResources | None = Field(None, description="CPU and memory by part.")
    spark: Spark | None = Field(None, description="The Spark workers.")
    hdfs: Hdfs | None = Field(None, description="The HDFS DataNodes.")
    ingress: Ingress | None = Field(None, description="Web pages to publish. Default: none.")
