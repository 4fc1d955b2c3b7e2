"""The defaults of the components, each written once. They are part of the contract: a change is a change for users."""

from kubefate_pulumi.kubernetes.workload import Resources

FATE_VERSION = "1.11.2"

CONTROL_PORT = 9443
DATA_PORT = 6651

EXCHANGE_REPLICAS = 2

SPARK_WORKERS = 2
SPARK_CORES = 4
SPARK_MEMORY = "8Gi"
"""Cores and memory of a worker: the limits of KubeFATE's chart."""

DATANODES = 3
REPLICATION = 3
"""HDFS's own default; lowered to the number of DataNodes when there are fewer."""

RESOURCES = {
    "fateflow": Resources("2", "4Gi"),
    "mysql": Resources("500m", "1Gi"),
    "nginx": Resources("100m", "256Mi"),
    "pulsar": Resources("1", "8Gi"),
    "client": Resources("500m", "2Gi"),
    # Its image starts Java with a heap of 2 GiB (`-Xmx2048m`).
    "fateboard": Resources("500m", "3Gi"),
    "spark_master": Resources("500m", "1Gi"),
    "namenode": Resources("500m", "1Gi"),
    "datanode": Resources("500m", "1Gi"),
}
"""What each part asks for: the examples of KubeFATE where they say, else from the program's own needs."""

VOLUME_SIZES = {
    "mysql": "5Gi",
    "python": "10Gi",
    "client": "5Gi",
    "namenode": "5Gi",
    "datanode": "10Gi",
    "pulsar": "10Gi",
}
"""Sizes of the volumes: VMware's reference deployment, rounded up to 5 GiB where that is smaller."""
