"""As much of a Kubernetes client as it takes to set a site up."""

import http.client
import json
import ssl
from pathlib import Path
from typing import Any

from kubefate_pulumi.simulator.errors import SimulatorError
from kubefate_pulumi.simulator.ports import LOOPBACK
from kubefate_pulumi.simulator.record import SiteRecord

Json = dict[str, Any]

TIMEOUT_SECONDS = 20


class ApiClient:
    """Speaks JSON to one site's API server as its administrator."""

    def __init__(self, record: SiteRecord, ca_file: Path) -> None:
        self._record = record
        self._tls = ssl.create_default_context(cafile=str(ca_file))

    def request(self, method: str, path: str, body: Json | None = None) -> tuple[int, bytes]:
        """Send one request; return status code and body.

        Raises:
            OSError: nobody answers.
        """
        connection = http.client.HTTPSConnection(
            LOOPBACK, self._record.ports["kube-apiserver"], timeout=TIMEOUT_SECONDS, context=self._tls
        )
        headers = {
            "Authorization": f"Bearer {self._record.tokens['admin']}",
            "Accept": "application/json",
            "Content-Type": "application/json",
        }
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            response = connection.getresponse()
            return response.status, response.read()
        except http.client.HTTPException as error:
            raise ConnectionError(str(error)) from error
        finally:
            connection.close()

    def ready(self) -> bool:
        """Tell whether the API server says that it is ready."""
        try:
            status, _ = self.request("GET", "/readyz")
        except OSError:
            return False
        return status == http.HTTPStatus.OK

    def get(self, path: str) -> Json | None:
        """Return an object or a list, or None when it does not exist."""
        status, body = self.request("GET", path)
        if status == http.HTTPStatus.NOT_FOUND:
            return None
        return self._parsed(status, body, f"GET {path}")

    def create(self, path: str, body: Json) -> None:
        """Create an object unless one of that name exists."""
        status, answer = self.request("POST", path, body)
        if status != http.HTTPStatus.CONFLICT:
            self._parsed(status, answer, f"POST {path}")

    def _parsed(self, status: int, body: bytes, what: str) -> Json:
        if status >= http.HTTPStatus.BAD_REQUEST:
            text = body.decode(errors="replace")[:500]
            raise SimulatorError(f"Site {self._record.name}: {what} was answered with {status}: {text}")
        parsed: Json = json.loads(body)
        return parsed
