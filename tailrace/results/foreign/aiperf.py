"""aiperf: ``profile_export_aiperf.json``, of the run, and ``profile_export.jsonl``. Pure.

The second has one line a request. Points in time are ns of the wall clock;
latencies are milliseconds, each with its unit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tailrace.errors import ResultError
from tailrace.results.foreign.shape import ForeignLevel, ForeignRun, row_of
from tailrace.results.schema import Row

RECORDS = "profile_export.jsonl"
SUMMARY = "profile_export_aiperf.json"
DETAIL = f"aiperf writes {RECORDS} with --export-level records"
_MS = {"ms": 1e6, "s": 1e9, "sec": 1e9, "us": 1e3, "ns": 1.0}


def is_aiperf(document: Mapping[str, Any]) -> bool:
    """Whether it looks like the run's file."""
    return "aiperf_version" in document or "request_latency" in document


def read_aiperf(
    summary: Mapping[str, Any], records: Iterable[Mapping[str, Any]], where: str
) -> ForeignRun:
    """The run in both; raises ResultError where there is no request."""
    rows = [
        _row(number, record)
        for number, record in enumerate(records)
        if record["metadata"].get("benchmark_phase", "profiling") == "profiling"
    ]
    if not rows:
        raise ResultError(f"{where} holds no request: {DETAIL}")
    config = summary.get("input_config") or {}
    users, load = _load(config)
    return ForeignRun(
        tool="aiperf",
        version=str(summary.get("aiperf_version", "")),
        model=_model(config),
        levels=[ForeignLevel(load, users, rows)],
        began_wall_ns=min(row.intended_ns for row in rows),
        url=next(iter((config.get("endpoint") or {}).get("urls") or ()), None),
        settings={"phases": config.get("phases"), "datasets": config.get("datasets")},
    )


def _row(number: int, record: Mapping[str, Any]) -> Row:
    meta, metrics = record["metadata"], record.get("metrics") or {}
    sent, ended = meta["request_start_ns"], meta["request_end_ns"]
    known: dict[str, Any] = {
        "intended_ns": min(meta.get("credit_issued_ns") or sent, sent),
        "sent_ns": sent,
        "ended_ns": ended,
        "input_tokens": _count(metrics, "usage_prompt_tokens", "input_sequence_length"),
        "turn": meta.get("turn_index", 0) + 1,
    }
    error = record.get("error")
    if error or meta.get("was_cancelled"):
        outcome = "cancelled" if meta.get("was_cancelled") else "error"
        said = error or {}
        code = said.get("code")
        known |= {"error_class": _error_class(said), "error": said.get("message")}
        return row_of(number, 0, outcome, status=code if isinstance(code, int) else None, **known)
    ttft, e2e = _ns(metrics, "time_to_first_token"), _ns(metrics, "request_latency")
    # One number and no list is the mean of a request, which is no gap.
    listed = isinstance((metrics.get("inter_chunk_latency") or {"value": []})["value"], list)
    gaps = [round(each) for each in _each_ns(metrics, "inter_chunk_latency")] if listed else []
    by_usage = "usage_completion_tokens" in metrics
    known |= {
        "status": 200,
        "first_output_ns": None if ttft is None else sent + ttft,
        "last_output_ns": None if e2e is None else sent + e2e,
        "closed_ns": ended,
        "gaps_ns": gaps,
        "chunks": len(gaps) + 1 if ttft is not None and listed else 0,
        "output_tokens": _count(metrics, "usage_completion_tokens", "output_sequence_length"),
        "token_source": "usage" if by_usage else None,
        "streamed": ttft is not None,
    }
    return row_of(number, 0, "ok", **known)


def _error_class(error: Mapping[str, Any]) -> str:
    code = error.get("code")
    return f"http_{code}" if isinstance(code, int) else str(error.get("type") or "foreign")


def _each_ns(metrics: Mapping[str, Any], name: str) -> list[float]:
    metric = metrics.get(name)
    if metric is None:
        return []
    value = metric["value"]
    values = value if isinstance(value, list) else [value]
    return [each * _MS[metric["unit"]] for each in values]


def _ns(metrics: Mapping[str, Any], name: str) -> int | None:
    values = _each_ns(metrics, name)
    return round(values[0]) if values else None


def _count(metrics: Mapping[str, Any], *names: str) -> int | None:
    """The first that is there."""
    return next((int(metrics[name]["value"]) for name in names if name in metrics), None)


def _model(config: Mapping[str, Any]) -> str:
    models = config.get("models") or (config.get("endpoint") or {}).get("model_names") or {}
    items = models.get("items", ()) if isinstance(models, Mapping) else models
    first = next(iter(items), "unknown")
    return str(first["name"] if isinstance(first, Mapping) else first)


def _load(config: Mapping[str, Any]) -> tuple[int | None, str]:
    """As the profiling phase says; of older versions from ``loadgen``."""
    phases = config.get("phases") or [config.get("loadgen") or {}]
    phase = next((each for each in phases if each.get("name") == "profiling"), phases[-1])
    rate = phase.get("rate") or phase.get("request_rate")
    if rate:
        return None, f"{float(rate):g}/s"
    users = phase.get("concurrency")
    return (int(users), str(users)) if users else (None, "as aiperf chose")
