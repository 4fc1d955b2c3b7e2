"""Endpoints: what others must know of a unit before its workloads exist."""

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi_kubernetes import core

from kubefate_pulumi.components import defaults
from kubefate_pulumi.components.args import EndpointArgs, ExposureArgs, PartyEndpointArgs
from kubefate_pulumi.components.credentials import CertificateAuthority
from kubefate_pulumi.components.unit import cluster_labels, federation_facts, scope_of
from kubefate_pulumi.fate import ports
from kubefate_pulumi.fate.model import EXCHANGE, FederationFacts
from kubefate_pulumi.fate.names import ROUTER, default_namespace, public_service
from kubefate_pulumi.kubernetes.fields import Fields
from kubefate_pulumi.kubernetes.metadata import SKIP_AWAIT, WAIT_FOR, pod_security_labels
from kubefate_pulumi.kubernetes.scope import Scope

LOAD_BALANCER_ADDRESS = "jsonpath={.status.loadBalancer.ingress}"
PLAIN_PORTS = (
    {"name": "plain-http", "port": ports.KUBEFATE_HTTP, "target_port": ports.ROUTER_PLAIN_HTTP, "protocol": "TCP"},
    {"name": "plain-grpc", "port": ports.KUBEFATE_GRPC, "target_port": ports.ROUTER_PLAIN_GRPC, "protocol": "TCP"},
)


class _Endpoint(pulumi.ComponentResource):
    """Namespace, public Service and certificate authority of one unit."""

    namespace: pulumi.Output[str]
    """Name of the namespace."""
    host: pulumi.Output[str]
    """IP address or DNS name at which peers reach the unit."""
    ca_certificate: pulumi.Output[str]
    """Certificate of the unit's authority, PEM."""
    ca_private_key: pulumi.Output[str]
    """Private key of the unit's authority, a secret."""
    peer: pulumi.Output[dict[str, Any]]
    """The peer document: what the other units may know, and nothing secret."""

    def _build(self, name: str, unit: str, profile: tuple[str, str], args: EndpointArgs) -> None:
        federation = federation_facts(args["federation"])
        opts = pulumi.ResourceOptions(parent=self)
        exposure = args.get("exposure", {})
        self.control_port, self.data_port = public_ports(exposure)
        namespace = core.v1.Namespace(
            f"{name}-namespace",
            metadata={
                "name": args.get("namespace", default_namespace(unit)),
                "labels": {**cluster_labels(unit, federation), **pod_security_labels(*profile)},
            },
            opts=opts,
        )
        # Without an annotation on the class: for Python only, no output of the component.
        self.namespace_resource = namespace
        self.namespace = namespace.metadata["name"]
        scope = scope_of(name, unit, federation, self.namespace)
        service = _public_service(scope, public_service(unit), exposure, opts, plain=args.get("plain", False))
        self.host = _host(service, exposure)
        self._authority(name, unit, federation, args, opts)
        self.peer = self._peer_document(unit, federation)
        self.register_outputs(
            {
                "namespace": self.namespace,
                "host": self.host,
                "ca_certificate": self.ca_certificate,
                "ca_private_key": self.ca_private_key,
                "peer": self.peer,
            }
        )

    def _authority(
        self,
        name: str,
        unit: str,
        federation: FederationFacts,
        args: EndpointArgs,
        opts: pulumi.ResourceOptions,
    ) -> None:
        if "ca_certificate" in args and "ca_private_key" in args:
            self.ca_certificate = pulumi.Output.from_input(args["ca_certificate"])
            self.ca_private_key = pulumi.Output.secret(args["ca_private_key"])
            return
        authority = CertificateAuthority(f"{name}-ca", f"ca.{federation.dns_name(unit)}", opts=opts)
        self.ca_certificate, self.ca_private_key = authority.certificate, authority.private_key

    def _peer_document(self, unit: str, federation: FederationFacts) -> pulumi.Output[dict[str, Any]]:
        document = {
            "unit": unit,
            "federation": federation.name,
            "domain": federation.domain,
            "fate_version": federation.fate_version,
            "endpoint": {
                "host": self.host,
                "control_port": self.control_port,
                "data_port": self.data_port,
            },
            "ca_certificate": self.ca_certificate,
        }
        whole: pulumi.Output[dict[str, Any]] = pulumi.Output.from_input(document)
        return whole


