"""Charts: which figures a report draws of one model. Pure.

By load: what a user of the model feels, and what it delivers. Over time, one axis of seconds since
the model's first level began: what no percentile of a whole level can show.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import log10
from typing import Any

from tailrace.results.facts import RunFacts
from tailrace.results.render.chart import Chart, Trace, aligned, axis, digits, line, log_axis
from tailrace.results.render.charts_over_time import time_charts
from tailrace.results.render.charts_trade import models_charts, trade_chart
from tailrace.results.render.detail import Detail, detail_of
from tailrace.results.render.figures import Figure, latency
from tailrace.results.render.server_charts import server_charts
from tailrace.results.render.table import Level, by_round
from tailrace.results.render.text import safe_text

_SHOWN = ("p50", "p95", "p99")
_CURVES = (
    ("ttft", "TTFT", "time to first token"),
    ("icl", "ICL", "gaps between output chunks"),
    ("e2e", "E2E", "time to the last output"),
)
_LOAD_ABOUT = (
    "Hollow points have too few samples to be certified; triangles are lower bounds, as requests "
    "that were cut off count with what they had waited."
)


def run_charts(
    models: Sequence[Sequence[Level]], results: Sequence[Mapping[str, Any]], facts: RunFacts
) -> list[list[Chart]]:
    """Those of all models together, then those of each; the arguments run parallel."""
    courses = [
        stage["over_time"]
        for result in results
        for stage in result["stages"]
        if stage.get("over_time")
    ]
    detail = detail_of(len(courses), sum(course["bins"] for course in courses))
    parts = zip(models, results, facts.models, strict=True)
    each = [
        model_charts([level for level in levels if level.reached], result, known.folder, detail)
        for levels, result, known in parts
    ]
    return [models_charts(models), *each]


def model_charts(
    levels: Sequence[Level], result: Mapping[str, Any], key: str, detail: Detail
) -> list[Chart]:
    """Those of one model that have anything to show; ``key`` begins the names of their files."""
    if not levels:
        return []
    made = [*_load_charts(levels, key), *_curve_charts(levels, result, key)]
    made += [*time_charts(levels, result, key, detail), *server_charts(levels, result, key)]
    name = safe_text(levels[0].model, 60)
    return aligned([replace(chart, of=name) for chart in made if chart.traces])


def _load_charts(levels: Sequence[Level], key: str) -> list[Chart]:
    unit = "users" if all(level.users is not None for level in levels) else "load"
    latencies = [
        _by_load(levels, metric, f"{key}-{metric}-load", title, unit)
        for metric, title in (("ttft", "TTFT by load"), ("icl", "ICL by load"))
    ]
    return [*latencies, _throughput(levels, key, unit), trade_chart(levels, key)]


def _by_load(levels: Sequence[Level], metric: str, key: str, title: str, unit: str) -> Chart:
    traces, rows = [], []
    for place, name in enumerate(_SHOWN):
        for same in by_round(levels):
            known = [(level, level.metrics[metric].percentiles[name]) for level in same]
            points = [(level, figure) for level, figure in known if figure.ms is not None]
            if points:
                traces.append(_latency_line(points, name, place))
            rows += [
                (level.load, level.round or None, name, digits(figure.ms, 6), figure.certified)
                for level, figure in points
            ]
    about = f"Percentiles of {metric.upper()} at each load. {_LOAD_ABOUT}"
    columns = (unit, "round", "percentile", "ms", "certified")
    return Chart(key, title, about, traces, _layout(unit, "ms", levels), columns, rows=rows)


def _latency_line(points: Sequence[tuple[Level, Figure]], name: str, colour: int) -> dict[str, Any]:
    number_of_round = points[0][0].round
    called = f"{name}, round {number_of_round}" if number_of_round else name
    symbols = [
        "triangle-up" if figure.at_least else "circle" if figure.certified else "circle-open"
        for _, figure in points
    ]
    notes = [f"{level.title}, {name}: {latency(figure)} ms" for level, figure in points]
    return line(
        called,
        [level.load for level, _ in points],
        [digits(figure.ms) for _, figure in points],
        colour,
        mode="lines+markers",
        marker={"symbol": symbols, "size": 9},
        text=notes,
        hoverinfo="text",
    )


def _throughput(levels: Sequence[Level], key: str, unit: str) -> Chart:
    traces, rows = [], []
    for same in by_round(levels):
        known = [level for level in same if level.tokens_per_s is not None]
        rows += [
            (v.load, v.round or None, digits(v.tokens_per_s, 6), digits(v.tokens_per_s_per_user, 6))
            for v in known
        ]
        if known:
            called = f"round {known[0].round}" if known[0].round else "tokens/s"
            x, y = [v.load for v in known], [digits(v.tokens_per_s) for v in known]
            traces.append(line(called, x, y, 2, mode="lines+markers"))
    about = "Output tokens per second of all users together, over the measure window."
    columns = (unit, "round", "tokens_per_s", "tokens_per_s_per_user")
    layout = _layout(unit, "tokens/s", levels)
    return Chart(f"{key}-tokens", "Throughput by load", about, traces, layout, columns, rows=rows)


def _curve_charts(levels: Sequence[Level], result: Mapping[str, Any], key: str) -> list[Chart]:
    ticks = (0, 50, 90, 99, 99.9, 99.99)
    layout = {
        "xaxis": axis(
            "percentile",
            tickvals=[_nines(percent) for percent in ticks],
            ticktext=[f"{percent:g}" for percent in ticks],
        ),
        "yaxis": log_axis("ms"),
    }
    charts = []
    for metric, short, words in _CURVES:
        traces = [
            _curve(level.title, stage["curves"], metric, place)
            for place, (level, stage) in enumerate(zip(levels, result["stages"], strict=False))
            if stage.get("curves") and stage["curves"][metric]
        ]
        about = (
            f"{short} by percentile, {words}, a line for each load. Each further nine is one step "
            "to the right, so that the tail is seen; the last point is the exact maximum."
        )
        columns = ("load", "percentile", "ms")
        name, title = f"{key}-{metric}-percentiles", f"{short} by percentile"
        charts.append(Chart(name, title, about, traces, layout, columns, "points"))
    return charts


def _curve(name: str, curves: Mapping[str, Any], metric: str, place: int) -> Trace:
    percents = curves["percents"]
    return line(
        name,
        [_nines(percent) for percent in percents],
        [digits(value / 1e6) for value in curves[metric]],
        place,
        customdata=percents,
        hovertemplate="%{fullData.name}, p%{customdata}: %{y:.4~r} ms<extra></extra>",
    )


def _nines(percent: float) -> float:
    """Each further nine is one step; the maximum stands behind 99.99."""
    return 4.7 if percent >= 100 else round(-log10(1 - percent / 100), 4)


def _layout(unit: str, measure: str, levels: Sequence[Level]) -> dict[str, Any]:
    """Loads stand side by side in their order, however far apart they are."""
    loads = list(dict.fromkeys(level.load for level in levels))
    return {
        "xaxis": axis(unit, type="category", categoryorder="array", categoryarray=loads),
        "yaxis": axis(measure, rangemode="tozero"),
    }
