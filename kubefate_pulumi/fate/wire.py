"""Who listens where, and who may call whom: the declarations that network policies and docs/wire.md are made from.

A listener that is not declared here is not reachable, and a call that is not declared is not possible.

Sources: KubeFATE chart `fate` v1.11.2 for parts and ports; Hadoop's `hdfs-default.xml`; Spark 3.1's
"Configuring Ports for Network Security"; the rest are the router's own files (`router`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from kubefate_pulumi.fate import ports
from kubefate_pulumi.fate.names import ROUTER

PEERS: Final = "peers"
"""The routers of other units: the only thing outside the namespace that anything of a unit calls."""
PLAIN_PEERS: Final = "plain peers"
"""Parties that KubeFATE's own charts deployed, if there is one."""
PEOPLE: Final = "people"
"""Whoever comes through the cluster's ingress controller, if a page is published."""

_NOBODY: Final = "nobody: only the flows below reach it"
_NOT_CALLED: Final = "nobody: no other pod calls it"
_MUTUAL: Final = (
    "both ends, by certificate: issuer and subject must be those of a peer, and of the party that it speaks for"
)


@dataclass(frozen=True)
class Listener:
    """A TCP port, or a range of them, that a part's pods listen on.

    Attributes:
        name: Name, unique in its part.
        port: The port, or the first one.
        protocol: What is spoken.
        authentication: Who authenticates whom.
        last_port: The last port of a range.
    """

    name: str
    port: int
    protocol: str
    authentication: str = _NOBODY
    last_port: int | None = None


@dataclass(frozen=True)
class Call:
    """One part calls listeners of another one, or the routers of other units.

    Attributes:
        to: Name of a part, or `PEERS`.
        listeners: Names of its listeners; of `PEERS`, those of their routers.
        route: What is carried, and what says where it goes.
    """

    to: str
    listeners: tuple[str, ...]
    route: str


@dataclass(frozen=True)
class Part:
    """What one part listens to, whom it calls, and who comes from outside the namespace.

    Attributes:
        name: The part's name, that of its pods' label.
        listeners: Everything it listens to.
        calls: Everything it calls.
        outside: Who comes from outside (`PEERS`, `PEOPLE`), and to which of its listeners.
    """

    name: str
    listeners: tuple[Listener, ...]
    calls: tuple[Call, ...] = ()
    outside: tuple[tuple[str, str], ...] = ()

    def listener(self, name: str) -> Listener:
        """Return a listener by its name."""
        return next(listener for listener in self.listeners if listener.name == name)


_HEALTH: Final = Listener(
    "health", ports.ROUTER_HEALTH, "HTTP: probes, reload status, metrics", "nobody: the node's kubelet only"
)
_OUTER_CONTROL: Final = Listener(
    "control", ports.ROUTER_OUTER_CONTROL, "TLS 1.2 or newer: HTTP/1.1, and HTTP/2 for gRPC", _MUTUAL
)
_PLAIN_LISTENERS: Final = (
    Listener("plain-http", ports.ROUTER_PLAIN_HTTP, "HTTP/1.1", "nobody: the caller's address must be a plain peer's"),
    Listener("plain-grpc", ports.ROUTER_PLAIN_GRPC, "HTTP/2", "nobody: the caller's address must be a plain peer's"),
)
_ROUTER_OUTSIDE: Final = (
    (PEERS, "control"),
    (PEERS, "data"),
    (PLAIN_PEERS, "plain-http"),
    (PLAIN_PEERS, "plain-grpc"),
)
_TO_PEERS: Final = (
    Call(PEERS, ("control",), "header `dest-party-id`: one server and one trusted CA per next hop"),
    Call(PEERS, ("data",), "SNI `<party>.<domain>`: likewise, or passed through by an exchange"),
)

_SPARK_RANGE: Final = ports.SPARK_PORTS_PER_POD - 1
_DRIVER: Final = Listener("driver", ports.SPARK_DRIVER, "Spark RPC", last_port=ports.SPARK_DRIVER + _SPARK_RANGE)
_BLOCKS: Final = Listener(
    "blocks", ports.SPARK_BLOCK_MANAGER, "Spark blocks", last_port=ports.SPARK_BLOCK_MANAGER + _SPARK_RANGE
)
_TO_NAMENODE: Final = Call("namenode", ("rpc",), "`fs.defaultFS` in `core-site.xml`")
_TO_DATANODES: Final = Call("datanode", ("data",), "addresses that the NameNode answers")
_TO_FATE_FLOW: Final = Call("python", ("http",), "Service `fateflow`")
_TO_BROKER: Final = Call("pulsar", ("broker",), "Service `pulsar`; topics name the parties")

