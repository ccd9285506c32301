"""Level compared: every figure of one load level in two runs as cells, not yet judged. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import exp, log

import numpy as np

from tailrace.results.compare_bootstrap import Drawn, Draws, Sorted, log_ratio, rate
from tailrace.results.compare_cell import BOUNDED, Cell, two_sided_p
from tailrace.results.compare_figures import LATENCIES, Figures
from tailrace.results.compare_shares import ShareDifference, share_of
from tailrace.results.stats import percentile_name, sample_floor

RATES = ("tokens_per_s", "requests_per_s")
ERRORS = "error_rate"
METRICS: tuple[str, ...] = (*LATENCIES, *RATES, ERRORS)
DEFAULT_METRICS: tuple[str, ...] = ("ttft", "icl", "tpot", "e2e", *RATES, ERRORS)
PERCENTS: tuple[float, ...] = (50.0, 90.0, 99.0)
_FEWEST_REQUESTS = 11
"""As many as a median needs (MLPerf's rule)."""
_ONE_US, _A_TRICKLE, _US_IN_MS = 1.0, 1e-9, 1000.0


@dataclass(frozen=True, slots=True)
class Settings:
    """How a comparison is made."""

    metrics: tuple[tuple[str, tuple[float, ...]], ...] = tuple(
        (metric, PERCENTS) for metric in DEFAULT_METRICS
    )
    """Each with the percentiles that are wanted of it."""
    margin: float = 0.05
    """The change of a ratio that does not matter."""
    error_margin: float = 0.01
    """The change of the error rate that does not matter, as a part of one."""
    confidence: float = 0.95
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Dice:
    """The draws of both sides, which must not be the same."""

    base: Draws
    other: Draws


def dice_of(seed: int) -> Dice:
    """For one comparison; the same seed gives the same intervals."""
    return Dice(Draws(seed, 0), Draws(seed, 1))


def level_cells(
    model: str, load: str, base: Figures, other: Figures, settings: Settings, dice: Dice
) -> Iterator[Cell]:
    """The cells of one level, in the order of ``settings.metrics``; without what neither has."""
    blank = Cell(model, load, margin=settings.margin)
    made = _Maker(blank, base, other, settings, dice)
    for metric, percents in settings.metrics:
        if metric in LATENCIES:
            yield from made.latency(metric, percents)
        elif metric == ERRORS:
            yield from made.errors()
        else:
            yield from made.rate(metric)


class _Maker:
    def __init__(
        self, blank: Cell, base: Figures, other: Figures, settings: Settings, dice: Dice
    ) -> None:
        self._blank = blank
        self._base, self._other = base, other
        self._settings, self._dice = settings, dice

    def latency(self, metric: str, percents: Sequence[float]) -> Iterator[Cell]:
        base, other = (Sorted(side.samples[metric]) for side in (self._base, self._other))
        if not base.n and not other.n:
            return
        blank = replace(
            self._blank,
            metric=metric,
            unit="ms",
            n_base=base.n,
            n_other=other.n,
            effect=_effect(base, other),
        )
        for percent in percents:
            cell = replace(blank, statistic=percentile_name(percent))
            few = _few((base, other), percent)
            if few:
                values = [_ms(side.plain(percent)) for side in (base, other)]
                yield replace(cell, base=values[0], other=values[1], reason=few)
                continue
            drawn_base = base.percentile(percent, self._dice.base)
            drawn_other = other.percentile(percent, self._dice.other)
            cell = self._ratio(cell, drawn_base, drawn_other, _US_IN_MS, _ONE_US)
            cell = _bounded(cell, base, other, (drawn_base, drawn_other))
            yield _independent(cell, drawn_base, drawn_other, percent)

    def rate(self, metric: str) -> Iterator[Cell]:
        sides = self._base, self._other
        tokens = metric == "tokens_per_s"
        if tokens and not all(side.tokens_known for side in sides):
            return
        amounts = [side.slice_tokens if tokens else side.slice_answers for side in sides]
        n = [round(float(side.slice_answers.sum())) for side in sides]
        cell = replace(
            self._blank, metric=metric, unit="1/s", better="higher", n_base=n[0], n_other=n[1]
        )
        if not all(side.slice_s.any() for side in sides):
            yield replace(cell, reason="a level has no measure window")
        elif min(n) < _FEWEST_REQUESTS:
            yield replace(cell, reason=f"too few answers: {min(n)}, it takes {_FEWEST_REQUESTS}")
        else:
            base = rate(amounts[0], sides[0].slice_s, self._dice.base)
            other = rate(amounts[1], sides[1].slice_s, self._dice.other)
            yield self._ratio(cell, base, other, 1.0, _A_TRICKLE)

    def errors(self) -> Iterator[Cell]:
        flags = self._base.failed, self._other.failed
        cell = replace(
            self._blank,
            metric=ERRORS,
            unit="share",
            scale="points",
            n_base=len(flags[0]),
            n_other=len(flags[1]),
            margin=self._settings.error_margin,
        )
        if not len(flags[0]) or not len(flags[1]):
            yield replace(cell, reason="no measured request")
            return
        change = ShareDifference(share_of(flags[0]), share_of(flags[1]))
        low, high = change.interval(self._settings.confidence)
        yield replace(
            cell,
            base=change.base.value,
            other=change.other.value,
            change=change.value,
            low=low,
            high=high,
            p=two_sided_p(change, -cell.margin, cell.margin),
        )

    def _ratio(self, cell: Cell, base: Drawn, other: Drawn, scale: float, least: float) -> Cell:
        """Both figures, divided by ``scale``, and their ratio with its interval."""
        change = log_ratio(base, other, least)
        low, high = change.interval(self._settings.confidence)
        limit = log(1 + cell.margin)
        known = replace(
            cell,
            base=base.value / scale,
            other=other.value / scale,
            change=exp(change.value) - 1,
            low=exp(low) - 1,
            high=exp(high) - 1,
        )
        if base.blocks.dependent or other.blocks.dependent:
            return replace(known, reason="it drifts, or requests hang together: measure longer")
        return replace(known, p=two_sided_p(change, -limit, limit))


def _few(sides: Sequence[Sorted], percent: float) -> str:
    """Why the percentile of one side is not known; empty where both are."""
    name, floor = percentile_name(percent), sample_floor(percent)
    n, requests = min(side.n for side in sides), min(side.requests for side in sides)
    if not n:
        return "one of the runs has none"
    if n < floor:
        return f"too few samples: {n}, {name} takes {floor}"
    if requests < _FEWEST_REQUESTS:
        return f"too few requests: {requests}, it takes {_FEWEST_REQUESTS}"
    return ""


def _independent(cell: Cell, base: Drawn, other: Drawn, percent: float) -> Cell:
    """Without a test where the samples are worth too few independent ones for the percentile."""
    floor, side = sample_floor(percent), min(base, other, key=lambda drawn: drawn.worth)
    if side.worth >= floor or not cell.tested:
        return cell
    reason = f"requests hang together: {side.n} samples are worth {side.worth:.0f}"
    return replace(cell, p=None, reason=f"{reason}, {cell.statistic} takes {floor}")


def _bounded(cell: Cell, base: Sorted, other: Sorted, drawn: tuple[Drawn, Drawn]) -> Cell:
    """What becomes of a figure that reaches samples which are only lower bounds.

    One of the other side may still show that it is worse, one of the base that it was better.
    """
    reaches = [
        side.bound_us is not None and float(np.quantile(of.draws, 0.975)) >= side.bound_us
        for side, of in zip((base, other), drawn, strict=True)
    ]
    if not any(reaches) or not cell.tested:
        return cell
    grew = (cell.change or 0) > 0
    decides = reaches == [False, True] if grew else reaches == [True, False]
    bounded = replace(cell, at_least=True)
    return bounded if decides else replace(bounded, p=None, reason=BOUNDED)


def _effect(base: Sorted, other: Sorted) -> float | None:
    """Vargha and Delaney's A (2000): P(other > base) + P(equal) / 2; None without samples."""
    if not base.n or not other.n:
        return None
    below = np.searchsorted(base.values, other.values, side="left")
    upto = np.searchsorted(base.values, other.values, side="right")
    return float((below + upto).sum()) / (2 * base.n * other.n)


def _ms(value_us: int | None) -> float | None:
    return None if value_us is None else value_us / _US_IN_MS
