"""The arguments of the public components.

They are TypedDicts: the component host hands a plain `dict` to a constructor. Structure, whole numbers and modes
are plain; only leaves that are text may be Outputs, because the host drops an object, or fails on a number, that
arrives as one.
"""

from collections.abc import Mapping, Sequence
from typing import NotRequired, TypedDict

import pulumi


class FederationArgs(TypedDict):
    """What all parties of a federation share."""

    name: str
    """Name of the federation, a DNS label."""
    domain: str
    """DNS domain under which each unit has its name: `<party_id>.<domain>`, `exchange.<domain>`."""
    topology: str
    """`star` (through an exchange) or `direct`."""
    parties: Sequence[int]
    """The ids of all parties."""
    fate_version: NotRequired[str]
    """Version of FATE; the newest that is supported without reservation if left out."""


class ExposureArgs(TypedDict):
    """How a unit's router is reached from outside its cluster."""

    type: NotRequired[str]
    """Type of the public Service: `LoadBalancer` (default), `NodePort` or `ClusterIP`."""
    address: NotRequired[str]
    """IP address or DNS name that peers use; needed unless the Service reports its own."""
    control_port: NotRequired[int]
    """Port of the control path, 9443 by default; for `NodePort` the node's port."""
    data_port: NotRequired[int]
    """Port of the data path, 6651 by default; for `NodePort` the node's port."""
    load_balancer_ip: NotRequired[str]
    """Address to ask the load balancer for."""
    load_balancer_class: NotRequired[str]
    """Class of the load balancer."""
    annotations: NotRequired[Mapping[str, str]]
    """Further annotations of the Service, as the load balancer's maker documents them."""
    source_ranges: NotRequired[Sequence[str]]
    """CIDRs that may connect; all, if left out."""


class EndpointArgs(TypedDict):
    """Arguments of a unit's endpoint: its namespace, its public Service, its certificate authority."""

    federation: FederationArgs
    """The federation."""
    namespace: NotRequired[str]
    """Namespace to create; `fate-<party_id>` or `fate-exchange` if left out."""
    exposure: NotRequired[ExposureArgs]
    """How the unit is reached."""
    plain: NotRequired[bool]
    """Whether peers that KubeFATE's own charts deployed dial it: publishes 9300 and 9310, which have no TLS."""
    ca_certificate: NotRequired[pulumi.Input[str]]
    """Certificate of an authority of one's own, PEM; generated if left out."""
    ca_private_key: NotRequired[pulumi.Input[str]]
    """Its private key, PEM, PKCS#8; needed with `ca_certificate`."""


class PartyEndpointArgs(EndpointArgs):
    """Arguments of a party's endpoint."""

    party_id: int
    """Id of the party."""


class PlainArgs(TypedDict):
    """How a party that KubeFATE's own charts deployed speaks: control path without TLS, broker without certificate."""

    grpc_port: int
    """Port of gRPC; the peer's `control_port` is that of HTTP."""
    accept_from: Sequence[str]
    """CIDRs that its connections come from, in a star also those of the exchange."""


class PeerArgs(TypedDict):
    """What a unit knows of another one: nothing of it is secret."""

    unit: str
    """`exchange`, or the party id as text."""
    host: pulumi.Input[str]
    """IP address or DNS name at which its router is reached."""
    control_port: int
    """Port of the control path."""
    data_port: int
    """Port of the data path."""
    ca_certificate: pulumi.Input[str]
    """Certificate of its authority, PEM."""
    subject: NotRequired[str]
    """Subject of its router's certificate, RFC 2253; `CN=<unit>.<domain>` if left out."""
    plain: NotRequired[PlainArgs]
    """Given for a party that KubeFATE's own charts deployed; `ca_certificate` is then its broker's."""


class ResourceArgs(TypedDict):
    """What one container asks for."""

    cpu: NotRequired[str]
    """Cores: `500m`, `2`."""
    memory: NotRequired[str]
    """Memory, request and limit: `4Gi`."""


