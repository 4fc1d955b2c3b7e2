"""The command line of each part of a simulated control plane."""

from pathlib import Path

from kubefate_pulumi.simulator.ports import LOOPBACK
from kubefate_pulumi.simulator.record import USERS, SiteRecord

FOUNDATION = ("etcd", "kube-apiserver")
CONTROLLERS = ("kube-controller-manager", "kube-scheduler", "kwok")
PARTS = (*FOUNDATION, *CONTROLLERS)

# Nothing of a site has a use for these: no cloud, no real disks to attach, and nodes whose kubelet never fails.
_IDLE_CONTROLLERS = (
    "node-lifecycle-controller",
    "node-ipam-controller",
    "taint-eviction-controller",
    "persistentvolume-attach-detach-controller",
    "persistentvolume-expander-controller",
    "horizontal-pod-autoscaler-controller",
    "certificatesigningrequest-signing-controller",
    "certificatesigningrequest-approving-controller",
    "certificatesigningrequest-cleaner-controller",
    "kube-apiserver-serving-clustertrustbundle-publisher-controller",
    "service-cidr-controller",
    "ttl-controller",
)


def command(part: str, binary: Path, record: SiteRecord, home: Path) -> list[str]:
    """Return the command line of one part.

    Args:
        part: one of `PARTS`.
        binary: the program that holds all parts.
        record: the site.
        home: the site's directory.
    """
    make = {
        "etcd": _etcd,
        "kube-apiserver": _api_server,
        "kube-controller-manager": _controller_manager,
        "kube-scheduler": _scheduler,
        "kwok": _kwok,
    }[part]
    return [str(binary), part, *make(record, home)]


def server_names(record: SiteRecord) -> list[str]:
    """Return the names and addresses that the server certificate is for."""
    return [
        LOOPBACK,
        "localhost",
        record.addresses.api_server,
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local",
    ]


def token_file(record: SiteRecord) -> str:
    """Return the API server's token file."""
    lines = []
    for key, (user, groups) in USERS.items():
        quoted = f',"{",".join(groups)}"' if groups else ""
        lines.append(f"{record.tokens[key]},{user},{key}{quoted}\n")
    return "".join(lines)


def _etcd(record: SiteRecord, home: Path) -> list[str]:
    client = f"https://{LOOPBACK}:{record.ports['etcd']}"
    peer = f"https://{LOOPBACK}:{record.ports['etcd-peer']}"
    pki = home / "pki"
    return [
        f"--name={record.name}",
        f"--data-dir={home / 'data'}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster={record.name}={peer}",
        # Whoever reaches etcd owns the cluster, and other users of this machine reach the loopback address.
        f"--cert-file={pki / 'server.crt'}",
        f"--key-file={pki / 'server.key'}",
        f"--trusted-ca-file={pki / 'ca.crt'}",
        "--client-cert-auth=true",
        f"--peer-cert-file={pki / 'server.crt'}",
        f"--peer-key-file={pki / 'server.key'}",
        f"--peer-trusted-ca-file={pki / 'ca.crt'}",
        "--peer-client-cert-auth=true",
        # A simulated site need not outlive a crash of the machine.
        "--unsafe-no-fsync=true",
        "--log-level=warn",
    ]


def _api_server(record: SiteRecord, home: Path) -> list[str]:
    pki = home / "pki"
    return [
        f"--bind-address={LOOPBACK}",
        f"--advertise-address={LOOPBACK}",
        f"--secure-port={record.ports['kube-apiserver']}",
        f"--tls-cert-file={pki / 'server.crt'}",
        f"--tls-private-key-file={pki / 'server.key'}",
        f"--cert-dir={home / 'data'}",
        f"--etcd-servers=https://{LOOPBACK}:{record.ports['etcd']}",
        f"--etcd-cafile={pki / 'ca.crt'}",
        f"--etcd-certfile={pki / 'etcd-client.crt'}",
        f"--etcd-keyfile={pki / 'etcd-client.key'}",
        f"--token-auth-file={pki / 'tokens.csv'}",
        "--anonymous-auth=false",
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--service-account-key-file={pki / 'service-account.pub'}",
        f"--service-account-signing-key-file={pki / 'service-account.key'}",
        f"--service-cluster-ip-range={record.addresses.service_range}",
        "--allow-privileged=true",
        # The address of the API server is a loopback address, which no endpoint may have.
        "--endpoint-reconciler-type=none",
        # It marks new nodes as not ready until the node lifecycle controller clears them, and there is none.
        "--disable-admission-plugins=TaintNodesByCondition",
        "--profiling=false",
    ]


def _controller_manager(record: SiteRecord, home: Path) -> list[str]:
    pki = home / "pki"
    disabled = ",".join(f"-{name}" for name in _IDLE_CONTROLLERS)
    return [
        f"--kubeconfig={home / 'controller-manager.kubeconfig'}",
        f"--controllers=*,{disabled}",
        "--use-service-account-credentials=true",
        f"--service-account-private-key-file={pki / 'service-account.key'}",
        f"--root-ca-file={pki / 'ca.crt'}",
        f"--service-cluster-ip-range={record.addresses.service_range}",
        "--leader-elect=false",
        "--secure-port=0",
        "--profiling=false",
    ]


def _scheduler(record: SiteRecord, home: Path) -> list[str]:  # noqa: ARG001 (all parts are called alike)
    return [
        f"--kubeconfig={home / 'scheduler.kubeconfig'}",
        "--leader-elect=false",
        "--secure-port=0",
        "--profiling=false",
    ]


def _kwok(record: SiteRecord, home: Path) -> list[str]:
    return [
        f"--kubeconfig={home / 'kwok.kubeconfig'}",
        f"--config={home / 'stages.yaml'}",
        "--manage-all-nodes=true",
        f"--cidr={record.addresses.pod_range}",
        f"--node-ip={record.addresses.node(1)}",
        # Leases serve the node lifecycle controller only.
        "--node-lease-duration-seconds=0",
    ]
