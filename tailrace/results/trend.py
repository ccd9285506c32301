"""Trend: how fast a series rises or falls, and how sure that is. Pure.

Rule: least squares against time; the standard error is that of independent residuals, widened by
the square root of n over the effective number of the residuals (ess.py), since neighbours in a
queue are alike.

Why not Theil and Sen: it takes all pairs of samples, and has no standard error that holds for a
correlated series.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tailrace.results.ess import FEWEST, effective_n

Z99 = 2.326
"""One-sided, at 99 %."""


class Trend(NamedTuple):
    """Per second."""

    slope: float
    error: float
    """Its standard error."""
    mean: float

    @property
    def least(self) -> float:
        """What the slope surely is at 99 %."""
        return self.slope - Z99 * self.error


def trend(at_s: NDArray[np.float64], values: NDArray[np.float64]) -> Trend | None:
    """Of values in their order of time; None where there are too few, or all at one time."""
    n = len(values)
    if n < FEWEST:
        return None
    times = at_s - at_s.mean()
    spread = float((times**2).sum())
    if spread <= 0:
        return None
    mean = float(values.mean())
    slope = float((times * values).sum()) / spread
    residuals = values - mean - slope * times
    deviation = math.sqrt(float((residuals**2).sum()) / (n - 2))
    inflation = n / effective_n(residuals)
    return Trend(slope, deviation / math.sqrt(spread) * math.sqrt(inflation), mean)
