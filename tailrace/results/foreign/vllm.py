"""vllm: the JSON that ``vllm bench serve --save-result --save-detailed`` writes. Pure.

Lists run parallel, one entry a request, in seconds of its own clock: ``start_times``, ``ttfts``,
``itls`` (a list of gaps each), ``errors``, ``input_lens``, ``output_lens``, and in newer versions
``latencies`` and ``queue_times``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from tailrace.errors import ResultError
from tailrace.results.foreign.shape import ForeignLevel, ForeignRun, ns, require, row_of
from tailrace.results.schema import Row

DETAIL = "it holds only summaries; run `vllm bench serve` with --save-result --save-detailed"
OLD = "without it no request can be placed in time; a newer vLLM writes it"
_TOLD = ("backend", "endpoint_type", "tokenizer_id", "num_prompts", "burstiness")


def is_vllm(document: Mapping[str, Any]) -> bool:
    """Whether it looks like one."""
    return "model_id" in document and "total_input_tokens" in document


def read_vllm(document: Mapping[str, Any], where: str) -> ForeignRun:
    """The run in it; raises ResultError that names the field that is missing."""
    ttfts = require(document, "ttfts", where, DETAIL)
    lists = {
        "start_times": require(document, "start_times", where, OLD),
        "itls": require(document, "itls", where, DETAIL),
        "errors": document.get("errors") or [""] * len(ttfts),
        "input_lens": document.get("input_lens") or [None] * len(ttfts),
        "output_lens": document.get("output_lens") or [None] * len(ttfts),
        "latencies": document.get("latencies") or [None] * len(ttfts),
        "queue_times": document.get("queue_times") or [0.0] * len(ttfts),
    }
    for name, values in lists.items():
        if len(values) != len(ttfts):
            raise ResultError(f"{where}: {name!r} has {len(values)} entries, 'ttfts' {len(ttfts)}")
    told = zip(ttfts, *lists.values(), strict=True)
    rows = [_row(number, *each) for number, each in enumerate(told)]
    if not rows:
        raise ResultError(f"{where}: 'ttfts' is empty, so it holds no request")
    users, load = _load(document)
    return ForeignRun(
        tool="vllm bench serve",
        version="",
        model=str(require(document, "model_id", where, "it names no model")),
        levels=[ForeignLevel(load, users, rows)],
        began_wall_ns=_date_ns(document.get("date")),
        settings={name: document[name] for name in _TOLD if name in document},
    )


def _row(number: int, ttft_s: float, start_s: float, itls_s: Sequence[float], *more: Any) -> Row:
    error, input_tokens, output_tokens, latency_s, queue_s = more
    sent = round(start_s * 1e9)
    intended = sent - round((queue_s or 0.0) * 1e9)
    known = {"intended_ns": intended, "sent_ns": sent, "input_tokens": input_tokens}
    if error or not ttft_s:
        ended = sent + (ns(latency_s) or 0)
        text = str(error or "no output")
        return row_of(
            number, 0, "error", error_class="foreign", error=text, ended_ns=ended, **known
        )
    gaps = [round(each * 1e9) for each in itls_s]
    first = sent + round(ttft_s * 1e9)
    last = first + sum(gaps)
    closed = max(last, sent + (ns(latency_s) or 0))
    known |= {"first_output_ns": first, "last_output_ns": last, "closed_ns": closed}
    return row_of(
        *(number, 0, "ok"),
        **known,
        ended_ns=closed,
        gaps_ns=gaps,
        chunks=len(gaps) + 1,
        output_tokens=output_tokens,
    )


def _load(document: Mapping[str, Any]) -> tuple[int | None, str]:
    """Users where a concurrency was set and no rate, else the rate."""
    users, rate = document.get("max_concurrency"), document.get("request_rate")
    if users and rate in (None, "inf", float("inf")):
        return int(users), str(users)
    return None, "all at once" if rate in (None, "inf", float("inf")) else f"{float(rate):g}/s"


def _date_ns(text: Any) -> int:
    """``20260131-235959``, in the zone of the machine that wrote it, which nobody told: as UTC."""
    try:
        moment = datetime.strptime(str(text), "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return 0
    return int(moment.timestamp()) * 1_000_000_000
