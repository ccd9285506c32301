"""A server that says everything back that it was sent: in its headers, errors, answers and lists.

``EchoServer.say`` chooses how: ``refuse`` is a 401 that names the key, ``error`` an error event
within a stream, ``answer`` the words of an answer, ``later`` a good first answer and refusals then.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

import orjson

from ..threaded import serving


def _event(**choice: object) -> bytes:
    return b"data: " + orjson.dumps({"choices": [{"index": 0, **choice}]}) + b"\n\n"


def _stream(said: str, finish: str = "stop") -> bytes:
    first = _event(delta={"content": said})
    return first + _event(delta={}, finish_reason=finish) + b"data: [DONE]\n\n"


class _Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    say = "refuse"
    seen: list[str]

    def _heard(self) -> str:
        """Every header of the request in one line."""
        return "; ".join(f"{name}: {value}" for name, value in self.headers.items())

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.send_header("server", f"echo/1 ({self._heard()})")
        self.send_header("www-authenticate", self._heard())
        self.end_headers()
        self.wfile.write(body)

    def _refuse(self) -> None:
        # The key is where a message is cut as well: words before it are as long as what is kept.
        message = f"you sent {self._heard()} " + "x" * 250 + self._heard()
        body = orjson.dumps({"error": {"message": message}})
        self._send(401, "application/json", body)

    def do_GET(self) -> None:
        self.seen.append(self._heard())
        if self.say == "refuse":
            self._refuse()
        else:
            models = {"data": [{"id": "sim"}, {"id": f"m {self._heard()}"}]}
            self._send(200, "application/json", orjson.dumps(models))

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.seen.append(self._heard())
        first = len([line for line in self.seen if "x-request-id" in line]) <= 1
        if self.say == "refuse" or (self.say == "later" and not first):
            self._refuse()
        elif self.say == "error":
            body = b"data: " + orjson.dumps({"error": {"message": self._heard()}}) + b"\n\n"
            self._send(200, "text/event-stream", body)
        elif self.say == "answer":
            self._send(200, "text/event-stream", _stream(self._heard(), f"end {self._heard()}"))
        else:
            self._send(200, "text/event-stream", _stream("well"))


@contextmanager
def echoing(say: str) -> Iterator[tuple[str, list[str]]]:
    """The base URL of one, and the headers of each request that it has seen."""
    seen: list[str] = []
    with serving(type("Echo", (_Echo,), {"say": say, "seen": seen})) as root:
        yield f"{root}/v1", seen
