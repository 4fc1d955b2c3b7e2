"""One HTTP request over a connection that is already there."""

import http.client
import json
import socket
from collections.abc import Mapping
from typing import Any

from kubefate_pulumi.verify.model import CheckError


def request(
    connection: socket.socket,
    method: str,
    path: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
) -> tuple[int, bytes]:
    """Send a request; return status and body.

    Raises:
        CheckError: there was no answer.
    """
    caller = http.client.HTTPConnection("localhost", timeout=connection.gettimeout())
    caller.sock = connection
    try:
        caller.request(method, path, body=body, headers=dict(headers or {}))
        answer = caller.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise CheckError(f"no answer: {error or type(error).__name__}", "Look into the log of the pod.") from None


def json_answer(answer: tuple[int, bytes], what: str) -> Any:  # noqa: ANN401 - JSON
    """Return the JSON document of an answer with status 200.

    Raises:
        CheckError: it is none.
    """
    status, body = answer
    if status != http.client.OK:
        raise CheckError(f"{what} answers {status}", "Look into the log of the pod.")
    try:
        return json.loads(body)
    except ValueError:
        raise CheckError(f"{what} answers no JSON", "Look into the log of the pod.") from None
