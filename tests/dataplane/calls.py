"""Calls as a federation's programs make them, from inside a pod."""

import http.client
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dataplane.kubelet.pod import Pod
from dataplane.kubelet.site import Site

from kubefate_pulumi.fate.profile import load_profile

PATIENCE = 20.0
GRPC_PATH = f"/{load_profile('1.11.2').grpc_service}/unaryCall"


@dataclass(frozen=True)
class Answer:
    """What came back: a status, and the JSON document if there was one."""

    status: int
    document: Mapping[str, Any]


def cluster_address(site: Site, namespace: str, service: str) -> str:
    """Return the cluster address of a Service, as the API server has it."""
    (found,) = (each for each in site.api.services(namespace) if each["metadata"]["name"] == service)
    return str(found["spec"]["clusterIP"])


def submit(caller: Pod, address: str, port: int, headers: Mapping[str, str], body: bytes = b"{}") -> Answer:
    """Send a request by HTTP from a pod."""

    def call() -> Answer:
        connection = http.client.HTTPConnection(address, port, timeout=PATIENCE)
        try:
            connection.request("POST", "/v1/party/x", body, dict(headers))
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        return Answer(answer.status, json.loads(text) if answer.status == http.client.OK else {})

    return caller.within(call)


_GRPC_CLIENT = """
import json, sys
import grpc
address, path, metadata = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
with grpc.insecure_channel(address) as channel:
    call = channel.unary_unary(path)
    try:
        answer = json.loads(call(b"", metadata=list(metadata.items()), timeout=10))
        print(json.dumps(["OK", answer]))
    except grpc.RpcError as error:
        print(json.dumps([error.code().name, {}]))
"""


def call_grpc(caller: Pod, address: str, port: int, metadata: Mapping[str, str]) -> tuple[str, Mapping[str, Any]]:
    """Call by gRPC, with gRPC's own client in the caller's container; return the status' name and what was answered."""
    words = ("python", "-c", _GRPC_CLIENT, f"{address}:{port}", GRPC_PATH, json.dumps(dict(metadata)))
    status, document = json.loads(caller.container().execute(*words, seconds=PATIENCE))
    return status, document


def reaches(caller: Pod, address: str, port: int) -> bool:
    """Tell whether a TCP connection can be opened from a pod."""

    def call() -> bool:
        try:
            socket.create_connection((address, port), timeout=3).close()
        except OSError:
            return False
        return True

    return caller.within(call)
