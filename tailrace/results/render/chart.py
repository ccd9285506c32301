"""Chart: one figure of the report: what Plotly draws, what its words say, and its data. Pure.

A figure is plain data in Plotly's own form (traces and a layout), so that no library is asked to
make it. Colours are names of the page's palette, ``c0`` to ``c7`` and ``soft``: the page puts in
those of the light, the dark or the printed form. A heat map has plain counts: the page shades them
by their logarithm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Trace = dict[str, Any]
Cell = str | float | int | None
Table = Literal["rows", "points", "shared", "counts"]
COLOURS = 8
SECONDS = "seconds since the first level began"
"""What all charts over time have on their x axis."""
_DASHES = ("solid", "dash", "dot", "dashdot")
"""Of the lines beyond the eighth, which have the colours of the first anew."""
_LOG_TICKS = 4
"""So few that a narrow range has round numbers of its own, and not one power of ten alone."""


@dataclass(frozen=True, slots=True)
class Chart:
    """``traces`` and ``layout`` go to Plotly; ``columns`` and what ``table`` says are its data."""

    key: str
    """Name of its files: letters, digits and dashes."""
    title: str
    about: str
    """What is drawn, and how to read it, in a sentence or two."""
    traces: Sequence[Trace]
    layout: Mapping[str, Any]
    columns: Sequence[str]
    table: Table = "rows"
    """Where the page finds the lines of the CSV, so that it holds nothing twice: ``rows``; name, x
    (or ``customdata``) and y of all ``points``; one ``shared`` x and y of each trace; or edges and
    ``counts`` of a heat map."""
    rows: Sequence[Sequence[Cell]] = ()
    wide: bool = False
    """Over the whole width of the page."""
    marks: Sequence[tuple[float, str]] = field(default=())
    """Where something begins on the x axis, and its name."""
    of: str = ""
    """The model, for a picture that stands alone."""


def axis(title: str, **more: Any) -> dict[str, Any]:
    """A named axis."""
    return {"title": {"text": title}, **more}


def log_axis(title: str) -> dict[str, Any]:
    """A named logarithmic axis, with at least two numbers on it."""
    return axis(title, type="log", nticks=_LOG_TICKS)


def line(name: str, x: Sequence[Cell], y: Sequence[Cell], colour: int, **more: Any) -> Trace:
    """A line of points."""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": list(x),
        "y": list(y),
        "colour": f"c{colour % COLOURS}",
        "line": {"dash": _DASHES[colour // COLOURS % len(_DASHES)]},
        **more,
    }


def aligned(charts: Sequence[Chart]) -> list[Chart]:
    """Charts over time with one and the same axis, so that one stands under the other."""
    over_time = [chart for chart in charts if chart.marks]
    ends = [x for chart in over_time for trace in chart.traces for x in trace["x"] if x is not None]
    reach = [0, max(ends, default=0)]
    return [
        replace(chart, layout={**chart.layout, "xaxis": {**chart.layout["xaxis"], "range": reach}})
        if chart.marks
        else chart
        for chart in charts
    ]


def digits(value: float | None, places: int = 3) -> float | None:
    """Rounded, so that a page of many figures stays small."""
    return None if value is None else round(value, places)
