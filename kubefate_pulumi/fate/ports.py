"""Every TCP port of a federation's programs, by name.

Sources: KubeFATE chart `fate` v1.11.2 (FATE Flow, MySQL, Pulsar, FATE Board, notebook, Spark, HDFS) and
Hadoop's `hdfs-default.xml` (9864, 9866, 9867, 9870). The router's are our own, all above 1024 so that it
needs no privileges; 9300, 9310, 9302, 6650 and 6651 keep the numbers that FATE's proxy and broker have.
"""

from typing import Final

FATE_FLOW_GRPC: Final = 9360
FATE_FLOW_HTTP: Final = 9380

MYSQL: Final = 3306

ROUTER_INNER_CONTROL_HTTP: Final = 9300
"""FATE Flow's way out by HTTP; plain, inside the namespace."""
ROUTER_INNER_CONTROL_GRPC: Final = 9310
"""FATE Flow's way out by gRPC; plain HTTP/2, inside the namespace."""
ROUTER_INNER_DATA: Final = 6650
"""The broker's way out; TLS, inside the namespace."""
ROUTER_OUTER_CONTROL: Final = 9443
"""The way in for job control; mutual TLS, HTTP/1.1 and HTTP/2."""
ROUTER_OUTER_DATA: Final = 6651
"""The way in for data. A party: mutual TLS. The exchange: TLS passed through."""
ROUTER_PLAIN_HTTP: Final = 9301
"""The way in for job control of peers that plain KubeFATE deployed; HTTP/1.1 without TLS."""
ROUTER_PLAIN_GRPC: Final = 9311
"""Likewise; HTTP/2 without TLS."""
KUBEFATE_HTTP: Final = 9300
"""The port at which plain KubeFATE publishes a party's nginx, and expects that of others."""
KUBEFATE_GRPC: Final = 9310
ROUTER_HEALTH: Final = 9302
"""Probes, reload status and metrics of a router; plain HTTP."""

PULSAR: Final = 6650
"""Broker, plain, for FATE inside the namespace."""
PULSAR_TLS: Final = 6651
"""Broker, mutual TLS, for the router."""
PULSAR_ADMIN: Final = 8080
PULSAR_ADMIN_TLS: Final = 8081
PULSAR_ZOOKEEPER: Final = 2181
PULSAR_BOOKIE: Final = 3181
"""Both open on all addresses; a standalone broker has no setting for it. Only network policies shut them."""

FATE_BOARD: Final = 8080
NOTEBOOK: Final = 20000

SPARK_MASTER: Final = 7077
SPARK_MASTER_REST: Final = 6066
SPARK_MASTER_WEB: Final = 8080
SPARK_WORKER_WEB: Final = 8081
SPARK_WORKER: Final = 7078
"""The worker's RPC port (`SPARK_WORKER_PORT`), random unless pinned."""
SPARK_DRIVER: Final = 7100
"""First driver port; every further job at a time takes the next free one, SPARK_PORTS_PER_POD in all."""
SPARK_BLOCK_MANAGER: Final = 7200
"""First block manager port of drivers and executors, SPARK_PORTS_PER_POD in all."""
SPARK_PORTS_PER_POD: Final = 100

HDFS_NAMENODE: Final = 9000
HDFS_NAMENODE_WEB: Final = 9870
HDFS_DATANODE_WEB: Final = 9864
HDFS_DATANODE_DATA: Final = 9866
HDFS_DATANODE_IPC: Final = 9867
