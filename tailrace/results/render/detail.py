"""Detail: how finely a report draws a level over time. Pure.

Rule: a report of few levels shows all that the result has; of many, each level has fewer spans and
points, as its charts have fewer pixels. So the page's size has a bound, and what is left out is in
``result.json``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

_SPANS = 2000
_POINTS = 6000
"""Of all levels of a report together, about."""
_SLOWEST = 20
"""Points of a level that are never left out."""


@dataclass(frozen=True, slots=True)
class Detail:
    """Of each level."""

    join: int = 1
    """Neighbouring spans that are drawn as one: 1, 2, 4, 8."""
    points: int = 1000
    """Single requests that are shown, about, beside the slowest."""

    def sums(self, spans: Sequence[int]) -> list[int]:
        """Counts of the spans that are drawn."""
        return [sum(spans[at : at + self.join]) for at in range(0, len(spans), self.join)]

    def means(self, spans: Sequence[float]) -> list[float]:
        """Mean values of the spans that are drawn, which are equally long."""
        parts = (spans[at : at + self.join] for at in range(0, len(spans), self.join))
        return [math.fsum(part) / len(part) for part in parts]

    def thinned(self, points: Sequence[Sequence[int]]) -> list[Sequence[int]]:
        """Evenly chosen ones of [when, how long], and the slowest, in their order."""
        slowest = sorted(points, key=lambda point: -point[1])[:_SLOWEST]
        least = slowest[-1][1] if slowest else 0
        step = math.ceil(len(points) / self.points) or 1
        return [
            point
            for place, point in enumerate(points)
            if place % step == 0 or (point[1] >= least and point in slowest)
        ]


def detail_of(levels: int, spans: int) -> Detail:
    """For a report of so many levels, whose results have so many spans together."""
    join = 1
    while join < 8 and spans > _SPANS * join:
        join *= 2
    return Detail(join, max(_SLOWEST, min(1000, _POINTS // max(1, levels))))
