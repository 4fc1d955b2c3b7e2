"""Pulsar: the queues between parties. FATE Flow and Spark workers connect inside; peers come through the router."""

import pulumi

from kubefate_pulumi.components.internal_trust import InternalTrust
from kubefate_pulumi.components.unit import Unit
from kubefate_pulumi.fate import ports, pulsar
from kubefate_pulumi.kubernetes import objects
from kubefate_pulumi.kubernetes.metadata import content_hash
from kubefate_pulumi.kubernetes.probes import http, probes, tcp
from kubefate_pulumi.kubernetes.security import RunAs
from kubefate_pulumi.kubernetes.workload import Container, Mount, Pod, stateful_set

PART = "pulsar"
SERVICE_PORTS = {
    "http-port": ports.PULSAR,
    "https-port": ports.PULSAR_TLS,
    "mng-port": ports.PULSAR_ADMIN,
    "mngs-port": ports.PULSAR_ADMIN_TLS,
}
"""Names and numbers as in the chart, also where the name misleads."""

PULSAR_GROUP = RunAs(group=0)
"""The image runs as its own user in group 0 (apache/pulsar#13376), which must own the volume."""

MEMORY_OPTIONS = "-Xms2g -Xmx2g -XX:MaxDirectMemorySize=4g"
"""Java's memory; with 2 GiB for the rest, it is what the part asks for by default."""

CERTIFICATE_KEYS = {"tls.crt": pulsar.CERT_KEY, "tls.key": pulsar.PRIVATE_KEY_KEY, "ca.crt": pulsar.CA_KEY}


class Pulsar(pulumi.ComponentResource):
    """One standalone broker, published by nothing; its TLS trusts the party's internal authority only."""

    def __init__(
        self,
        name: str,
        unit: Unit,
        internal: InternalTrust,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("kubefate:index:Pulsar", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        conf = {pulsar.STANDALONE_CONF: pulsar.standalone_conf(unit.federation, unit.party_id)}
        conf_path = f"{unit.profile.paths['pulsar_conf']}/{pulsar.STANDALONE_CONF}"
        # Pulsar reads RSA keys only (2.10 and 3.0: `SecurityUtility.loadPrivateKeyFromPemStream`).
        leaf = internal.leaf(name, [unit.dns_name, PART, "localhost"], child, key_type="rsa")
        certificates = {CERTIFICATE_KEYS[key]: value for key, value in leaf.items()}
        objects.config_map(unit.scope, PART, "pulsar-config", conf, child)
        objects.secret(unit.scope, PART, "pulsar-cert", certificates, child)
        objects.service(unit.scope, PART, PART, SERVICE_PORTS, child)
        container = Container(
            PART,
            unit.image(PART),
            unit.resources[PART],
            ports=SERVICE_PORTS,
            command=pulsar.START_COMMAND,
            env=[objects.plain("PULSAR_MEM", MEMORY_OPTIONS)],
            mounts=[
                Mount("pulsar-confs", conf_path, sub_path=pulsar.STANDALONE_CONF),
                Mount("pulsar-cert", pulsar.CERTS),
                Mount("pulsar-data", unit.profile.paths["pulsar_data"], read_only=False),
            ],
            # The port is open also when a broker's TLS does not work, and then this does not answer.
            probes=probes(
                http(ports.PULSAR_ADMIN, pulsar.HEALTH_PATH),
                liveness=tcp(ports.PULSAR_ADMIN),
                startup_seconds=600,
                timeout_seconds=10,
            ),
        )
        pod = Pod(
            containers=[container],
            volumes={
                "pulsar-confs": {"config_map": {"name": "pulsar-config"}},
                "pulsar-cert": {"secret": {"secret_name": "pulsar-cert", "default_mode": 0o440}},
            },
            content_hash=content_hash(conf),
            run_as=PULSAR_GROUP,
            # The broker's own client calls it by the name that its certificate has.
            host_aliases={"127.0.0.1": [unit.dns_name]},
        )
        stateful_set(unit.scope, PART, pod, child, service=PART, claims=[unit.claim("pulsar", "pulsar-data")])
        self.register_outputs({})
