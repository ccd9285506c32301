"""Charts over time: a model's levels one after another on one axis of seconds. Pure.

Made from ``over_time`` of each level; a result that has none, of a level that never ended, has no
such charts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import log10
from typing import Any

from tailrace.results.render.chart import Cell, Chart, Trace, axis, digits, line
from tailrace.results.render.charts_requests import request_chart
from tailrace.results.render.table import Level
from tailrace.results.render.text import safe_text

Found = Mapping[str, Any]
SECONDS = "seconds since the first level began"
_FEWEST = 8
"""Samples of a span below which its percentiles are no line: the points show more."""
_SHADES = "The lines begin with each level."


class Course:
    """The levels of a model that have their course in the result, and when they began."""

    def __init__(self, levels: Sequence[Level], result: Found) -> None:
        known = [
            (level, stage["over_time"])
            for level, stage in zip(levels, result["stages"], strict=False)
            if stage.get("over_time")
        ]
        self.levels: list[tuple[Level, Found]] = known
        self._origin_ns = min((over["from_ns"] for _, over in known), default=0)
        self.marks = [(self.at_s(over["from_ns"]), level.title) for level, over in known]

    def at_s(self, at_ns: float) -> float:
        """On the axis."""
        return round((at_ns - self._origin_ns) / 1e9, 3)

    def middles(self, over: Found) -> list[float]:
        """Of its spans."""
        first, width = over["from_ns"], over["bin_ns"]
        return [self.at_s(first + (place + 0.5) * width) for place in range(over["bins"])]

    def chart(
        self,
        key: str,
        title: str,
        about: str,
        traces: Sequence[Trace],
        layout: Found,
        columns: Sequence[str],
        rows: Sequence[Sequence[Cell]],
    ) -> Chart:
        """One over the whole width, with where the levels begin."""
        whole = {"xaxis": axis(SECONDS), **layout}
        words = f"{about} {_SHADES}"
        return Chart(
            key, title, words, traces, whole, columns, rows, wide=True, marks=tuple(self.marks)
        )


def time_charts(levels: Sequence[Level], result: Found, key: str) -> list[Chart]:
    """TTFT, gaps, load, endings, and some requests, over time."""
    course = Course(levels, result)
    if not course.levels:
        return []
    return [
        _ttft(course, key),
        _heat(course, key),
        _load(course, key),
        _ended(course, key),
        _single(course, key),
    ]


def _single(course: Course, key: str) -> Chart:
    level, over = course.levels[-1]
    chart = request_chart(level.title, over["sampled"], course.at_s, key)
    return replace(chart, layout={"xaxis": axis(SECONDS), **chart.layout})


def _ttft(course: Course, key: str) -> Chart:
    rows: list[tuple[float, float]] = []
    p50: list[tuple[float, float | None]] = []
    p99: list[tuple[float, float | None]] = []
    for _, over in course.levels:
        rows += [(course.at_s(at), digits(value / 1e6) or 0.0) for at, value in over["ttft_points"]]
        middles = course.middles(over)
        for name, to in (("p50_ns", p50), ("p99_ns", p99)):
            parts = zip(middles, over["ttft"][name], over["ttft"]["n"], strict=True)
            to += [
                (at, None if value is None or n < _FEWEST else digits(value / 1e6))
                for at, value, n in parts
            ]
            to.append((middles[-1], None))  # no line runs from one level into the next
    dots = {"size": 4, "opacity": 0.45}
    traces = [line("a request", *_columns(rows), 0, mode="markers", marker=dots)]
    traces += [
        line(name, *_columns(known), colour, connectgaps=False)
        for name, known, colour in (("p50", p50, 2), ("p99", p99, 1))
        if any(value is not None for _, value in known)
    ]
    about = (
        "Time to first token of single requests, by when they were sent, and its percentiles by "
        f"when it came, in spans of a 96th of each level that saw at least {_FEWEST}."
    )
    layout = {"yaxis": axis("TTFT ms", type="log", dtick="D2")}
    columns = ("sent_s", "ttft_ms")
    return course.chart(
        f"{key}-ttft-time", "TTFT over time", about, traces if rows else [], layout, columns, rows
    )


def _columns(rows: Sequence[Sequence[Any]]) -> tuple[list[Any], list[Any]]:
    return [row[0] for row in rows], [row[1] for row in rows]


def _heat(course: Course, key: str) -> Chart:
    traces: list[Trace] = []
    rows: list[tuple[float, float, float, int]] = []
    for _, over in course.levels:
        edges = [digits(edge / 1e6, 4) or 0.0 for edge in over["gap_heat"]["edges_ns"]]
        counts = over["gap_heat"]["counts"]
        if not edges:
            continue
        x = [course.at_s(over["from_ns"] + n * over["bin_ns"]) for n in range(over["bins"] + 1)]
        traces.append(_heat_map(x, edges, counts))
        rows += [
            (x[place], low, high, n)
            for place, spans in enumerate(counts)
            for low, high, n in zip(edges, edges[1:], spans, strict=False)
            if n
        ]
    about = (
        "How many gaps between output chunks ended when, by their length; the darker the more, on "
        "a logarithmic scale. A stall of everybody is a column, a slow stream a row."
    )
    layout = {
        "yaxis": axis("gap ms", type="log", dtick="D2"),
        "coloraxis": {"showscale": False},
    }
    columns = ("from_s", "gap_from_ms", "gap_to_ms", "gaps")
    return course.chart(f"{key}-gaps-time", "Gaps over time", about, traces, layout, columns, rows)


def _heat_map(x: list[float], edges: list[float], counts: list[list[int]]) -> Trace:
    by_row = [list(each) for each in zip(*counts, strict=True)]
    return {
        "type": "heatmap",
        "x": x,
        "y": edges,
        "z": [[_log(n) for n in each] for each in by_row],
        "text": by_row,
        "hovertemplate": "%{x:.2f} s, %{y:.3g} ms: %{text} gaps<extra></extra>",
        "coloraxis": "coloraxis",
        "name": "",
    }


def _log(count: int) -> float | None:
    return round(log10(count) + 0.3, 2) if count else None


def _load(course: Course, key: str) -> Chart:
    rows: list[tuple[float, float | None, float | None]] = []
    for _, over in course.levels:
        parts = (course.middles(over), over["in_flight"], over["tokens_per_s"])
        rows += list(zip(*parts, strict=True))
    x = [row[0] for row in rows]
    traces = [
        line("in flight", x, [row[1] for row in rows], 0),
        line("tokens/s", x, [row[2] for row in rows], 2, yaxis="y2"),
    ]
    about = (
        "Requests that were due and had not ended, and output tokens per second; those of an "
        "answer are spread evenly over it."
    )
    layout = {
        "yaxis": axis("requests in flight", rangemode="tozero"),
        "yaxis2": axis(
            "tokens/s",
            rangemode="tozero",
            overlaying="y",
            side="right",
            showgrid=False,
            tickmode="auto",
        ),
    }
    columns = ("at_s", "in_flight", "tokens_per_s")
    return course.chart(f"{key}-load-time", "Load over time", about, traces, layout, columns, rows)


def _ended(course: Course, key: str) -> Chart:
    names = dict.fromkeys(name for _, over in course.levels for name in over["ended"])
    ordered = sorted(names, key=lambda name: name != "ok")
    traces: list[Trace] = []
    rows: list[tuple[float, str, float]] = []
    for place, name in enumerate(ordered):
        x: list[float] = []
        y: list[float] = []
        for _, over in course.levels:
            counts = over["ended"].get(name)
            if counts is None:
                continue
            seconds = over["bin_ns"] / 1e9
            x += course.middles(over)
            y += [digits(count / seconds) or 0.0 for count in counts]
        called = safe_text(name, 60)
        rows += [(at, called, rate) for at, rate in zip(x, y, strict=True) if rate]
        colour = "soft" if name == "ok" else f"c{(1, 3, 4, 5, 7, 6, 0, 2)[(place - 1) % 8]}"
        bars = {"type": "bar", "name": called, "x": x, "y": y, "colour": colour}
        traces.append(bars)
    about = "Requests that ended per second, by what came of them; failed ones by class."
    layout = {
        "yaxis": axis("ended per second"),
        "barmode": "stack",
        "bargap": 0,
    }
    columns = ("at_s", "outcome", "per_s")
    return course.chart(
        f"{key}-ended-time", "Endings and errors over time", about, traces, layout, columns, rows
    )