def public_ports(exposure: ExposureArgs) -> tuple[int, int]:
    """Return the ports that peers use: control path, data path."""
    return (
        int(exposure.get("control_port", defaults.CONTROL_PORT)),
        int(exposure.get("data_port", defaults.DATA_PORT)),
    )


def _public_service(
    scope: Scope, name: str, exposure: ExposureArgs, opts: pulumi.ResourceOptions, *, plain: bool
) -> core.v1.Service:
    """Register the Service that peers reach. It waits for its address only, never for a workload."""
    kind = exposure.get("type", "LoadBalancer")
    wait = {WAIT_FOR: LOAD_BALANCER_ADDRESS} if kind == "LoadBalancer" else {SKIP_AWAIT: "true"}
    spec: Fields = {
        "type": kind,
        "selector": scope.selector(ROUTER),
        "ports": [*_service_ports(kind, exposure), *(PLAIN_PORTS if plain else ())],
        **_load_balancer_fields(kind, exposure),
    }
    return core.v1.Service(
        scope.resource_name("public-service"),
        metadata=scope.metadata(ROUTER, name, {**wait, **exposure.get("annotations", {})}),
        spec=spec,
        opts=scope.child_options(opts),
    )


def _service_ports(kind: str, exposure: ExposureArgs) -> list[Mapping[str, Any]]:
    control, data = public_ports(exposure)
    pairs = (("control", control, ports.ROUTER_OUTER_CONTROL), ("data", data, ports.ROUTER_OUTER_DATA))
    if kind == "NodePort":
        return [
            {"name": name, "port": target, "target_port": target, "node_port": public, "protocol": "TCP"}
            for name, public, target in pairs
        ]
    return [{"name": name, "port": public, "target_port": target, "protocol": "TCP"} for name, public, target in pairs]


def _load_balancer_fields(kind: str, exposure: ExposureArgs) -> Mapping[str, Any]:
    if kind != "LoadBalancer":
        return {}
    fields = {
        "load_balancer_ip": exposure.get("load_balancer_ip"),
        "load_balancer_class": exposure.get("load_balancer_class"),
        "load_balancer_source_ranges": exposure.get("source_ranges"),
    }
    return {name: value for name, value in fields.items() if value is not None}


def _host(service: core.v1.Service, exposure: ExposureArgs) -> pulumi.Output[str]:
    """Return the address that peers use: the one given, or else the one that the load balancer reports."""
    if "address" in exposure:
        return pulumi.Output.from_input(exposure["address"])
    return service.status.apply(load_balancer_host)


def load_balancer_host(status: Any) -> str:  # noqa: ANN401 - the SDK's output type, large and slow to import
    """Return the first address, or else the first host name, of a Service's status."""
    entry = status.load_balancer.ingress[0]
    return str(entry.ip or entry.hostname)


class PartyEndpoint(_Endpoint):
    """A party's namespace, its router's public Service and its certificate authority.

    The Service is `nginx-public`; `nginx` is the router as the party's own programs see it. Pod Security
    `baseline` is enforced: the images of KubeFATE run as root.
    """

    def __init__(self, name: str, args: PartyEndpointArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        unit = str(int(args["party_id"]))
        super().__init__("kubefate:index:PartyEndpoint", name, {"unit": unit}, opts)
        self._build(name, unit, ("baseline", "restricted"), args)


class ExchangeEndpoint(_Endpoint):
    """The exchange's namespace, its router's public Service `nginx` and its certificate authority.

    Pod Security `restricted` is enforced: nothing but the router runs there.
    """

    def __init__(self, name: str, args: EndpointArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kubefate:index:ExchangeEndpoint", name, {"unit": EXCHANGE}, opts)
        self._build(name, EXCHANGE, ("restricted", "restricted"), args)
