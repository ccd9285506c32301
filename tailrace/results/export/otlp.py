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
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import orjson

from tailrace.results.export.placed import Placed
from tailrace.results.facts import ModelFacts, RunFacts

BATCH = 512
"""Spans a batch: about 1 MB."""
CLIENT = 3
ERROR = 2
OPERATIONS = {
    "openai-completions": "text_completion",
    "llamacpp-completion": "text_completion",
    "ollama-generate": "text_completion",
    "openai-embeddings": "embeddings",
}
"""By dialect; every other one is ``chat``."""
PROVIDERS = {
    "anthropic-messages": "anthropic",
    "ollama-chat": "ollama",
    "ollama-generate": "ollama",
    "llamacpp-completion": "llama.cpp",
}
"""By dialect; those of OpenAI are ``openai``, whoever answers, and a plugin's is its own name."""
PORTS = {"http": 80, "https": 443}


class Batch(NamedTuple):
    """A whole ExportTraceServiceRequest, of one model."""

    spans: int
    document: dict[str, Any]


def otlp_lines(facts: RunFacts, rows: Iterable[Placed]) -> Iterator[bytes]:
    """The file, line by line, a batch each."""
    return (orjson.dumps(batch.document) + b"\n" for batch in otlp_batches(facts, rows))


def otlp_batches(facts: RunFacts, rows: Iterable[Placed]) -> Iterator[Batch]:
    """Every request, in the order of the rows; no more than a batch is held."""
    for _, of_model in itertools.groupby(rows, lambda placed: placed.model.folder):
        while some := list(itertools.islice(of_model, BATCH)):
            scope = {"scope": {"name": "tailrace"}, "spans": [span(facts, each) for each in some]}
            resource = {"attributes": _attributes(_of_resource(facts, some[0].model))}
            yield Batch(
                len(some), {"resourceSpans": [{"resource": resource, "scopeSpans": [scope]}]}
            )


def _of_resource(facts: RunFacts, model: ModelFacts) -> dict[str, Any]:
    return {
        "service.name": "tailrace",
        "service.version": str(facts.tool.get("version", "")),
        "tailrace.run": facts.name,
        "tailrace.run.started_at": facts.started_at,
        "tailrace.model": model.model,
    }


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
        "attributes": _attributes(_of(placed, operation) | _server(facts, placed)),
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
        "gen_ai.provider.name": _provider(model.dialect),
        "gen_ai.request.model": row.model or model.model,
        "gen_ai.request.stream": row.streamed,
        "gen_ai.usage.input_tokens": row.input_tokens,
        "gen_ai.usage.output_tokens": row.output_tokens,
        "gen_ai.response.finish_reasons": [row.finish_reason] if row.finish_reason else None,
        "gen_ai.usage.cache_read.input_tokens": row.cached_tokens,
        "gen_ai.usage.reasoning.output_tokens": row.reasoning_tokens,
        "gen_ai.response.time_to_first_chunk": ttft_s,
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


def _provider(dialect: str | None) -> str | None:
    if dialect is None:
        return None
    return PROVIDERS.get(dialect, "openai" if dialect.startswith("openai-") else dialect)


def _server(facts: RunFacts, placed: Placed) -> dict[str, Any]:
    """Where it was sent: to the model's own URL, or one of the run's; nothing of a started one."""
    name, place = placed.model.model, placed.row.url
    entries = facts.scenario.get("entries") or ()
    entry: dict[str, Any] = next((each for each in entries if each.get("alias") == name), {})
    if entry.get("serve") or entry.get("adapter") or entry.get("server"):
        return {}
    urls = [entry["url"]] if entry.get("url") else facts.base_urls
    parts = urlsplit(urls[place] or "" if place < len(urls) else "")
    if not parts.hostname:
        return {}
    return {
        "server.address": parts.hostname,
        "server.port": parts.port or PORTS.get(parts.scheme),
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
