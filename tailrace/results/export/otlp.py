"""otlp: each request as an OpenTelemetry span, in OTLP's JSON, one batch a line. Pure.

Rule: attributes are those of the semantic conventions for generative AI where they have one, and
``tailrace.*`` else; no text of prompts or answers leaves the run. Ids follow from the run and the
request, so the same run exported twice gives the same spans. Each request is a trace of its own:
one trace of all would be larger than any backend takes.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Any

import orjson

from tailrace.results.export.placed import Placed
from tailrace.results.facts import RunFacts

BATCH = 512
"""Spans a line."""
CLIENT = 3
ERROR = 2
OPERATIONS = {
    "openai-completions": "text_completion",
    "llamacpp-completion": "text_completion",
    "ollama-generate": "text_completion",
    "openai-embeddings": "embeddings",
}
"""By dialect; every other one is ``chat``."""


def otlp_lines(facts: RunFacts, rows: Iterable[Placed]) -> Iterator[bytes]:
    """The file, line by line: each a whole ExportTraceServiceRequest."""
    resource = {
        "attributes": _attributes(
            {
                "service.name": "tailrace",
                "service.version": str(facts.tool.get("version", "")),
                "tailrace.run": facts.name,
            }
        )
    }
    spans = (span(facts, placed) for placed in rows)
    while batch := list(itertools.islice(spans, BATCH)):
        scope = {"scope": {"name": "tailrace"}, "spans": batch}
        document = {"resourceSpans": [{"resource": resource, "scopeSpans": [scope]}]}
        yield orjson.dumps(document) + b"\n"


def span(facts: RunFacts, placed: Placed) -> dict[str, Any]:
    """From sent (intended, where it never was) to the moment the client stopped looking."""
    model, _, row = placed
    origin_ns = facts.origin_wall_ns
    identity = sha256(f"{facts.name}\0{origin_ns}\0{model.model}\0{row.id}".encode()).hexdigest()
    begin_ns = row.intended_ns if row.sent_ns is None else row.sent_ns
    operation = OPERATIONS.get(model.dialect or "", "chat")
    points = (("first_token", row.first_output_ns), ("last_token", row.last_output_ns))
    made: dict[str, Any] = {
        "traceId": identity[:32],
        "spanId": identity[32:48],
        "name": f"{operation} {row.model or model.model}",
        "kind": CLIENT,
        "startTimeUnixNano": str(origin_ns + begin_ns),
        "endTimeUnixNano": str(origin_ns + max(begin_ns, row.ended_ns)),
        "attributes": _attributes(_of(placed, operation)),
        "events": [
            {"name": name, "timeUnixNano": str(origin_ns + at_ns)}
            for name, at_ns in points
            if at_ns is not None
        ],
        "status": {},
    }
    if row.outcome != "ok":
        made["status"] = {"code": ERROR, "message": row.error or row.outcome}
    return made


def _of(placed: Placed, operation: str) -> dict[str, Any]:
    model, _, row = placed
    ttft_s = None
    if row.sent_ns is not None and row.first_output_ns is not None:
        ttft_s = (row.first_output_ns - row.sent_ns) / 1e9
    return {
        "gen_ai.operation.name": operation,
        "gen_ai.request.model": row.model or model.model,
        "gen_ai.usage.input_tokens": row.input_tokens,
        "gen_ai.usage.output_tokens": row.output_tokens,
        "gen_ai.response.finish_reasons": [row.finish_reason] if row.finish_reason else None,
        "gen_ai.server.time_to_first_token": ttft_s,
        "http.response.status_code": row.status,
        "error.type": None if row.outcome == "ok" else row.error_class or row.outcome,
        "tailrace.request.id": row.id,
        "tailrace.phase": row.phase,
        "tailrace.outcome": row.outcome,
        "tailrace.load": placed.load,
        "tailrace.user": row.user,
        "tailrace.attempt": row.attempt,
        "tailrace.start_lag_s": None
        if row.sent_ns is None
        else (row.sent_ns - row.intended_ns) / 1e9,
        "tailrace.max_gap_s": max(row.gaps_ns) / 1e9 if row.gaps_ns else None,
    }


def _attributes(values: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"key": key, "value": _value(value)} for key, value in values.items() if value is not None
    ]


def _value(value: Any) -> dict[str, Any]:
    """OTLP's JSON writes a 64-bit number as text."""
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [_value(each) for each in value]}}
    return {"stringValue": value}
