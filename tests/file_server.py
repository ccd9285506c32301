"""A server that answers every POST with the bytes of a file, and keeps what it was asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from .threaded import serving


@dataclass
class Asked:
    """Where it listens, and (path, body) of each request."""

    url: str
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)


@contextmanager
def file_server(answer: bytes) -> Iterator[Asked]:
    """Serve head and body as they are on a port of its own until the block ends."""
    asked = Asked("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            asked.requests.append((self.path, body))
            self.wfile.write(answer)

    with serving(Handler) as root:
        asked.url = root
        yield asked
