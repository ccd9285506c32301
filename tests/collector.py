"""A collector of OTLP/HTTP that reads with OpenTelemetry's own messages, and says what it is told.

Rule: it shares no code with what sends to it.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from .threaded import serving

Answer = tuple[int, dict[str, str], bytes]
"""Status, headers, body."""
TAKEN: Answer = (200, {}, b"{}")
_BYTES = ("traceId", "spanId", "parentSpanId")


@dataclass
class Collected:
    """Where it listens, what it took, and each request's path and headers."""

    url: str
    batches: list[Any] = field(default_factory=list)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    @property
    def spans(self) -> list[Any]:
        """Of all batches, as messages."""
        scopes = [s for b in self.batches for r in b.resource_spans for s in r.scope_spans]
        return [span for scope in scopes for span in scope.spans]


@contextmanager
def collector(answers: Sequence[Answer] = ()) -> Iterator[Collected]:
    """Serve until the block ends: first these answers, then it takes all."""
    found, waiting = Collected(""), list(answers)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            found.asked.append((self.path, headers))
            status, more, said = waiting.pop(0) if waiting else TAKEN
            if status == 200:
                found.batches.append(decoded(body, headers))
            self.send_response_only(status)
            for name, value in (more | {"content-length": str(len(said))}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(said)

    with serving(Handler) as root:
        found.url = root
        yield found


def decoded(body: bytes, headers: dict[str, str]) -> Any:
    """The message; raises where a field is not of OTLP."""
    if headers.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
    if headers["content-type"] == "application/x-protobuf":
        return ExportTraceServiceRequest.FromString(body)
    assert headers["content-type"] == "application/json"
    return ParseDict(_as_protobuf(json.loads(body)), ExportTraceServiceRequest())


def _as_protobuf(value: Any) -> Any:
    """OTLP's JSON writes ids in hex, where protobuf's has base64."""
    if isinstance(value, list):
        return [_as_protobuf(each) for each in value]
    if not isinstance(value, dict):
        return value
    from base64 import b64encode

    return {
        key: b64encode(bytes.fromhex(each)).decode() if key in _BYTES else _as_protobuf(each)
        for key, each in value.items()
    }
