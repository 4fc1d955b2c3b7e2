"""Runs a Pulumi program in this process and records every registration, as the engine would receive it."""

import asyncio
import base64
import contextlib
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dill
import pulumi
from pulumi.runtime import mocks, rpc
from pulumi.runtime.settings import reset_options
from pulumi.runtime.stack import run_pulumi_func

ENGINE_FIELDS = ("__defaults", "__provider")


@dataclass(frozen=True)
class Registration:
    """One resource as it was registered: `inputs` in clear, `visible` as text in which secrets are masked."""

    urn: str
    type: str
    name: str
    custom: bool
    inputs: Mapping[str, Any]
    visible: str
    parent: str
    provider: str
    dependencies: frozenset[str]

    @property
    def is_object(self) -> bool:
        return self.type.startswith("kubernetes:")

    @property
    def kind(self) -> str:
        return self.type.rsplit(":", 1)[-1]

    @property
    def object_name(self) -> str:
        return str(self.inputs["metadata"]["name"])

    @property
    def namespace(self) -> str:
        return str(self.inputs["metadata"].get("namespace", self.object_name))


class _Site(mocks.Mocks):
    """Answers as a site would: load balancers have addresses, dynamic resources run their real providers."""

    def __init__(self) -> None:
        self.addresses: dict[str, str] = {}
        self.generated: dict[str, dict[str, Any]] = {}

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], None]:
        raise AssertionError(f"the program called {args.token}")

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        inputs = dict(args.inputs)
        if args.typ.startswith("pulumi-python:dynamic"):
            provider = dill.loads(base64.b64decode(rpc.unwrap_rpc_secret(inputs.pop("__provider"))))  # noqa: S301 - our own
            props = {key: rpc.unwrap_rpc_secret(value) for key, value in inputs.items()}
            self.generated[args.name] = provider.create(props).outs
            return f"{args.name}-id", dict(self.generated[args.name])
        if args.typ == "kubernetes:core/v1:Service" and inputs["spec"]["type"] == "LoadBalancer":
            address = self.addresses.setdefault(args.name, f"192.0.2.{len(self.addresses) + 1}")
            inputs["status"] = {"loadBalancer": {"ingress": [{"ip": address}]}}
        return f"{args.name}-id", inputs


class _Recorder(mocks.MockMonitor):
    def __init__(self, site: _Site) -> None:
        super().__init__(site)
        self.requests: dict[str, Any] = {}

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """Return the URN with the whole chain of parent types, as the engine makes it."""
        chain = parent.split("::")[2] if parent else ""
        qualified = f"{chain}${type_}" if chain and chain != "pulumi:pulumi:Stack" else type_
        return f"urn:pulumi:stack::project::{qualified}::{name}"

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - gRPC
        try:
            response = super().RegisterResource(request)
        finally:
            _close_loop_of_this_thread()
        if request.type != "pulumi:pulumi:Stack":
            assert response.urn not in self.requests, f"registered twice: {response.urn}"
            self.requests[response.urn] = request
        return response


def _close_loop_of_this_thread() -> None:
    """Close the event loop that the SDK's mocks open in each of their worker threads and never close."""
    if threading.current_thread() is threading.main_thread():
        return
    with contextlib.suppress(RuntimeError):  # There is none.
        asyncio.get_event_loop().close()
        asyncio.set_event_loop(None)


@dataclass(frozen=True)
class Plan:
    """All registrations of one run, in order, and the stack's outputs in clear."""

    registrations: tuple[Registration, ...]
    outputs: Mapping[str, Any]
    addresses: Mapping[str, str]
    generated: Mapping[str, Mapping[str, Any]]

    def objects(self, namespace: str) -> list[Registration]:
        return [r for r in self.registrations if r.is_object and r.namespace == namespace]

    def object(self, namespace: str, kind: str, name: str) -> Registration:
        found = [r for r in self.objects(namespace) if (r.kind, r.object_name) == (kind, name)]
        assert len(found) == 1, f"{len(found)} objects {kind}/{name} in {namespace}"
        return found[0]


def _plain(value: Any, masked: str | None = None) -> Any:
    """Return an engine's value as plain data: secrets in clear, or as the mask, and whole numbers whole again."""
    if rpc.is_rpc_secret(value):
        return _plain(rpc.unwrap_rpc_secret(value)) if masked is None else masked
    if isinstance(value, dict):
        return {key: _plain(item, masked) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, masked) for item in value]
    # The engine knows no integers.
    return int(value) if isinstance(value, float) and value.is_integer() else value


def record(
    program: Callable[[], None], config: Mapping[str, str] | None = None, secret_keys: Sequence[str] = ()
) -> Plan:
    """Run a program; return what it registered. Exceptions of the program pass through."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    site = _Site()
    monitor = _Recorder(site)
    reset_options()
    try:
        pulumi.runtime.set_all_config(dict(config or {}), list(secret_keys))
        mocks.set_mocks(site, project="kubefate", stack="federation", preview=False, monitor=monitor)
        outputs: dict[str, Any] = {}

        async def run() -> None:
            program()
            root = pulumi.runtime.get_root_resource()
            for key, value in root.outputs.items():
                outputs[key] = await pulumi.Output.from_input(value).future()

        async def main() -> None:
            await run_pulumi_func(run)

        loop.run_until_complete(main())
        registrations = tuple(_registration(urn, request) for urn, request in monitor.requests.items())
        return Plan(registrations, outputs, site.addresses, site.generated)
    finally:
        pulumi.runtime.set_all_config({})
        reset_options()
        loop.close()
        asyncio.set_event_loop(None)


def _registration(urn: str, request: Any) -> Registration:
    given = rpc.deserialize_properties(request.object)
    inputs = _plain(given)
    return Registration(
        urn=urn,
        type=request.type,
        name=request.name,
        custom=request.custom,
        inputs={key: value for key, value in inputs.items() if key not in ENGINE_FIELDS},
        visible=json.dumps(_plain(given, "[secret]")),
        parent=request.parent,
        provider=request.provider,
        dependencies=frozenset(request.dependencies),
    )
