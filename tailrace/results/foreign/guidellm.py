"""guidellm: the JSON that it writes, each benchmark a level. Pure.

Points in time are seconds of the wall clock. It keeps a request's first and last token and no
times between them, so there are no gaps: ICL and stalls are not known. Names are those of 0.8,
then those that 0.3 to 0.6 had for the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tailrace.errors import ResultError
from tailrace.results.foreign.shape import ForeignLevel, ForeignRun, ns, row_of
from tailrace.results.schema import Row

DETAIL = "it keeps no requests; run guidellm with --output kind=json, without sampling them away"
KINDS = {"successful": "ok", "errored": "error", "incomplete": "cancelled"}
"""Its word -> our outcome."""


def is_guidellm(document: Mapping[str, Any]) -> bool:
    """Whether it looks like one."""
    return isinstance(document.get("benchmarks"), list)


def read_guidellm(document: Mapping[str, Any], where: str) -> ForeignRun:
    """The run in it; raises ResultError where it keeps no request."""
    for each in document["benchmarks"]:
        _require_all(each, where)
    levels = [_level(index, each) for index, each in enumerate(document["benchmarks"])]
    if not levels or not all(level.rows for level in levels):
        raise ResultError(f"{where}: {DETAIL}")
    backend = _backend(document)
    return ForeignRun(
        tool="guidellm",
        version=str((document.get("metadata") or {}).get("guidellm_version", "")),
        model=str(backend.get("model") or "unknown"),
        levels=levels,
        began_wall_ns=min(row.intended_ns for level in levels for row in level.rows),
        url=backend.get("target"),
    )


def _require_all(benchmark: Mapping[str, Any], where: str) -> None:
    """Rates and counts of a sample would be those of the sample."""
    totals = (benchmark.get("metrics") or {}).get("request_totals") or {}
    for word in KINDS:
        kept = len((benchmark.get("requests") or {}).get(word) or ())
        ran = totals.get(word) or 0
        if 0 < kept < ran:
            raise ResultError(
                f"{where} keeps {kept} of {ran} {word} requests: run guidellm without a sample size"
            )


def _backend(document: Mapping[str, Any]) -> Mapping[str, Any]:
    first = document["benchmarks"][0]
    places = (
        (first.get("config") or {}).get("backend"),
        (first.get("benchmarker") or {}).get("backend"),
        document.get("args"),
    )
    return next((each for each in places if isinstance(each, Mapping) and each), {})


def _level(index: int, benchmark: Mapping[str, Any]) -> ForeignLevel:
    config = benchmark.get("config") or benchmark.get("args") or {}
    strategy = config.get("strategy") or {}
    users, rate = strategy.get("streams"), strategy.get("rate")
    kind = strategy.get("type_", "unknown")
    if kind == "synchronous":
        users = 1
    load = str(users) if users else f"{rate:g}/s" if rate else kind
    return ForeignLevel(load, users, list(_rows(index, benchmark.get("requests") or {})))


def _rows(level: int, requests: Mapping[str, Any]) -> Iterator[Row]:
    number = 0
    for word, outcome in KINDS.items():
        for request in requests.get(word) or ():
            timings = (request.get("info") or {}).get("timings") or {}
            if _at(request, timings, "request_start", "request_start_time", "start_time"):
                yield _row(number, level, outcome, request, timings)
                number += 1


def _row(
    number: int,
    level: int,
    outcome: str,
    request: Mapping[str, Any],
    timings: Mapping[str, Any],
) -> Row:
    sent = _at(request, timings, "request_start", "request_start_time", "start_time")
    ended = _at(request, timings, "request_end", "request_end_time", "end_time")
    asked = _at(request, timings, "targeted_start")
    first_names = ("first_token_iteration", "first_iteration", "first_token_time")
    last_names = ("last_token_iteration", "last_iteration", "last_token_time")
    first, last = _at(request, timings, *first_names), _at(request, timings, *last_names)
    assert sent is not None
    ended = max(each for each in (sent, last, ended) if each is not None)
    known: dict[str, Any] = {
        "intended_ns": min(sent, asked or sent),
        "sent_ns": sent,
        "ended_ns": ended,
        "first_output_ns": first,
        "last_output_ns": last,
        "input_tokens": request.get("prompt_tokens"),
        "output_tokens": request.get("output_tokens"),
        "chunks": timings.get("token_iterations"),
    }
    if outcome == "ok":
        return row_of(number, level, outcome, **known, closed_ns=ended, streamed=first is not None)
    said = (request.get("info") or {}).get("error") or request.get("error") or outcome
    return row_of(number, level, outcome, **known, error_class="foreign", error=str(said))


def _at(request: Mapping[str, Any], timings: Mapping[str, Any], *names: str) -> int | None:
    """The first of these that is there, in ns."""
    for name in names:
        value = timings.get(name) or request.get(name)
        if value:
            return ns(value)
    return None
