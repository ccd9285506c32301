"""summary.csv: one row a model and load level, for spreadsheets and data frames. Pure.

Rule: units stand in the header, numbers are numbers (milliseconds to the nanosecond, never
scientific, empty where there is none), and no text can become a formula. The BOM is for Excel.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from typing import Any

from tailrace.results.facts import RunFacts
from tailrace.results.render.figures import Figure
from tailrace.results.render.table import PERCENTILES, Distribution, Level, rows
from tailrace.results.render.text import MARKS
from tailrace.results.schema import OUTCOMES

BOM = "\ufeff"
FULL = ("ttft", "icl", "e2e")
"""Metrics with every percentile and its flags."""
BRIEF = ("ttft_response", "tpot", "e2e_response")
"""Metrics with their percentiles alone."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
"""All but tab and line breaks: no spreadsheet shows them, and a terminal acts on them."""

Cell = str | int


def summary_csv(facts: RunFacts, results: Sequence[dict[str, Any]]) -> str:
    """The file's text; write it as UTF-8 with newlines left alone."""
    out = io.StringIO()
    writer = csv.DictWriter(out, HEADER, restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(cells_of(level, results) for level in rows(facts, results))
    return BOM + out.getvalue()


def cells_of(level: Level, results: Sequence[dict[str, Any]]) -> dict[str, Cell]:
    """One line's cells by their column; some of those that have no value are left out."""
    return dict(_cells(level)) | dict(_objective_cells(level, results))


def guarded(text: str) -> str:
    """The text, with an apostrophe before what a spreadsheet would take for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def plain_cell(text: str) -> str:
    """The same without what a terminal acts on, for a table that is not read back."""
    return guarded(MARKS.sub("", _CONTROLS.sub("", text)))


def _metric_header(name: str) -> Iterator[str]:
    yield f"{name}_n"
    if name in FULL:
        yield from (f"{name}_lower_bounds", f"{name}_min_ms", f"{name}_mean_ms", f"{name}_max_ms")
    for percentile in PERCENTILES:
        yield f"{name}_{percentile}_ms"
        if name in FULL:
            yield f"{name}_{percentile}_certified"
            yield f"{name}_{percentile}_at_least"


HEADER: tuple[str, ...] = (
    *("model", "status", "error_class", "level", "round", "load", "users"),
    *("in_flight_mean", "in_flight_max", "time_at_asked_share", "window_s"),
    *("planned", "started", "dropped", "unsent", "warmup", "measured"),
    *(f"measured_{outcome}" for outcome in OUTCOMES),
    "measured_retried",
    *("requests_per_s", "tokens_per_s", "tokens_per_s_per_user"),
    *("output_tokens", "input_tokens", "cached_tokens", "chunks", "token_source"),
    *("stalls", "stalled_requests"),
    *("slo_objectives", "slo_met", "goodput_share", "goodput_per_s"),
    *(column for name in (*FULL, *BRIEF) for column in _metric_header(name)),
)


def _cells(level: Level) -> Iterator[tuple[str, Cell]]:
    yield "model", guarded(level.model)
    yield "status", level.status
    yield "error_class", guarded(level.error_class or "")
    if level.index is None:
        return
    yield "level", level.index
    yield "round", level.round or ""
    yield "load", guarded(level.load)
    yield "users", "" if level.users is None else level.users
    yield "in_flight_mean", decimal(level.in_flight_mean)
    yield "in_flight_max", decimal(level.in_flight_max)
    yield "time_at_asked_share", decimal(level.at_asked)
    yield "window_s", decimal(level.window_s, 9)
    for name in ("planned", "started", "dropped", "unsent"):
        yield name, level.books[name]
    yield "warmup", level.warmup
    yield "measured", level.measured["started"]
    for outcome in OUTCOMES:
        yield f"measured_{outcome}", level.measured[outcome]
    yield "measured_retried", level.measured["retried"]
    for name in ("requests_per_s", "tokens_per_s", "tokens_per_s_per_user"):
        yield name, decimal(getattr(level, name))
    for name in ("output", "input", "cached"):
        yield f"{name}_tokens", decimal(level.tokens[name])
    yield "chunks", decimal(level.tokens["chunks"])
    yield "token_source", guarded("+".join(level.tokens["source"]))
    yield "stalls", decimal(level.stalls)
    yield "stalled_requests", decimal(level.stalled_requests)
    for name in (*FULL, *BRIEF):
        yield from _metric_cells(name, level.metrics[name])


def _objective_cells(level: Level, results: Sequence[dict[str, Any]]) -> Iterator[tuple[str, Cell]]:
    """Where the run has objectives: how many, how many are met, and what met those of latency."""
    if level.index is None:
        return
    stages = results[level.model_index]["stages"]
    stage = next(stage for stage in stages if stage["index"] == level.index)
    if stage["slo"]:
        yield "slo_objectives", len(stage["slo"])
        yield "slo_met", sum(each["met"] is True for each in stage["slo"])
    if stage["goodput"] is not None:
        yield "goodput_share", decimal(stage["goodput"]["share"])
        yield "goodput_per_s", decimal(stage["goodput"]["per_s"])


def _metric_cells(name: str, spread: Distribution) -> Iterator[tuple[str, Cell]]:
    full = name in FULL
    yield f"{name}_n", decimal(spread.n)
    if full:
        yield f"{name}_lower_bounds", decimal(spread.lower_bounds)
        yield f"{name}_min_ms", decimal(spread.min.ms)
        yield f"{name}_mean_ms", decimal(spread.mean.ms)
        yield f"{name}_max_ms", decimal(spread.max.ms)
    for percentile, figure in spread.percentiles.items():
        yield f"{name}_{percentile}_ms", decimal(figure.ms)
        if full:
            yield f"{name}_{percentile}_certified", _flag(figure.certified, figure)
            yield f"{name}_{percentile}_at_least", _flag(figure.at_least, figure)


def _flag(flag: bool, figure: Figure) -> str:
    return "" if figure.ms is None else str(flag).lower()


def decimal(value: float | None, digits: int = 6) -> str:
    """Plain decimal digits without trailing noughts; empty for None."""
    if value is None:
        return ""
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") or "0"
