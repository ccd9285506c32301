"""Server charts: the server and its client over time, on one axis. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tailrace.results.render.charts import Drawing
from tailrace.results.render.figures import number
from tailrace.results.render.svg import Curve, Point, chart
from tailrace.results.render.table import Level

Lines = Mapping[str, Sequence[float | None]]
_STEPS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400)
_MOST_TICKS = 6
AXIS = "seconds"

_CHARTS: tuple[tuple[str, str, float, tuple[tuple[str, str], ...]], ...] = (
    (
        "Requests: run, wait at the server; in flight here",
        "requests",
        1.0,
        (("run", "running"), ("wait", "waiting"), ("here", "in_flight")),
    ),
    (
        "Output tokens per second, there and here",
        "tokens/s",
        1.0,
        (("there", "tokens_per_s"), ("here", "client_tokens_per_s")),
    ),
    ("KV cache in use", "%", 100.0, (("", "cache_usage"),)),
    ("CPU of the server's process", "cores", 1.0, (("", "cpu"),)),
    ("Memory of the server's process", "MB", 1e-6, (("", "rss_bytes"),)),
    ("GPU utilisation, mean of all", "%", 100.0, (("", "gpu_utilisation"),)),
    ("GPU power, sum of all", "W", 1.0, (("", "gpu_power_w"),)),
)


def server_drawings(result: Mapping[str, Any]) -> list[Drawing]:
    """Those of a model's document that have anything to show."""
    server = result.get("server")
    lines: Lines = {} if server is None else server["timeline"]
    if len(lines.get("at_s", ())) < 2:
        return []
    made = []
    for caption, unit, factor, names in _CHARTS:
        curves = [_curve(lines, called, name, factor, unit) for called, name in names]
        curves = [curve for curve in curves if curve.points]
        ours = names[-1][1] in ("in_flight", "client_tokens_per_s")
        if len(curves) > int(ours):  # the client's line alone is no view of the server
            svg = chart(caption, unit, AXIS, ticks(lines["at_s"]), curves, linear=True)
            made.append(Drawing(caption, svg))
    return [drawing for drawing in made if drawing.svg]


def level_starts(result: Mapping[str, Any], levels: Sequence[Level]) -> str:
    """Where on the axis the levels begin."""
    starts = result["server"]["levels_at_s"]
    said = (
        f"{level.title} at {number(at_s)} s" for level, at_s in zip(levels, starts, strict=False)
    )
    return f"Levels begin: {', '.join(said)}."


def ticks(at_s: Sequence[float | None]) -> list[tuple[float, str]]:
    """Round seconds from nought to the last look."""
    high = max(0.1, *(at for at in at_s if at is not None))
    step = next((s for s in _STEPS_S if high / s <= _MOST_TICKS), high / _MOST_TICKS)
    places = range(int(high / step) + 1)
    found = [(place * step, f"{place * step:g}") for place in places]
    return [*found, (high, "")] if found[-1][0] < high else found


def _curve(lines: Lines, called: str, name: str, factor: float, unit: str) -> Curve:
    points = tuple(
        Point(
            max(0.0, at_s),
            value * factor,
            f"{at_s:g} s, {called or name}: {number(value * factor)} {unit}",
        )
        for at_s, value in zip(lines["at_s"], lines.get(name, ()), strict=False)
        if at_s is not None and value is not None
    )
    return Curve(called, points, dots=len(points) <= 1)
