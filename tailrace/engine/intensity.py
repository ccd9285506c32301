"""Intensity: the requested rate over time, its integral, and the integral's inverse.

The integral (Lambda in the books) is *operational time*: it advances by one for each arrival that
is to be expected, however the rate moves. Any process of unit rate becomes one of this rate when
its arrivals are put through the inverse (E. Cinlar, Introduction to Stochastic Processes, 1975,
chapter 4.7), and realised arrivals are judged by going back.

Phases are straight lines, so both ways are closed formulas: no steps, no search for a root, no
error that grows. The bounds of phases are summed as the decimals that the user typed; a phase of
"0.7 for 10s" holds seven arrivals and not 6.999999999999999.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from tailrace.scenarios.rates import RatePhase

Floats = NDArray[np.float64]


class Intensity:
    """Built once a level; ValueError for phases that do not say when they end."""

    def __init__(self, phases: Sequence[RatePhase]) -> None:
        _check(phases)
        at_s, at_count = [Fraction(0)], [Fraction(0)]
        for phase in phases:
            if phase.duration_s is not None:
                lasts = _decimal(phase.duration_s)
                mean = (_decimal(phase.from_per_s) + _decimal(phase.to_per_s)) / 2
                at_s.append(at_s[-1] + lasts)
                at_count.append(at_count[-1] + mean * lasts)
        bounds_s, bounds = [float(s) for s in at_s], [float(count) for count in at_count]
        if phases[-1].duration_s is None:
            bounds_s, bounds = [*bounds_s, math.inf], [*bounds, math.inf]
        self._bounds_s, self._bounds = np.array(bounds_s), np.array(bounds)
        self._first = np.array([float(phase.from_per_s) for phase in phases])
        self._slope = np.array([_slope(phase) for phase in phases])
        self.end_s = bounds_s[-1]
        """When the last phase ends; infinite where it is open."""
        self.total = bounds[-1]
        """Arrivals to be expected until then."""

    def cumulative(self, at_s: Floats) -> Floats:
        """Arrivals to be expected until each time; none before 0, no more after the end."""
        at_s = np.minimum(np.maximum(at_s, 0.0), self.end_s)
        phase = self._phase(self._bounds_s, at_s)
        into_s = at_s - self._bounds_s[phase]
        into = into_s * (self._first[phase] + self._slope[phase] * into_s / 2)
        reached: Floats = np.minimum(self._bounds[phase] + into, self._bounds[phase + 1])
        return reached

    def inverse(self, counts: Floats) -> Floats:
        """When so many arrivals are to be expected; infinite for the total and above.

        Of ``first * t + slope * t**2 / 2 = x`` the form of the root that loses no digits, whether
        the slope is 0, up or down, and from a rate of 0 too.
        """
        phase = self._phase(self._bounds, counts)
        into, first = counts - self._bounds[phase], self._first[phase]
        squared = np.maximum(first * first + 2 * self._slope[phase] * into, 0.0)
        divisor = first + np.sqrt(squared)
        into_s = np.divide(2 * into, divisor, out=np.zeros_like(into), where=divisor > 0)
        at_s = np.minimum(self._bounds_s[phase] + into_s, self._bounds_s[phase + 1])
        return np.where(counts < self.total, at_s, math.inf)

    def _phase(self, bounds: Floats, values: Floats) -> NDArray[np.intp]:
        """The phase that each value falls in; a bound belongs to the phase that it begins."""
        return np.searchsorted(bounds[1:-1], values, side="right")


def _check(phases: Sequence[RatePhase]) -> None:
    if not phases:
        raise ValueError("a level without phases has no rate")
    if any(phase.duration_s is None for phase in phases[:-1]):
        raise ValueError("only the last phase may be without a duration")
    last = phases[-1]
    if last.duration_s is None and not last.from_per_s == last.to_per_s > 0:
        raise ValueError("a phase without a duration needs one constant rate above 0")


def _slope(phase: RatePhase) -> float:
    if phase.duration_s is None:
        return 0.0
    rise = _decimal(phase.to_per_s) - _decimal(phase.from_per_s)
    return float(rise / _decimal(phase.duration_s))


def _decimal(value: float) -> Fraction:
    """The shortest decimal that is this float: what the user typed."""
    return Fraction(str(value))
