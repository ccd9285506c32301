"""Charts: which curves a report draws of one model's levels. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tailrace.results.render.figures import Figure, latency, number
from tailrace.results.render.svg import Curve, Point, chart
from tailrace.results.render.table import PERCENTILES, Level

Ticks = Sequence[tuple[float, str]]


@dataclass(frozen=True, slots=True)
class Drawing:
    """A chart and the words under it."""

    caption: str
    svg: str


def drawings(levels: Sequence[Level]) -> list[Drawing]:
    """The charts of one model that have anything to show."""
    made = [_ttft(levels), _throughput(levels), _icl(levels)]
    return [drawing for drawing in made if drawing.svg]


def _ttft(levels: Sequence[Level]) -> Drawing:
    rounds = _rounds(levels)
    shown = ("p50", "p95", "p99") if len(rounds) == 1 else ("p50", "p99")
    curves = [
        _by_users(same, "ttft", name, _named(name, same)) for name in shown for same in rounds
    ]
    caption = "TTFT by users"
    return Drawing(caption, chart(caption, "ms", "users", _user_ticks(levels), curves))


def _throughput(levels: Sequence[Level]) -> Drawing:
    curves = [Curve(_named("", same), _rates(same)) for same in _rounds(levels)]
    caption = "Output tokens per second by users"
    return Drawing(caption, chart(caption, "tokens/s", "users", _user_ticks(levels), curves))


def _icl(levels: Sequence[Level]) -> Drawing:
    places = {name: _percentile_x(float(name[1:])) for name in PERCENTILES}
    places["max"] = max(places.values()) + 0.7
    curves = []
    for level in levels:
        spread = level.metrics["icl"]
        figures = {**spread.percentiles, "max": spread.max}
        points = (_point(x, f"{level.title}, {n}", figures[n]) for n, x in places.items())
        curves.append(Curve(_named(level.load, [level]), tuple(p for p in points if p is not None)))
    caption = "ICL by percentile, a line for each number of users"
    ticks = [(x, name) for name, x in places.items()]
    return Drawing(caption, chart(caption, "ms", "percentile", ticks, curves))


def _rounds(levels: Sequence[Level]) -> list[list[Level]]:
    """The levels of each round, so that no line runs from one round into the next."""
    numbers = sorted({level.round for level in levels})
    return [[level for level in levels if level.round == number] for number in numbers]


def _named(name: str, same: Sequence[Level]) -> str:
    parts = [name, f"round {same[0].round}" if same[0].round else ""]
    return ", ".join(part for part in parts if part)


def _rates(levels: Sequence[Level]) -> tuple[Point, ...]:
    return tuple(
        Point(_user_x(level), rate, f"{level.title}: {number(rate)} tokens/s")
        for level in levels
        if (rate := level.tokens_per_s) is not None
    )


def _by_users(levels: Sequence[Level], metric: str, name: str, called: str) -> Curve:
    points = (
        _point(_user_x(level), f"{level.title}, {name}", level.metrics[metric].percentiles[name])
        for level in levels
    )
    return Curve(called, tuple(point for point in points if point is not None))


def _point(x: float, name: str, figure: Figure) -> Point | None:
    if figure.ms is None:
        return None
    note = f"{name}: {latency(figure)} ms"
    return Point(x, figure.ms, note, figure.certified, figure.at_least)


def _user_ticks(levels: Sequence[Level]) -> Ticks:
    return sorted({(_user_x(level), level.load) for level in levels})


def _user_x(level: Level) -> float:
    """Doubling the users is one step to the right."""
    return math.log2(max(level.users or 1, 1))


def _percentile_x(percent: float) -> float:
    """Each further nine is one step to the right."""
    return -math.log10(1 - percent / 100)
