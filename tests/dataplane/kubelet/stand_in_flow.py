"""Runs in place of FATE Flow: answers with what it was asked, by HTTP and by gRPC. No FATE here."""

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc

HTTP_PORT, GRPC_PORT = 9380, 9360
ADDRESS = os.environ["POD_IP"]


class Echo(BaseHTTPRequestHandler):
    """Says in JSON what came: method, path, party headers and the size of the body."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        size = sum(len(chunk) for chunk in self._chunks())
        known = {name: self.headers.get_all(name) for name in ("src-party-id", "dest-party-id", "src_party_id")}
        self._answer({"pod": ADDRESS, "path": self.path, "bytes": size, "headers": known})

    do_GET = do_POST  # noqa: N815 - the name that the base class looks for

    def _chunks(self) -> Iterator[bytes]:
        if self.headers.get("Transfer-Encoding") != "chunked":
            left = int(self.headers.get("Content-Length", 0))
            while left > 0 and (chunk := self.rfile.read(min(left, 65536))):
                left -= len(chunk)
                yield chunk
            return
        while size := int(self.rfile.readline(), 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def _answer(self, document: object) -> None:
        text = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


class AnyMethod(grpc.GenericRpcHandler):
    """Answers every unary call with the call's metadata."""

    def service(self, details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[bytes, bytes]":
        def answer(request: bytes, context: grpc.ServicerContext) -> bytes:
            del context
            known = {key: str(value) for key, value in details.invocation_metadata if key.endswith("party-id")}
            about = {"pod": ADDRESS, "method": details.method, "bytes": len(request), "headers": known}
            return json.dumps(about).encode()

        return grpc.unary_unary_rpc_method_handler(answer)


def main() -> None:
    server = grpc.server(ThreadPoolExecutor(4), handlers=[AnyMethod()], options=[("grpc.so_reuseport", 0)])
    server.add_insecure_port(f"{ADDRESS}:{GRPC_PORT}")
    server.start()
    print(f"stand-in FATE Flow on {ADDRESS}", flush=True)
    ThreadingHTTPServer((ADDRESS, HTTP_PORT), Echo).serve_forever()


main()
