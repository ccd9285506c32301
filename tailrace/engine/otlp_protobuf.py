"""OTLP protobuf: the same messages as OTLP's JSON, for receivers that take no JSON. Pure.

OpenTelemetry's own message types encode them; they come with the extra ``otel``. Protobuf's JSON
has base64 where OTLP's has hex, which is the only difference.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from tailrace.errors import UsageError

CONTENT_TYPE = "application/x-protobuf"


class OtlpProtobuf:
    """Requests to bytes, and bytes of an answer to what JSON would have said."""

    def __init__(self) -> None:
        """Raises UsageError where the package is not installed."""
        try:
            from google.protobuf import json_format, message
            from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
        except ImportError:
            raise UsageError(
                "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf needs opentelemetry-proto: "
                "pip install 'tailrace[otel]', or set it to http/json"
            ) from None
        self._json = json_format
        self._messages = trace_service_pb2
        self._broken = message.DecodeError

    def encode(self, document: dict[str, Any]) -> bytes:
        """An ExportTraceServiceRequest."""
        message = self._messages.ExportTraceServiceRequest()
        self._json.ParseDict(_in_base64(document), message)
        encoded: bytes = message.SerializeToString()
        return encoded

    def decode(self, body: bytes) -> dict[str, Any]:
        """An ExportTraceServiceResponse; empty where it is none."""
        try:
            message = self._messages.ExportTraceServiceResponse.FromString(body)
        except self._broken:
            return {}
        found: dict[str, Any] = self._json.MessageToDict(message)
        return found


def _in_base64(document: dict[str, Any]) -> dict[str, Any]:
    return {
        "resourceSpans": [
            resource
            | {
                "scopeSpans": [
                    scope | {"spans": [_span(span) for span in scope["spans"]]}
                    for scope in resource["scopeSpans"]
                ]
            }
            for resource in document["resourceSpans"]
        ]
    }


def _span(span: dict[str, Any]) -> dict[str, Any]:
    ids = {name: b64encode(bytes.fromhex(span[name])).decode() for name in ("traceId", "spanId")}
    return span | ids
