"""Chart of single requests: some of them as bars, from when they were due to their end. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tailrace.results.render.chart import SECONDS, Cell, Chart, Trace, axis, line
from tailrace.results.render.text import safe_text

Found = Mapping[str, Any]
Clock = Callable[[float], float]
"""Nanoseconds of the run to seconds on the axis."""
_TIMES = ("intended_ns", "sent_ns", "headers_ns", "first_output_ns", "last_output_ns", "ended_ns")
_PARTS = (
    ("waited to be sent", "intended_ns", "sent_ns", "soft"),
    ("to the first token", "sent_ns", "first_output_ns", "c1"),
    ("tokens", "first_output_ns", "last_output_ns", "c2"),
    ("failed or cut off", "sent_ns", "ended_ns", "c7"),
)


def request_chart(level: str, sampled: Sequence[Found], at_s: Clock, key: str) -> Chart:
    """Those of one level, in the order in which they were due."""
    bars = [_bars(sampled, at_s, *part) for part in _PARTS]
    traces = [*(each for each in bars if each["x"]), _longest_gaps(sampled, at_s)]
    about = (
        f"Some requests of the last level ({level}), a bar each: evenly chosen ones, the slowest, "
        "and those with the longest gaps."
    )
    layout = {
        "xaxis": axis(SECONDS),
        "yaxis": axis("", showticklabels=False, autorange="reversed"),
        "barmode": "overlay",
        "bargap": 0.25,
    }
    ends = tuple(name.replace("_ns", "_s") for name in _TIMES)
    columns = ("id", "outcome", *ends, "output_tokens")
    rows = [_row(one, at_s) for one in sampled]
    shown = traces if rows else []
    name = f"{key}-requests"
    return Chart(name, "Single requests", about, shown, layout, columns, rows=rows, wide=True)


def _row(one: Found, at_s: Clock) -> tuple[Cell, ...]:
    times = [None if one[name] is None else at_s(one[name]) for name in _TIMES]
    return safe_text(one["id"], 80), _came_to(one), *times, one["output_tokens"]


def _came_to(one: Found) -> str:
    return safe_text(one["error_class"] or one["outcome"], 60)


def _bars(
    sampled: Sequence[Found], at_s: Clock, name: str, begin: str, end: str, colour: str
) -> Trace:
    """From one moment of a request to another, where it has both."""
    whole = end == "ended_ns"
    known = [
        (place, one)
        for place, one in enumerate(sampled)
        if one[begin] is not None and one[end] is not None
        if not whole or one["outcome"] != "ok"
    ]
    return {
        "type": "bar",
        "orientation": "h",
        "name": name,
        "y": [place for place, _ in known],
        "base": [at_s(one[begin]) for _, one in known],
        "x": [round((one[end] - one[begin]) / 1e9, 4) for _, one in known],
        "colour": colour,
        "text": [_came_to(one) for _, one in known],
        "textposition": "none",
        "hovertemplate": f"{name}: %{{x:.4f}} s (%{{text}})<extra></extra>",
        "opacity": 0.35 if whole else 1,
    }


def _longest_gaps(sampled: Sequence[Found], at_s: Clock) -> Trace:
    known = [(place, one) for place, one in enumerate(sampled) if one["max_gap_at_ns"] is not None]
    return line(
        "its longest gap",
        [at_s(one["max_gap_at_ns"] - one["max_gap_ns"] / 2) for _, one in known],
        [place for place, _ in known],
        3,
        mode="markers",
        marker={"symbol": "line-ns-open", "size": 9},
        text=[f"{one['max_gap_ns'] / 1e6:.1f} ms" for _, one in known],
        hovertemplate="longest gap %{text}<extra></extra>",
    )
