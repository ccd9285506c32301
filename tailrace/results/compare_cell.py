"""Cell: one figure of one level in two runs, and what can be said of its change. Pure.

Rule: a cell is called better or worse only where the change is beyond the margin with confidence,
after Holm's correction (1979) over all cells of the comparison, so that a comparison without any
true change calls one so at most as often as 1 - confidence, however many cells it has. ``no
difference`` needs an interval that is narrow enough to have shown one; else it cannot be told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from tailrace.results.pareto import Better

Verdict = Literal["better", "worse", "no difference", "cannot tell"]
Scale = Literal["ratio", "points"]
BOUNDED = "it reaches requests that timed out or were cut off"
VERDICTS: tuple[Verdict, ...] = ("worse", "better", "no difference", "cannot tell")


class Change(Protocol):
    """What is known of a change: of a ratio its logarithm, of shares their difference."""

    def interval(self, confidence: float) -> tuple[float, float]:
        """Where the true change lies, with this confidence."""

    def p_at_most(self, limit: float) -> float:
        """One-sided p-value of `the true change is at most the limit`."""

    def p_at_least(self, limit: float) -> float:
        """One-sided p-value of `the true change is at least the limit`."""


@dataclass(frozen=True, slots=True)
class Cell:
    """``base`` and ``other`` are in ``unit``; ``change``, ``low`` and ``high`` are other / base - 1
    where ``scale`` is a ratio, and other - base where it is points (parts of one)."""

    model: str
    load: str
    metric: str = ""
    statistic: str = ""
    """``p99``; empty for a rate."""
    unit: str = ""
    better: Better = "lower"
    scale: Scale = "ratio"
    base: float | None = None
    other: float | None = None
    n_base: int = 0
    """Samples; of a rate, answers."""
    n_other: int = 0
    margin: float = 0.05
    """The change, either way, that does not matter."""
    change: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    """Two-sided, of `the change is within the margin`; None where nothing could be tested."""
    p_adjusted: float | None = None
    effect: float | None = None
    """Vargha and Delaney's A: the chance that a sample of the other is the larger one."""
    verdict: Verdict = "cannot tell"
    reason: str = ""
    """Why it cannot be told."""
    at_least: bool = False
    """A side's figure is only a lower bound."""

    @property
    def name(self) -> str:
        """``ttft p99``, ``tokens_per_s``."""
        return f"{self.metric} {self.statistic}".strip()

    @property
    def tested(self) -> bool:
        """Whether there is an interval."""
        return self.p is not None


def two_sided_p(change: Change, lowest: float, highest: float) -> float:
    """That the true change is within [lowest, highest]."""
    return min(1.0, 2 * min(change.p_at_most(highest), change.p_at_least(lowest)))


def judged(cells: Sequence[Cell], confidence: float) -> list[Cell]:
    """The cells with their verdicts; those that could not be tested keep their reason."""
    tested = [index for index, cell in enumerate(cells) if cell.p is not None]
    adjusted = holm([float(cells[index].p or 0.0) for index in tested])
    found = list(cells)
    for index, p in zip(tested, adjusted, strict=True):
        found[index] = _judged(replace(cells[index], p_adjusted=p), confidence, len(tested))
    return found


def holm(ps: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values, in the same order: valid whatever depends on what."""
    order = sorted(range(len(ps)), key=lambda index: ps[index])
    adjusted, highest = [0.0] * len(ps), 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(ps) - rank) * ps[index]))
        adjusted[index] = highest
    return adjusted


def _judged(cell: Cell, confidence: float, cells: int) -> Cell:
    low, high, change = cell.low or 0.0, cell.high or 0.0, cell.change or 0.0
    if cell.p_adjusted is not None and cell.p_adjusted < 1 - confidence:
        worse = (change > 0) == (cell.better == "lower")
        return replace(cell, verdict="worse" if worse else "better")
    if cell.at_least:
        return replace(cell, reason=BOUNDED)
    width = half_width(cell)
    if width > cell.margin:
        return replace(cell, reason=_wide(cell, width))
    nearest, farthest = sorted((abs(low), abs(high)))
    if (low > 0 or high < 0) and farthest > cell.margin:
        chance = f"which may be chance among {cells} figures"
        what = chance if nearest > cell.margin else "about as large as the margin"
        return replace(cell, reason=f"a change, {what}")
    return replace(cell, verdict="no difference")


def half_width(cell: Cell) -> float:
    """Half of the interval, on the scale of the margin; that of a ratio as if around 1."""
    low, high = cell.low or 0.0, cell.high or 0.0
    if cell.scale == "points":
        return (high - low) / 2
    if low <= -1:
        return float("inf")
    half: float = ((1 + high) / (1 + low)) ** 0.5 - 1
    return half


def _wide(cell: Cell, width: float) -> str:
    if cell.margin <= 0 or width == float("inf"):
        return "the interval is wider than the margin"
    times = (width / cell.margin) ** 2
    more = f"; some {times:.2g} times as many requests would do" if times < 1000 else ""
    return (
        f"the interval (±{100 * width:.2g} %) is wider than the margin "
        f"(±{100 * cell.margin:.2g} %){more}"
    )
