"""Steady state: from which sample on a series no longer drifts. Pure.

Rule: MSER-5. Means of five neighbouring samples; the truncation point is the one that minimises the
squared standard error of the mean of what is left; it lies in the first half, or there is no steady
state (K. P. White, An effective truncation heuristic for bias reduction in simulation output,
Simulation 69, 1997; White, Cobb and Spratt, WSC 2000).

Why no figure is trimmed by it: which requests count was fixed before the run. This only says
whether that was wise.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tailrace.results.ess import effective_n

BATCH = 5
FEWEST = 100
"""Samples: below 20 batches the point is mere chance."""


class Settling(NamedTuple):
    """What MSER-5 found of one series."""

    n: int
    trimmed: int
    """Samples before the steady state."""
    shift: float
    """By what part the mean of the trimmed samples differs from that of the rest."""
    shift_error: float
    """What that part is off by chance: one standard error, with the rest's effective number."""
    settled: bool
    """Whether a steady state was found in the first half."""

    @property
    def trimmed_share(self) -> float:
        """Part of the samples before the steady state."""
        return self.trimmed / self.n


def mser5(series: NDArray[np.float64]) -> Settling | None:
    """Of samples in their order of time; None for too few to judge."""
    n = len(series)
    if n < FEWEST:
        return None
    batches = series[: n - n % BATCH].reshape(-1, BATCH).mean(axis=1)
    k = len(batches)
    left = np.arange(k, 0, -1)
    sums = np.cumsum(batches[::-1])[::-1]
    squares = np.cumsum(batches[::-1] ** 2)[::-1]
    errors = (squares - sums**2 / left) / left.astype(np.float64) ** 2
    half = k // 2
    point = int(np.argmin(errors[: half + 1]))
    settled = point < half
    trimmed = point * BATCH
    rest = float(series[trimmed:].mean())
    first = float(series[:trimmed].mean()) if trimmed else rest
    shift = (first - rest) / rest if rest else 0.0
    error = _error(series[trimmed:], trimmed) / abs(rest) if rest and trimmed else 0.0
    return Settling(n, trimmed, shift, error, settled)


def _error(rest: NDArray[np.float64], trimmed: int) -> float:
    """Standard error of the difference of the two means, were all samples like the rest."""
    worth = effective_n(rest) / len(rest)
    return float(rest.std()) * math.sqrt((1 / trimmed + 1 / len(rest)) / worth)
