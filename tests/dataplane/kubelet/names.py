"""Names in a site: its DNS server, and what a pod's `/etc/resolv.conf` and `/etc/hosts` say.

The server is dnsmasq on the nodes, at the tenth address of the block of cluster addresses, where many clusters have
theirs. It knows Services and the pods of headless ones (Kubernetes: "DNS for Services and Pods"), but no SRV records
and nothing outside the cluster.
"""

import contextlib
import ipaddress
import os
import signal
from collections.abc import Container, Iterable, Mapping
from pathlib import Path

from dataplane.kubelet.api import Object
from dataplane.kubelet.cage import Cage, descendants, wait_for
from dataplane.kubelet.errors import KubeletError
from dataplane.kubelet.services import Endpoint, ServiceKey

CLUSTER_DOMAIN = "cluster.local"
_START_SECONDS = 10.0


def server_address(service_range: str) -> str:
    """Return the DNS server's address for a block of cluster addresses."""
    return str(ipaddress.ip_network(service_range)[10])


def records(
    services: Iterable[Object], known: Mapping[ServiceKey, list[Endpoint]], run: Container[str] = frozenset()
) -> str:
    """Return the hosts file for the server: an address and a full name on each line.

    Args:
        services: all of the site.
        known: the endpoints of each.
        run: namespaces whose pods are run here. Other tests' are on the site, too.

    Raises:
        KubeletError: a Service of these namespaces is an alias of a name elsewhere, which this server does not know.
    """
    lines: set[str] = set()
    for service in services:
        namespace, name = service["metadata"]["namespace"], service["metadata"]["name"]
        if service["spec"]["type"] == "ExternalName":
            if namespace in run:
                raise KubeletError(f"service {namespace}/{name}: ExternalName is not known here")
            continue
        domain = f"{name}.{namespace}.svc.{CLUSTER_DOMAIN}"
        if service["spec"].get("clusterIP") not in (None, "", "None"):
            lines.add(f"{service['spec']['clusterIP']} {domain}")
            continue
        for endpoint in known.get((namespace, name), []):
            lines.add(f"{endpoint.address} {domain}")
            host = endpoint.hostname or endpoint.address.replace(".", "-")
            lines.add(f"{endpoint.address} {host}.{domain}")
    return "".join(f"{line}\n" for line in sorted(lines))


class NameServer:
    """The DNS server of a site."""

    def __init__(self, cage: Cage, network: str, address: str, directory: Path) -> None:
        self.address = address
        self._hosts = directory / "dns-hosts"
        self._hosts.write_text("")
        self._log = directory / "dns-log"
        words = [
            "dnsmasq",
            "--keep-in-foreground",
            "--conf-file=/dev/null",
            "--user=root",
            "--pid-file",
            f"--listen-address={address}",
            "--bind-interfaces",
            "--no-resolv",
            "--no-hosts",
            f"--addn-hosts={self._hosts}",
            f"--local=/{CLUSTER_DOMAIN}/",
            # Every answer is this server's own: it asks nobody.
            "--local=//",
            "--local-ttl=5",
            "--log-facility=-",
        ]
        with self._log.open("wb") as log:
            self._process = cage.start(words, network, log)
        # A signal before that would end it.
        wait_for(self._started, _START_SECONDS, lambda: f"dnsmasq does not start: {self._said()}")

    def serve(self, text: str) -> None:
        """Answer from now on what this hosts file says.

        Raises:
            KubeletError: the server has ended.
        """
        if self._process.poll() is not None:
            raise KubeletError(f"dnsmasq ended: {self._said()}")
        if text == self._hosts.read_text():
            return
        self._hosts.write_text(text)
        for pid in descendants(self._process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGHUP)

    def _started(self) -> bool:
        return self._process.poll() is not None or "started, version" in self._said()

    def _said(self) -> str:
        return self._log.read_text(errors="replace")


def resolv_conf(pod: Object, server: str) -> str:
    """Return a pod's `/etc/resolv.conf`.

    Raises:
        KubeletError: the pod wants the node's own, which has none here.
    """
    spec, namespace = pod["spec"], pod["metadata"]["namespace"]
    config = spec.get("dnsConfig", {})
    servers, search, options = list(config.get("nameservers", [])), list(config.get("searches", [])), {}
    if spec.get("dnsPolicy", "ClusterFirst") == "ClusterFirst":
        domain = f"svc.{CLUSTER_DOMAIN}"
        servers = [server, *servers]
        search = [f"{namespace}.{domain}", domain, CLUSTER_DOMAIN, *search]
        options = {"ndots": "5"}
    elif spec["dnsPolicy"] != "None":
        raise KubeletError(f"pod {pod['metadata']['name']}: dnsPolicy {spec['dnsPolicy']} is not known here")
    options |= {each["name"]: each.get("value", "") for each in config.get("options", [])}
    lines = [f"search {' '.join(search)}"] if search else []
    lines += [f"nameserver {each}" for each in servers]
    if options:
        lines.append("options " + " ".join(f"{name}:{value}" if value else name for name, value in options.items()))
    return "".join(f"{line}\n" for line in lines)


def hostname(pod: Object) -> str:
    """Return the name that a pod's host has."""
    return str(pod["spec"].get("hostname") or pod["metadata"]["name"])[:63].rstrip("-.")


def hosts_file(pod: Object) -> str:
    """Return a pod's `/etc/hosts`."""
    spec, address = pod["spec"], pod["status"]["podIP"]
    name = hostname(pod)
    if spec.get("subdomain"):
        name = f"{name}.{spec['subdomain']}.{pod['metadata']['namespace']}.svc.{CLUSTER_DOMAIN}\t{name}"
    lines = ["127.0.0.1\tlocalhost", "::1\tlocalhost ip6-localhost ip6-loopback", f"{address}\t{name}"]
    lines += [f"{each['ip']}\t{' '.join(each['hostnames'])}" for each in spec.get("hostAliases", [])]
    return "".join(f"{line}\n" for line in lines)
