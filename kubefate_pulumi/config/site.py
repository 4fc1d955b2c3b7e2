"""Where a unit runs, and how its router is reached: the part that exchange and parties have in common."""

from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, model_validator

from kubefate_pulumi.config.errors import Wrong
from kubefate_pulumi.config.fields import (
    Annotations,
    Cidr,
    FilePath,
    Host,
    Many,
    Model,
    Port,
    Text,
    empty_as_mapping,
)
from kubefate_pulumi.fate.ports import ROUTER_OUTER_CONTROL, ROUTER_OUTER_DATA

NODE_PORTS: Final = range(30000, 32768)
"""Kubernetes' default range of node ports."""


class KubernetesSite(Model):
    """An existing Kubernetes cluster."""

    context: Text | None = Field(
        None,
        description="Context of the kubeconfig. Default: its current context.",
        examples=["party-9999"],
    )
    kubeconfig: FilePath | None = Field(
        None,
        description="Path of a kubeconfig file, relative to the directory of this file; `~` is the home "
        "directory. Never its content. Default: $KUBECONFIG, else `~/.kube/config`.",
        examples=["~/.kube/party-9999.yaml"],
    )
    identifier: Text | None = Field(
        None,
        description="What the cluster is called in the stack's state. While it stays the same, a new address "
        "or credential of the cluster replaces nothing. Default: made from the context.",
        examples=["cluster-a"],
    )

    def kubeconfig_path(self, base: Path) -> Path | None:
        """Return the kubeconfig's path, or None when the file names none.

        Args:
            base: the directory of the file that holds this site.
        """
        return None if self.kubeconfig is None else base / Path(self.kubeconfig).expanduser()


def _or_null(schema: dict[str, Any]) -> None:
    """Say in the JSON Schema that the key may stand alone."""
    schema["anyOf"] = [{"$ref": schema.pop("$ref")}, {"type": "null"}]


class Site(Model):
    """Where a unit runs: exactly one kind of site."""

    kubernetes: Annotated[KubernetesSite, BeforeValidator(empty_as_mapping)] = Field(
        description="An existing Kubernetes cluster. Without further keys: the current context of the "
        "default kubeconfig.",
        json_schema_extra=_or_null,
    )


class Exposure(Model):
    """How the unit's router is reached from outside its cluster."""

    type: Literal["LoadBalancer", "NodePort", "ClusterIP"] | None = Field(
        None, description="Type of the public Service. Default: `LoadBalancer`.", examples=["LoadBalancer"]
    )
    address: Host | None = Field(
        None,
        description="IP address or DNS name that the peers use. Needed with `NodePort` and `ClusterIP`. "
        "Default: the address that the load balancer reports.",
        examples=["192.0.2.10"],
    )
    control_port: Port | None = Field(
        None,
        description="TCP port of the control path; with `NodePort` the node's port. Default: 9443.",
        examples=[9443],
    )
    data_port: Port | None = Field(
        None,
        description="TCP port of the data path; with `NodePort` the node's port. Default: 6651.",
        examples=[6651],
    )
    load_balancer_ip: Host | None = Field(
        None, description="Address to ask the load balancer for. Default: any.", examples=["192.0.2.10"]
    )
    load_balancer_class: Text | None = Field(
        None,
        description="Class of the load balancer. Default: the cluster's.",
        examples=["service.example.org/external"],
    )
    annotations: Annotations | None = Field(
        None,
        description="Further annotations of the Service, as the maker of the load balancer documents them. "
        "Default: none.",
        examples=[{"service.example.org/internal": "true"}],
    )
    source_ranges: Many[Cidr] | None = Field(
        None,
        description="CIDRs that may connect. Default: all.",
        examples=[["192.0.2.0/24"]],
    )

    @property
    def ports(self) -> tuple[int, int]:
        """The ports that peers connect to, for control and data: those given, else the router's own."""
        control = ROUTER_OUTER_CONTROL if self.control_port is None else self.control_port
        return control, ROUTER_OUTER_DATA if self.data_port is None else self.data_port

    @model_validator(mode="after")
    def _fits_together(self) -> "Exposure":
        if self.type in {"NodePort", "ClusterIP"}:
            self._check_no_balancer(self.type)
        if self.type == "NodePort":
            self._check_node_ports()
        if self.ports[0] == self.ports[1]:
            name, other = ("control_port", "data_port") if self.data_port is None else ("data_port", "control_port")
            raise Wrong(f"is the same port as {other}", "Give each path its own port.", at=(name,))
        return self

    def _check_node_ports(self) -> None:
        for name in ("control_port", "data_port"):
            port = getattr(self, name)
            remedy = f"Choose one from {NODE_PORTS.start} to {NODE_PORTS.stop - 1}."
            if port is None:
                raise Wrong(f"needs {name} with type NodePort", remedy)
            if port not in NODE_PORTS:
                raise Wrong("is not a node port", remedy, at=(name,))

    def _check_no_balancer(self, kind: str) -> None:
        if self.address is None:
            remedy = "Add address: the IP address or DNS name at which peers reach the router."
            raise Wrong(f"needs an address: a Service of type {kind} reports none", remedy)
        for name in ("load_balancer_ip", "load_balancer_class"):
            if getattr(self, name) is not None:
                remedy = "Take it out, or use type LoadBalancer."
                raise Wrong(f"has no effect on a Service of type {kind}", remedy, at=(name,))
