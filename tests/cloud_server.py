"""A server that answers every POST with a short stream and keeps what it was asked; TLS if wanted.

``busy`` requests are answered 429 first. It runs on threads in the process of the test.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson


class CloudServer:
    """What was asked: path with query, headers by lower-case name, body."""

    def __init__(self, busy: int = 0, retry_after: str = "") -> None:
        self.paths: list[str] = []
        self.headers: list[Mapping[str, str]] = []
        self.bodies: list[Any] = []
        self.busy = busy
        self.retry_after = retry_after
        self.lock = threading.Lock()
        self.port = 0

    def url(self, path: str = "/v1", scheme: str = "http", host: str = "127.0.0.1") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers.get("content-length") or 0)
        body = handler.rfile.read(length)
        with self.lock:
            self.paths.append(handler.path)
            self.headers.append({name.lower(): value for name, value in handler.headers.items()})
            self.bodies.append(orjson.loads(body))
            busy = len(self.paths) > 1 and self.busy > 0
            self.busy -= busy
        if busy:
            handler.send_response(429)
            handler.send_header("retry-after", self.retry_after)
            handler.send_header("content-length", "2")
            handler.end_headers()
            handler.wfile.write(b"{}")
            return
        handler.send_response(200)
        handler.send_header("content-type", "text/event-stream")
        handler.send_header("content-length", str(len(STREAM)))
        handler.end_headers()
        handler.wfile.write(STREAM)


def _event(delta: dict[str, str], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return b"data: " + orjson.dumps({"choices": [choice]}) + b"\n\n"


STREAM = b"".join(
    [
        _event({"content": "one "}),
        _event({"content": "two"}),
        _event({}, "stop"),
        b"data: [DONE]\n\n",
    ]
)


@contextmanager
def serving(
    server: CloudServer, context: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> Iterator[CloudServer]:
    """Serve until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            server.answer(self)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A handshake that fails is what some tests are about."""

    with Quiet((host, server.port), Handler) as listener:
        if context is not None:
            listener.socket = context.wrap_socket(
                listener.socket, server_side=True, do_handshake_on_connect=False
            )
        server.port = listener.server_address[1]
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            listener.shutdown()
            thread.join()
