"""Chart: lines over an axis as an inline SVG string. Pure.

Rule: no colour alone carries meaning: each line has its own dash and its name at its end, a point
that is not certified is hollow, a lower bound points up. Colours are CSS classes of the page
(``c0`` to ``c7``), so that dark mode and print need no second drawing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 380, 250
LEFT, RIGHT, TOP, BOTTOM = 46, 54, 22, 36
COLOURS = 8
LOG_FROM = 50
"""Ratio of the highest to the lowest value from which the value axis is logarithmic."""


@dataclass(frozen=True, slots=True)
class Point:
    """One value; ``note`` is what a pointer over it shows."""

    x: float
    y: float
    note: str
    certified: bool = True
    at_least: bool = False


@dataclass(frozen=True, slots=True)
class Curve:
    """One line with its name; without a name when it is the only one."""

    name: str
    points: tuple[Point, ...]
    dots: bool = True
    """Whether each point is marked; a line of a hundred is only a line."""


class Scale:
    """Value to height, linear from nought or logarithmic."""

    def __init__(self, values: Sequence[float], linear: bool = False) -> None:
        low, high = min(v for v in values if v > 0), max(values)
        self.log = not linear and high / low > LOG_FROM
        self.ticks = _log_ticks(low, high) if self.log else _linear_ticks(high)
        self._low, self._high = self._of(self.ticks[0]), self._of(max(self.ticks[-1], high))

    def _of(self, value: float) -> float:
        return math.log10(max(value, self.ticks[0])) if self.log else value

    def y(self, value: float) -> float:
        """Height on the page."""
        part = (self._of(value) - self._low) / (self._high - self._low)
        return HEIGHT - BOTTOM - part * (HEIGHT - BOTTOM - TOP)


def chart(
    title: str,
    unit: str,
    axis: str,
    ticks: Sequence[tuple[float, str]],
    curves: Sequence[Curve],
    linear: bool = False,
) -> str:
    """The drawing, or an empty string when there is nothing above nought to draw.

    ``linear`` keeps the value axis so, whatever the values.
    """
    values = [point.y for curve in curves for point in curve.points]
    if not any(value > 0 for value in values):
        return ""
    scale = Scale(values, linear)
    low, high = ticks[0][0], ticks[-1][0]

    def x_of(x: float) -> float:
        part = (x - low) / (high - low) if high > low else 0.5
        return LEFT + 8 + part * (WIDTH - LEFT - RIGHT - 16)

    body = [*_grid(scale), *_x_axis(ticks, x_of, axis)]
    body.append(_text(2, 12, f"{unit}{', log scale' if scale.log else ''}", "start"))
    ends = []
    for index, curve in enumerate(curves):
        drawn = [(x_of(point.x), scale.y(point.y), point) for point in curve.points]
        if not drawn:
            continue
        body += _curve(index, drawn, curve.dots)
        if curve.name:
            ends.append((drawn[-1][1], index, curve.name))
    body += _names(ends)
    label = escape(f"{title}, {unit} over {axis}")
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">{"".join(body)}</svg>'
    )


def _short(tick: float) -> str:
    """``20000`` as ``20k``: the axis has room for five characters."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if tick >= 10 * size:
            return f"{tick / size:.12g}{letter}"
    return f"{tick:.12g}"


def _linear_ticks(high: float) -> list[float]:
    rough = high / 4
    power = 10 ** math.floor(math.log10(rough))
    step = next(f * power for f in (1, 2, 2.5, 5, 10) if f * power >= rough)
    return [step * index for index in range(math.ceil(high / step) + 1)]


def _log_ticks(low: float, high: float) -> list[float]:
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    every = max(1, math.ceil((last - first) / 5))
    return [10.0**exponent for exponent in range(first, last + every, every)]


def _grid(scale: Scale) -> Iterable[str]:
    for tick in scale.ticks:
        y = scale.y(tick)
        yield f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>'
        yield _text(LEFT - 6, y + 4, _short(tick), "end")


def _x_axis(
    ticks: Sequence[tuple[float, str]], x_of: Callable[[float], float], axis: str
) -> Iterable[str]:
    free_from = 0.0
    for value, name in ticks:
        x = x_of(value)
        if x - 4 * len(name) >= free_from:
            yield _text(x, HEIGHT - BOTTOM + 16, name, "middle")
            free_from = x + 4 * len(name) + 2
    yield _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 4, axis, "middle")


def _curve(index: int, drawn: Sequence[tuple[float, float, Point]], dots: bool) -> Iterable[str]:
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y, _ in drawn)
    yield f'<path class="line c{index % COLOURS}" d="M{path}"/>'
    for x, y, point in drawn if dots else ():
        kind = f"dot c{index % COLOURS}" + ("" if point.certified else " loose")
        shape = f"M{x:.1f} {y:.1f}m-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0"
        if point.at_least:
            shape = f"M{x:.1f} {y:.1f}m-4.5 3.5h9l-4.5 -8z"
        yield f'<path class="{kind}" d="{shape}"><title>{escape(point.note)}</title></path>'


def _names(ends: Sequence[tuple[float, int, str]]) -> Iterable[str]:
    """Names at the ends of their lines, pushed apart where they would cover each other."""
    below = float(HEIGHT - BOTTOM)
    for end, index, name in sorted(ends, reverse=True):
        y = min(end, below)
        below = y - 14
        x = WIDTH - RIGHT + 4
        yield f'<path class="line c{index % COLOURS}" d="M{x} {y:.1f}h12"/>'
        yield _text(x + 16, y + 4, name, "start")


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
