"""Bootstrap: how far a percentile or a rate could have come out otherwise, by drawing blocks. Pure.

Rule: what is drawn is always a block of whole requests, neighbours in time (see compare_blocks), so
the gaps of a request stay together, and so do requests that shared a moment. Intervals are
percentile intervals, widened for few blocks as Hesterberg (2015, "What Teachers Should Know About
the Bootstrap") does: the normal tail areas are replaced by those that Student's t asks for.

Why not BCa: its acceleration comes from a jackknife, which is inconsistent for percentiles, and a
p99 is mostly what is asked for. ``bench/coverage_compare.py`` measures what these intervals hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import chdtri, ndtr, ndtri, stdtr, stdtrit

from tailrace.results.compare_blocks import Blocks, block_of_each, blocks_of, sums
from tailrace.results.compare_figures import Floats, Ints, Samples
from tailrace.results.hist import rank_of

REPLICATES = 4000
_GRID = 512
"""Values around a percentile among which the drawn one is looked for."""
_REACH = 6.0
"""Standard errors that the grid reaches to either side."""
_SEEN = 20
"""Fewest draws beyond a value from which their share is taken as it is."""


class Draws:
    """Which blocks are drawn how often, for as many blocks as asked; the same in every cell."""

    def __init__(self, *seed: int, replicates: int = REPLICATES) -> None:
        self._seed = seed
        self.replicates = replicates
        self._made: dict[int, Floats] = {}

    def times(self, count: int) -> Floats:
        """(replicates, count): how often each of ``count`` blocks is drawn in each replicate."""
        if count not in self._made:
            dice = np.random.default_rng([*self._seed, count])
            drawn = dice.multinomial(count, np.full(count, 1 / count), self.replicates)
            self._made[count] = drawn.astype(np.float64)
        return self._made[count]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A figure, and what it was in each replicate."""

    value: float
    draws: Floats
    blocks: Blocks
    n: int
    """Samples behind it."""
    worth: float
    """How many independent samples they are surely worth, at most ``n``."""


class Sorted:
    """Samples in the order of their size, each knowing the request that it is of."""

    def __init__(self, samples: Samples) -> None:
        counts = samples.counts[samples.counts > 0]
        self.requests = len(counts)
        self.counts = counts
        owners = np.repeat(np.arange(self.requests), counts)
        order = np.argsort(samples.values_us, kind="stable")
        self.values: Ints = samples.values_us[order]
        self._owners: Ints = owners[order]
        self.bound_us = samples.bound_us

    @property
    def n(self) -> int:
        """How many samples."""
        return len(self.values)

    def plain(self, percent: float) -> int | None:
        """A percentile, us, by the rule of the histograms; None without samples."""
        return int(self.values[rank_of(percent, self.n) - 1]) if self.n else None

    def percentile(self, percent: float, draws: Draws) -> Drawn:
        """The same with its draws; needs a sample."""
        value = self.plain(percent) or 0
        influence = self._influence(value)
        blocks = blocks_of(self.requests, lambda k: _means(influence, k))
        block = block_of_each(self.requests, blocks.count)
        by_block = sums(influence, block, blocks.count)
        grid = self._grid(percent, by_block)
        below, total = self._below(grid, block, blocks.count)
        times = draws.times(blocks.count)
        wanted = np.ceil(np.round(times @ total * (percent / 100), 6))
        reached = (times @ below) >= wanted[:, None]
        place = np.where(reached[:, -1], reached.argmax(axis=1), len(grid) - 1)
        worth = min(self._worth(each, block, blocks.count) for each in (percent, _lower(percent)))
        return Drawn(float(value), grid[place].astype(np.float64), blocks, self.n, worth)

    def _worth(self, percent: float, block: Ints, k: int) -> float:
        """Samples over their design effect, of which the lower 99 % bound is taken."""
        share = percent / 100
        influence = sums(self._influence(self.plain(percent) or 0), block, k)
        if k < 2:
            return 1.0
        effect = k * float(influence.var(ddof=1)) / (self.n * share * (1 - share))
        return self.n / max(1.0, effect * (k - 1) / float(chdtri(k - 1, 0.01)))

    def _influence(self, value: int) -> Floats:
        """Of each request: its samples up to the value, beyond its share of them."""
        upto = int(np.searchsorted(self.values, value, side="right"))
        below = np.bincount(self._owners[:upto], minlength=self.requests)
        return below - upto / self.n * self.counts

    def _grid(self, percent: float, influence: Floats) -> Ints:
        """The values that the percentile may well be, ascending."""
        k = len(influence)
        error = float(influence.std(ddof=1)) * k**0.5 if k > 1 else float(self.n)
        rank = rank_of(percent, self.n) - 1
        low = max(0, int(rank - _REACH * error) - 3)
        high = min(self.n - 1, int(rank + _REACH * error) + 3)
        return np.unique(self.values[np.linspace(low, high, _GRID).astype(np.int64)])

    def _below(self, grid: Ints, block: Ints, count: int) -> tuple[Floats, Floats]:
        """Samples up to each value of the grid, and in all, by block."""
        place = np.searchsorted(grid, self.values, side="left")
        width = len(grid) + 1
        cells = np.bincount(block[self._owners] * width + place, minlength=count * width)
        table = cells.reshape(count, width).astype(np.float64)
        return table[:, :-1].cumsum(axis=1), table.sum(axis=1)


