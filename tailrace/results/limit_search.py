"""LimitSearch: the most load that still meets the objectives, from few and noisy probes. Pure.

It is asked for the next point and told what came of it; it never waits and holds no load itself.

Rule: first the load doubles from the lowest point until a probe misses, so that no server is hit
with the highest load at once. Then each probe is put where what is known splits the odds in half:
probabilistic bisection (M. Horstein 1963; R. Waeber, P. Frazier and S. Henderson, Bisection search
with noisy responses, SIAM J. Control Optim. 51, 2013). An outcome is not taken as certain but as
right with the probability that its bounds give, so points near the border are probed again by
themselves, and the answer is an interval with the odds that it holds the limit.

The odds before the first probe are even on a logarithmic scale: from 1 to 2 users is as far as
from 100 to 200.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
SURE, MEASURED, LOOKS = 0.98, 0.80, 0.65
"""How often an outcome is right: with bounds on its side, as measured, below the sample floor."""


class Probe(NamedTuple):
    """What came of a point; ``met`` is None where nothing at all can be said."""

    point: int
    met: bool | None
    right: float
    """The probability that the outcome is right."""


class Interval(NamedTuple):
    """The limit lies from ``low`` to ``high``, both included, with these odds.

    ``low`` below the range: perhaps not even its first point meets the objectives.
    """

    low: int
    high: int
    confidence: float
    best: int
    """The likeliest limit."""


class LimitSearch:
    """Over the whole numbers from ``first`` to ``last``, with at most so many probes."""

    def __init__(self, first: int, last: int, probes: int) -> None:
        self.first, self.last, self.most = first, last, probes
        self.told: list[Probe] = []
        points = np.arange(first, last + 1, dtype=np.float64)
        widths = np.log((points + 1) / points)
        self._odds: NDArray[np.float64] = np.concatenate((widths[:1] / 2, widths))
        """Of each limit: below the first point, then each point."""
        self._odds /= self._odds.sum()

    def tell(self, probe: Probe) -> None:
        """What came of the point that was asked for."""
        self.told.append(probe)
        if probe.met is None:
            return
        limits = np.arange(self.first - 1, self.last + 1)
        agrees = (limits >= probe.point) == probe.met
        self._odds = self._odds * np.where(agrees, probe.right, 1 - probe.right)
        self._odds /= self._odds.sum()

    def next(self) -> int | None:
        """The next point; None when the probes are spent, or one limit is sure enough."""
        found = self.interval()
        if len(self.told) >= self.most or found.low == found.high:
            return None
        met = [probe.point for probe in self.told if probe.met]
        if not any(probe.met is False for probe in self.told):
            return self._doubled(max(met, default=None))
        return self._splitting()

    def _doubled(self, highest: int | None) -> int:
        if highest is None:
            return self.first
        return min(2 * highest, self.last)

    def _splitting(self) -> int:
        """The point whose outcome is most open: the odds of meeting it are nearest to a half."""
        meets = np.cumsum(self._odds[::-1])[::-1][1:]  # of each point: the limit is there or above
        return self.first + int(np.argmin(np.abs(meets - 0.5)))

    def interval(self) -> Interval:
        """The narrowest run of limits with the confidence asked for."""
        sums = np.concatenate(([0.0], np.cumsum(self._odds)))
        ends = np.searchsorted(sums, sums + CONFIDENCE - 1e-12).tolist()
        runs = [(begin, end) for begin, end in enumerate(ends) if end < len(sums)]
        begin, end = min(runs, key=lambda run: (run[1] - run[0], sums[run[0]] - sums[run[1]]))
        below = self.first - 1
        odds = min(1.0, float(sums[end] - sums[begin]))
        return Interval(below + begin, below + end - 1, odds, below + int(np.argmax(self._odds)))


def replayed(first: int, last: int, probes: int, told: Sequence[Probe]) -> LimitSearch:
    """A search that has been told all this already."""
    search = LimitSearch(first, last, probes)
    for probe in told:
        search.tell(probe)
    return search
