"""Charts over time: a model's levels one after another on one axis of seconds. Pure.

Made from ``over_time`` of each level; a result that has none, of a level that never ended, has no
such charts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from tailrace.results.render.chart import (
    SECONDS,
    Chart,
    Table,
    Trace,
    axis,
    digits,
    line,
    log_axis,
)
from tailrace.results.render.charts_requests import request_chart
from tailrace.results.render.detail import Detail
from tailrace.results.render.table import Level
from tailrace.results.render.text import safe_text

Found = Mapping[str, Any]
_FEWEST = 8
"""Samples of a span below which its percentiles are no line: the points show more."""
_BEGINS = "A dotted line stands where a level begins."


class Course:
    """The levels of a model that have their course in the result, and when they began."""

    def __init__(self, levels: Sequence[Level], result: Found, detail: Detail) -> None:
        self.detail = detail
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

    def edges(self, over: Found) -> list[float]:
        """Of the spans that are drawn; one more than there are."""
        first, width = over["from_ns"], over["bin_ns"]
        return [self.at_s(first + n * width) for n in range(0, over["bins"] + 1, self.detail.join)]

    def middles(self, over: Found, join: int) -> list[float]:
        """Of its spans, so many together."""
        first, width = over["from_ns"], over["bin_ns"]
        return [self.at_s(first + (n + join / 2) * width) for n in range(0, over["bins"], join)]

    def chart(
        self,
        key: str,
        title: str,
        about: str,
        traces: Sequence[Trace],
        layout: Found,
        columns: Sequence[str],
        table: Table,
    ) -> Chart:
        """One over the whole width, with where the levels begin."""
        whole = {"xaxis": axis(SECONDS), **layout}
        words = f"{about} {_BEGINS}"
        return Chart(
            key, title, words, traces, whole, columns, table, wide=True, marks=tuple(self.marks)
        )


def time_charts(levels: Sequence[Level], result: Found, key: str, detail: Detail) -> list[Chart]:
    """TTFT, gaps, load, endings, and some requests, over time."""
    course = Course(levels, result, detail)
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
    return request_chart(level.title, over["sampled"], course.at_s, key)


def _ttft(course: Course, key: str) -> Chart:
    rows: list[tuple[float, float]] = []
    p50: list[tuple[float, float | None]] = []
    p99: list[tuple[float, float | None]] = []
    for _, over in course.levels:
        points = course.detail.thinned(over["ttft_points"])
        rows += [(course.at_s(at), digits(value / 1e6) or 0.0) for at, value in points]
        middles = course.middles(over, 1)
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
        if _is_line(known)
    ]
    about = (
        "Time to first token of single requests, by when they were sent, and its percentiles by "
        f"when it came, in spans of a 96th of each level that saw at least {_FEWEST}."
    )
    layout = {"yaxis": log_axis("TTFT ms")}
    columns = ("of", "at_s", "ttft_ms")
    shown = traces if rows else []
    return course.chart(
        f"{key}-ttft-time", "TTFT over time", about, shown, layout, columns, "points"
    )


def _is_line(points: Sequence[tuple[float, float | None]]) -> bool:
    """Whether two neighbours are known, between which something is drawn."""
    return any(a is not None and b is not None for (_, a), (_, b) in pairwise(points))


def _columns(rows: Sequence[Sequence[Any]]) -> tuple[list[Any], list[Any]]:
    return [row[0] for row in rows], [row[1] for row in rows]


def _heat(course: Course, key: str) -> Chart:
    traces = [_heat_map(course, over) for _, over in course.levels if over["gap_heat"]["edges_ns"]]
    about = (
        "How many gaps between output chunks ended when, by their length; the darker the more, on "
        "a logarithmic scale. A stall of everybody is a column, a slow stream a row."
    )
    layout = {
        "yaxis": log_axis("gap ms"),
        "coloraxis": {"showscale": False},
    }
    columns = ("from_s", "gap_from_ms", "gap_to_ms", "gaps")
    return course.chart(
        f"{key}-gaps-time", "Gaps over time", about, traces, layout, columns, "counts"
    )


def _heat_map(course: Course, over: Found) -> Trace:
    heat = over["gap_heat"]
    return {
        "type": "heatmap",
        "x": course.edges(over),
        "y": [digits(edge / 1e6, 4) for edge in heat["edges_ns"]],
        "z": [course.detail.sums(spans) for spans in zip(*heat["counts"], strict=True)],
        "coloraxis": "coloraxis",
        "name": "",
    }


def _load(course: Course, key: str) -> Chart:
    x: list[float] = []
    measures: dict[str, list[float | None]] = {"in_flight": [], "tokens_per_s": []}
    for _, over in course.levels:
        x += course.middles(over, course.detail.join)
        for name, y in measures.items():
            y += [digits(value) for value in course.detail.means(over[name])]
    traces = [
        line("in flight", x, measures["in_flight"], 0),
        line("tokens/s", x, measures["tokens_per_s"], 2, yaxis="y2"),
    ]
    about = (
        "Requests that were due and had not ended, and output tokens per second; those of an "
        "answer are spread evenly over it."
    )
    right = {"overlaying": "y", "side": "right", "showgrid": False, "tickmode": "auto"}
    layout = {
        "yaxis": axis("requests in flight", rangemode="tozero"),
        "yaxis2": axis("tokens/s", rangemode="tozero", **right),
    }
    columns = ("at_s", *measures)
    return course.chart(
        f"{key}-load-time", "Load over time", about, traces, layout, columns, "shared"
    )


def _ended(course: Course, key: str) -> Chart:
    names = dict.fromkeys(name for _, over in course.levels for name in over["ended"])
    ordered = sorted(names, key=lambda name: name != "ok")
    traces: list[Trace] = []
    for place, name in enumerate(ordered):
        x, y = _rates(course, name)
        colour = "soft" if name == "ok" else f"c{(1, 3, 4, 5, 7, 6, 0, 2)[(place - 1) % 8]}"
        bars = {"type": "bar", "name": safe_text(name, 60), "x": x, "y": y, "colour": colour}
        traces.append(bars)
    about = "Requests that ended per second, by what came of them; failed ones by class."
    layout = {
        "yaxis": axis("ended per second"),
        "barmode": "stack",
        "bargap": 0,
    }
    columns = ("outcome", "at_s", "per_s")
    return course.chart(
        f"{key}-ended-time",
        "Endings and errors over time",
        about,
        traces,
        layout,
        columns,
        "points",
    )


def _rates(course: Course, name: str) -> tuple[list[float], list[float]]:
    """When, and how many a second, ended so; only of the levels where any did."""
    x: list[float] = []
    y: list[float] = []
    join = course.detail.join
    for _, over in course.levels:
        if name in over["ended"]:
            seconds = join * over["bin_ns"] / 1e9
            x += course.middles(over, join)
            y += [round(count / seconds, 3) for count in course.detail.sums(over["ended"][name])]
    return x, y