PARTY: Final[tuple[Part, ...]] = (
    Part(
        ROUTER,
        (
            Listener("inner-http", ports.ROUTER_INNER_CONTROL_HTTP, "HTTP/1.1"),
            Listener("inner-grpc", ports.ROUTER_INNER_CONTROL_GRPC, "HTTP/2 for gRPC"),
            Listener(
                "inner-data",
                ports.ROUTER_INNER_DATA,
                "TLS 1.2 or newer: Pulsar",
                "both ends, by certificates of the party's internal CA",
            ),
            _OUTER_CONTROL,
            Listener("data", ports.ROUTER_OUTER_DATA, "TLS 1.2 or newer: Pulsar", _MUTUAL),
            *_PLAIN_LISTENERS,
            _HEALTH,
        ),
        (
            Call("python", ("http", "grpc"), "requests for this party: Service `fateflow-client`"),
            Call("pulsar", ("broker-tls",), "what peers replicate: Service `pulsar`"),
            *_TO_PEERS,
        ),
        _ROUTER_OUTSIDE,
    ),
    Part(
        "python",
        (
            Listener("http", ports.FATE_FLOW_HTTP, "HTTP/1.1: FATE Flow"),
            Listener("grpc", ports.FATE_FLOW_GRPC, "HTTP/2: gRPC of FATE Flow"),
            _DRIVER,
            _BLOCKS,
        ),
        (
            Call("mysql", ("mysql",), "Service `mysql`"),
            Call("spark-master", ("master",), "`spark.master`"),
            Call("spark-worker", ("blocks",), "addresses that executors report"),
            _TO_NAMENODE,
            Call("datanode", ("data", "web"), "addresses that the NameNode answers"),
            _TO_BROKER,
            Call("pulsar", ("admin",), "Service `pulsar`; clusters, tenants and namespaces of a job"),
            Call(ROUTER, ("inner-http", "inner-grpc"), "header `dest-party-id`, also for this party itself"),
        ),
    ),
    Part(
        "mysql",
        (Listener("mysql", ports.MYSQL, "MySQL", "the client, by password; root from the pod only"),),
    ),
    Part(
        "pulsar",
        (
            Listener("broker", ports.PULSAR, "Pulsar"),
            Listener(
                "broker-tls",
                ports.PULSAR_TLS,
                "TLS 1.2 or newer: Pulsar",
                "both ends, by certificates of the party's internal CA",
            ),
            Listener("admin", ports.PULSAR_ADMIN, "HTTP/1.1: administration"),
            Listener("admin-tls", ports.PULSAR_ADMIN_TLS, "HTTPS: administration"),
            Listener("zookeeper", ports.PULSAR_ZOOKEEPER, "ZooKeeper: of the standalone broker itself", _NOT_CALLED),
            Listener("bookie", ports.PULSAR_BOOKIE, "BookKeeper: of the standalone broker itself", _NOT_CALLED),
        ),
        (Call(ROUTER, ("inner-data",), "SNI `<party>.<domain>`: what is replicated to peers"),),
    ),
    Part(
        "spark-master",
        (
            Listener("master", ports.SPARK_MASTER, "Spark RPC"),
            Listener("rest", ports.SPARK_MASTER_REST, "HTTP/1.1: submission; nobody uses it"),
            Listener("web", ports.SPARK_MASTER_WEB, "HTTP/1.1: page", "nobody: by `kubectl port-forward` only"),
        ),
        (
            Call("spark-worker", ("worker",), "addresses that workers report"),
            Call("python", ("driver",), "addresses that drivers report"),
        ),
    ),
    Part(
        "spark-worker",
        (
            Listener("worker", ports.SPARK_WORKER, "Spark RPC"),
            _BLOCKS,
            Listener("web", ports.SPARK_WORKER_WEB, "HTTP/1.1: page", "nobody: by `kubectl port-forward` only"),
        ),
        (
            Call("spark-master", ("master",), "`SPARK_MASTER`"),
            Call("spark-worker", ("blocks",), "addresses that executors report"),
            Call("python", ("driver", "blocks"), "`spark.driver.host`"),
            _TO_NAMENODE,
            _TO_DATANODES,
            _TO_BROKER,
        ),
    ),
    Part(
        "namenode",
        (
            Listener("rpc", ports.HDFS_NAMENODE, "Hadoop RPC"),
            Listener("web", ports.HDFS_NAMENODE_WEB, "HTTP/1.1: page", "nobody: by `kubectl port-forward` only"),
        ),
    ),
    Part(
        "datanode",
        (
            Listener("data", ports.HDFS_DATANODE_DATA, "Hadoop data transfer"),
            Listener("ipc", ports.HDFS_DATANODE_IPC, "Hadoop RPC"),
            Listener("web", ports.HDFS_DATANODE_WEB, "HTTP/1.1"),
        ),
        (
            _TO_NAMENODE,
            Call("datanode", ("data", "ipc"), "copies of blocks, and their recovery"),
        ),
    ),
    Part(
        "fateboard",
        (Listener("web", ports.FATE_BOARD, "HTTP/1.1: page", "the client, by password"),),
        (_TO_FATE_FLOW,),
        ((PEOPLE, "web"),),
    ),
    Part(
        "client",
        (Listener("web", ports.NOTEBOOK, "HTTP/1.1: JupyterLab", "the client, by password"),),
        (_TO_FATE_FLOW,),
        ((PEOPLE, "web"),),
    ),
)
"""The parts of a federated learning cluster."""

EXCHANGE: Final[tuple[Part, ...]] = (
    Part(
        ROUTER,
        (
            _OUTER_CONTROL,
            Listener("data", ports.ROUTER_OUTER_DATA, "TLS: passed through by SNI", "nobody here: the two ends do"),
            *_PLAIN_LISTENERS,
            _HEALTH,
        ),
        _TO_PEERS,
        _ROUTER_OUTSIDE,
    ),
)
"""The parts of an exchange."""


def callers(parts: Sequence[Part], called: Part) -> Iterator[tuple[Part, tuple[Listener, ...]]]:
    """Yield each part that calls a part, with the listeners it calls, in the order of the declarations."""
    for part in parts:
        names = [name for call in part.calls if call.to == called.name for name in call.listeners]
        if names:
            yield part, tuple(called.listener(name) for name in dict.fromkeys(names))