def _lower(percent: float) -> float:
    """The percentile that ten times as many samples lie over, at least the median.

    Over a p99 lie too few to show how they depend on each other. Those over a p90 show it, and more
    of it than there is at the p99.
    """
    return min(percent, max(50.0, 100 - 10 * (100 - percent)))


def rate(amounts: Floats, seconds: Floats, draws: Draws) -> Drawn:
    """An amount a second, from what fell into each slice of the window."""
    units = len(amounts)
    blocks = blocks_of(units, lambda k: _means(amounts, k) / _means(seconds, k))
    block = block_of_each(units, blocks.count)
    amount, length = (sums(each, block, blocks.count) for each in (amounts, seconds))
    times = draws.times(blocks.count)
    n = round(float(amounts.sum()))
    value = float(amounts.sum() / seconds.sum())
    return Drawn(value, (times @ amount) / (times @ length), blocks, n, float(n))


def _means(values: Floats, count: int) -> Floats:
    block = block_of_each(len(values), count)
    return sums(values, block, count) / np.bincount(block, minlength=count)


@dataclass(frozen=True)
class LogRatio:
    """The logarithm of other / base, and what it was in each replicate."""

    value: float
    draws: Floats
    blocks: int
    """Of the side that has fewer."""

    def interval(self, confidence: float) -> tuple[float, float]:
        """The percentile interval, widened for few blocks."""
        k = self.blocks
        tail = float(ndtr(-stdtrit(k - 1, (1 + confidence) / 2) * (k / (k - 1)) ** 0.5))
        low, high = np.quantile(self.draws, [tail, 1 - tail])
        return float(low), float(high)

    def p_at_most(self, limit: float) -> float:
        """p-value of `the true one is at most the limit`, by the same t as the interval."""
        return self._p(float(self._middle - limit), self._low, int((self.draws <= limit).sum()))

    def p_at_least(self, limit: float) -> float:
        """p-value of `the true one is at least the limit`."""
        return self._p(float(limit - self._middle), self._high, int((self.draws >= limit).sum()))

    @cached_property
    def _middle(self) -> float:
        return float(np.median(self.draws))

    @cached_property
    def _low(self) -> float:
        """From the middle down to 1 % of the draws: how wide the lower tail is."""
        return self._middle - float(np.quantile(self.draws, 0.01))

    @cached_property
    def _high(self) -> float:
        return float(np.quantile(self.draws, 0.99)) - self._middle

    def _p(self, away: float, width: float, beyond: int) -> float:
        """``beyond`` of the draws are past the limit; too few, and the tail is drawn out normal."""
        k, all_draws = self.blocks, len(self.draws)
        seen = float(ndtri(min(max(beyond, _SEEN), all_draws - 1) / all_draws))
        if beyond < _SEEN:
            far = -np.inf if width <= 0 else float(ndtri(0.01)) * away / width
            seen = min(seen, far)
        return float(stdtr(k - 1, seen * ((k - 1) / k) ** 0.5))


def log_ratio(base: Drawn, other: Drawn, least: float) -> LogRatio:
    """Of two figures; what is below ``least`` counts as that much, so that a nought has a log."""

    def log(values: Floats) -> Floats:
        return np.log(np.maximum(values, least))

    value = log(np.array([other.value])) - log(np.array([base.value]))
    blocks = min(base.blocks.count, other.blocks.count)
    return LogRatio(float(value[0]), log(other.draws) - log(base.draws), blocks)
