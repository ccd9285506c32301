"""How sure the percentiles are, what rounds say together, and the knee, as sheets. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tailrace.results.facts import label_of
from tailrace.results.metrics import METRICS
from tailrace.results.render.figures import NOT_AVAILABLE, count, figure_of, latency, ms, number
from tailrace.results.render.section import Section
from tailrace.results.render.sheet import Sheet, known
from tailrace.results.render.text import safe_text
from tailrace.results.statistics_terms import STATISTICS

_TITLES = {metric.name: metric.title for metric in METRICS}
_BOUNDED = ("ttft", "ttft_response", "icl", "e2e", "e2e_response")
_PERCENTILES = ("p50", "p95", "p99")
_ACROSS = (
    *(f"{metric}_{of}_ns" for metric in ("ttft", "icl", "e2e") for of in ("p50", "p99")),
    *("requests_per_s", "tokens_per_s", "goodput_per_s"),
)
_TERMS = {"requests_per_s": "req/s", "tokens_per_s": "tok/s", "goodput_per_s": "goodput/s"}

Results = Sequence[Mapping[str, Any]]


def statistics_section(results: Results) -> Section | None:
    """All of it; None where nothing is known."""
    rounds = rounds_sheet(results)
    sheets = [sheet for sheet in (bounds_sheet(results), rounds) if sheet.rows]
    remarks = tuple(knee_lines(results))
    if not sheets and not remarks:
        return None
    notes = [f"bounds: {STATISTICS['bounds']}"] if len(sheets) > (rounds in sheets) else []
    notes += [f"rounds: {STATISTICS['rounds']}"] if rounds in sheets else []
    notes += [f"knee: {STATISTICS['knee']}"] if remarks else []
    return Section("How sure it is", tuple(sheets), remarks, tuple(notes))


def short_statistics(results: Results) -> Section | None:
    """Rounds, and knees that lie within the levels, for a terminal."""
    within = [result for result in results if not (result.get("knee") or {}).get("end")]
    sheet, remarks = rounds_sheet(results), tuple(knee_lines(within))
    if not sheet.rows and not remarks:
        return None
    return Section("Across levels and rounds", (sheet,) if sheet.rows else (), remarks)


def bounds_sheet(results: Results) -> Sheet:
    """Of each level and metric: ``value (low..high, at most bound)`` in ms."""
    rows = tuple(
        (safe_text(result["model"]), _level(stage), *row)
        for result in results
        for stage in result["stages"]
        for row in _bounds_rows(stage)
    )
    columns = ("model", "level", "metric", "n", "worth", *(f"{of} ms" for of in _PERCENTILES))
    terms = ("", "", "", "samples", "effective_n", *("bounds" for _ in _PERCENTILES))
    return Sheet("Bounds of percentiles", columns, terms, rows, "bounds", texts=3)


def _bounds_rows(stage: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for name in _BOUNDED:
        metric = stage["metrics"].get(name)
        if metric is None or "effective_n" not in metric["percentiles"]["p50"] or not metric["n"]:
            continue
        found = [metric["percentiles"][of] for of in _PERCENTILES]
        if name.endswith("_response") and stage["users"] is not None:
            continue  # in a closed loop they are the service times and the client's turn-around
        worth = min(each["effective_n"] or 0.0 for each in found)
        yield _TITLES[name], count(metric["n"]), number(worth), *map(_bounds, found)


def _bounds(found: Mapping[str, Any]) -> str:
    value = latency(figure_of(found))
    if found["low_ns"] is None and found["high_ns"] is None and found["bound_ns"] is None:
        return value
    low, high = (_ends(found[name]) for name in ("low_ns", "high_ns"))
    bound = "" if found["bound_ns"] is None else f", at most {_ends(found['bound_ns'])}"
    return f"{value} ({low}..{high}{bound})"


def _ends(value_ns: int | None) -> str:
    return "?" if value_ns is None else number(ms(value_ns))


def rounds_sheet(results: Results) -> Sheet:
    """Of each load with rounds: ``mean ± half the interval``, latencies in ms."""
    rows = tuple(
        (
            safe_text(result["model"]),
            label_of(entry["load"], entry["users"], 0),
            count(entry["rounds"]),
            *(_interval(name, entry["figures"].get(name)) for name in _ACROSS),
        )
        for result in results
        for entry in result.get("rounds") or ()
    )
    columns = ("model", "level", "rounds", *map(_title, _ACROSS))
    terms = ("", "", "rounds", *("rounds" for _ in _ACROSS))
    sheet = Sheet("Across rounds", columns, terms, rows, "rounds", texts=2)
    return known(sheet) if rows else sheet


def _title(name: str) -> str:
    if name in _TERMS:
        return _TERMS[name]
    metric, percentile, _ = name.rsplit("_", 2)
    return f"{_TITLES[metric]} {percentile} ms"


def _interval(name: str, found: Mapping[str, float] | None) -> str:
    if found is None:
        return NOT_AVAILABLE
    unit = 1e6 if name.endswith("_ns") else 1.0
    half = (found["high"] - found["low"]) / 2
    return f"{number(found['mean'] / unit)} ± {number(half / unit)}"


def knee_lines(results: Results) -> Iterator[str]:
    """A sentence a model that has one."""
    for result in results:
        knee = result.get("knee")
        if knee is None:
            continue
        model, where = safe_text(result["model"]), label_of(knee["load"], knee["users"], 0)
        if knee["end"] is None:
            yield f"{model}: knee at {where}: the most throughput for its latency"
        else:
            yield (
                f"{model}: no knee within the levels: {where}, the {knee['end']} one, has the most "
                "throughput for its latency"
            )


def _level(stage: Mapping[str, Any]) -> str:
    return label_of(stage["load"], stage["users"], stage.get("round", 0))
