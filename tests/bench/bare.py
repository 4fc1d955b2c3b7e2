"""Writes a bare Pulumi program that registers the same resources as a plan, from literals."""

import keyword
import re
from collections.abc import Mapping
from typing import Any

from plan.recorder import Plan, Registration

HEAD = """\
import pulumi
import pulumi_kubernetes
from pulumi.dynamic import Resource, ResourceProvider
from pulumi_kubernetes import apps, core, networking, policy


class Generated(ResourceProvider):
    serialize_as_secret_always = False


class CertificateAuthority(Resource, module="kubefate", name="CertificateAuthority"):
    pass


class Certificate(Resource, module="kubefate", name="Certificate"):
    pass


class Password(Resource, module="kubefate", name="Password"):
    pass


made = {"": None}
generated = Generated()
"""


def bare_program(plan: Plan) -> str:
    """Return the program's text."""
    return HEAD + "".join(_statement(item) for item in plan.registrations)


def _statement(item: Registration) -> str:
    parent = "" if item.parent.endswith("::kubefate-federation") else item.parent
    opts = f"pulumi.ResourceOptions(parent=made.get({parent!r}))"
    if not item.custom:
        return f"made[{item.urn!r}] = pulumi.ComponentResource({item.type!r}, {item.name!r}, None, {opts})\n"
    if item.type.startswith("pulumi-python:dynamic"):
        kind = item.type.rsplit(":", 1)[-1]
        return f"{kind}(generated, {item.name!r}, {_dynamic(item)!r}, {opts})\n"
    if item.type == "pulumi:providers:kubernetes":
        return f"pulumi_kubernetes.Provider({item.name!r}, context={item.inputs.get('context')!r}, opts={opts})\n"
    group, kind = item.type.removeprefix("kubernetes:").split(":")
    path, version = group.split("/")
    fields = {_snake(key): value for key, value in item.inputs.items() if key not in {"apiVersion", "kind"}}
    arguments = ", ".join(f"{key}={value!r}" for key, value in fields.items())
    return f"{path.split('.')[0]}.{version}.{kind}({item.name!r}, {arguments}, opts={opts})\n"


def _dynamic(item: Registration) -> Mapping[str, Any]:
    outputs = {"certificate": None, "private_key": None} if "Certificate" in item.type else {"result": None}
    return {**item.inputs, **outputs}


def _snake(name: str) -> str:
    snake = re.sub(r"(?<=[a-z])([A-Z])", r"_\1", name).lower()
    return f"{snake}_" if keyword.iskeyword(snake) else snake
