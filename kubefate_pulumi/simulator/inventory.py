"""What a site holds before anybody deploys to it: nodes and storage classes."""

from kubefate_pulumi.simulator.api import ApiClient, Json
from kubefate_pulumi.simulator.record import SiteRecord

NODES = 4
ZONES = 3
PROVISIONER = "simulator.kubefate/volume"
DEFAULT_CLASS = "standard"

STORAGE_CLASSES = {
    "standard": "Immediate",
    "vsan-default-storage-policy": "Immediate",
    "wait-for-first-consumer": "WaitForFirstConsumer",
    "kwok-volume": "Immediate",
}
"""Class name to volume binding mode. The second is the name of vSAN's on Tanzu, the last that of kwok's own."""

CAPACITY = {"cpu": "16", "memory": "64Gi", "ephemeral-storage": "200Gi", "pods": "110"}


def create_inventory(api: ApiClient, record: SiteRecord) -> None:
    """Create what is missing."""
    for number in range(1, NODES + 1):
        api.create("/api/v1/nodes", _node(record, number))
    for name, mode in STORAGE_CLASSES.items():
        api.create("/apis/storage.k8s.io/v1/storageclasses", _storage_class(name, mode))


def _node(record: SiteRecord, number: int) -> Json:
    name = f"{record.name}-node-{number}"
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "annotations": {"kwok.x-k8s.io/node": "fake"},
            "labels": {
                "kubernetes.io/arch": "amd64",
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "topology.kubernetes.io/region": "simulated",
                "topology.kubernetes.io/zone": f"zone-{(number - 1) % ZONES + 1}",
                "type": "kwok",
            },
        },
        "status": {
            "addresses": [
                {"type": "InternalIP", "address": record.addresses.node(number)},
                {"type": "Hostname", "address": name},
            ],
            "allocatable": CAPACITY,
            "capacity": CAPACITY,
        },
    }


def _storage_class(name: str, binding_mode: str) -> Json:
    default = "true" if name == DEFAULT_CLASS else "false"
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name, "annotations": {"storageclass.kubernetes.io/is-default-class": default}},
        "provisioner": PROVISIONER,
        "reclaimPolicy": "Delete",
        "volumeBindingMode": binding_mode,
        "allowVolumeExpansion": False,
    }