class VolumeArgs(TypedDict):
    """One persistent volume."""

    size: NotRequired[str]
    """Size: `10Gi`."""
    storage_class: NotRequired[str]
    """Storage class; the unit's, or else the cluster's default."""


class StorageArgs(TypedDict):
    """Where the data of a federated learning cluster lies."""

    storage_class: NotRequired[str]
    """Storage class of all volumes that name none."""
    volumes: NotRequired[Mapping[str, VolumeArgs]]
    """By volume: `mysql`, `python`, `client`, `namenode`, `datanode`, `pulsar`."""


class SparkArgs(TypedDict):
    """The Spark workers."""

    workers: NotRequired[int]
    """Number of workers."""
    cores: NotRequired[int]
    """Cores per worker."""
    memory: NotRequired[str]
    """Memory per worker: `8Gi`."""


class HdfsArgs(TypedDict):
    """The HDFS DataNodes."""

    datanodes: NotRequired[int]
    """Number of DataNodes."""
    replication: NotRequired[int]
    """Copies of each block, at most one per DataNode."""


class IngressArgs(TypedDict):
    """Which web pages are published through the cluster's ingress controller, none by default."""

    class_name: NotRequired[str]
    """Ingress class."""
    fateboard_host: NotRequired[str]
    """Host name of FATE Board."""
    notebook_host: NotRequired[str]
    """Host name of the notebook."""
    tls_secret: NotRequired[str]
    """Secret with the certificate for the hosts."""
    annotations: NotRequired[Mapping[str, str]]
    """Annotations of the ingresses."""


class CredentialArgs(TypedDict):
    """Passwords of one's own; each is generated if left out."""

    mysql_password: NotRequired[pulumi.Input[str]]
    """Password of FATE Flow's database user."""
    mysql_root_password: NotRequired[pulumi.Input[str]]
    """Password of the database's root user."""
    fateboard_password: NotRequired[pulumi.Input[str]]
    """Password of FATE Board's `admin`."""
    notebook_password: NotRequired[pulumi.Input[str]]
    """Password of the notebook."""


class UnitArgs(TypedDict):
    """What the workloads of a party and of an exchange both need."""

    federation: FederationArgs
    """The federation."""
    namespace: pulumi.Input[str]
    """Namespace of the unit, which its endpoint made."""
    ca_certificate: pulumi.Input[str]
    """Certificate of the unit's authority, PEM."""
    ca_private_key: pulumi.Input[str]
    """Private key of the unit's authority, PEM; stays in this unit."""
    peers: Sequence[PeerArgs]
    """The units that this one speaks to or must recognise."""
    registry: NotRequired[str]
    """Registry and path prefix for all images, instead of the public ones."""
    images: NotRequired[Mapping[str, str]]
    """Full references by image name, instead of the version's."""
    image_pull_secrets: NotRequired[Sequence[str]]
    """Names of pull Secrets in the namespace."""


class FederatedLearningClusterArgs(UnitArgs):
    """Arguments of a federated learning cluster: all that one party runs."""

    party_id: int
    """Id of the party."""
    storage: NotRequired[StorageArgs]
    """Volumes."""
    resources: NotRequired[Mapping[str, ResourceArgs]]
    """Of `fateflow`, `mysql`, `nginx`, `pulsar`, `client`, `fateboard`, `spark_master`, `namenode`, `datanode`."""
    spark: NotRequired[SparkArgs]
    """Spark workers."""
    hdfs: NotRequired[HdfsArgs]
    """HDFS DataNodes."""
    ingress: NotRequired[IngressArgs]
    """Published web pages."""
    credentials: NotRequired[CredentialArgs]
    """Passwords of one's own."""


class ExchangeArgs(UnitArgs):
    """Arguments of an exchange: the router between parties."""

    replicas: NotRequired[int]
    """Number of routers, 2 by default."""
    resources: NotRequired[ResourceArgs]
    """What each router asks for."""
