"""Pareto: which candidates no other one beats. Pure.

A candidate is a row of values, None where there is none; each column has a direction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

Better = Literal["lower", "higher"]
Values = Sequence[float | None]


def dominates(one: Values, other: Values, better: Sequence[Better]) -> bool:
    """Whether ``one`` is nowhere worse and somewhere better, over the columns known for both.

    Where candidates lack different values, three of them can beat each other in a ring, and then
    none of the three is marked; with every value known there is always one that is.
    """
    somewhere = False
    for mine, theirs, way in zip(one, other, better, strict=True):
        if mine is None or theirs is None or mine == theirs:
            continue
        if (mine < theirs) != (way == "lower"):
            return False
        somewhere = True
    return somewhere


def front(rows: Sequence[Values | None], better: Sequence[Better]) -> list[bool | None]:
    """Whether each row is dominated by no other; None for a row that is not compared."""
    compared = [row for row in rows if row is not None]
    return [
        None if row is None else not any(dominates(other, row, better) for other in compared)
        for row in rows
    ]
