"""The integral of the rate and its inverse, against numbers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tailrace.engine.intensity import Intensity
from tailrace.scenarios.rates import RatePhase

UP = RatePhase(0.0, 10.0, 5.0)
DOWN = RatePhase(10.0, 0.0, 5.0)
OPEN = RatePhase(4.0, 4.0, None)


@pytest.mark.parametrize(
    ("phases", "at_s", "count"),
    [
        ((OPEN,), 2.5, 10.0),
        ((UP,), 1.0, 1.0),
        ((UP,), 4.0, 16.0),
        ((DOWN,), 1.0, 9.0),
        ((DOWN,), 4.0, 24.0),
        ((UP, DOWN), 9.0, 49.0),
        ((RatePhase(5.0, 50.0, 60.0),), 30.0, 487.5),
        ((DOWN, OPEN), 6.0, 29.0),
    ],
)
def test_both_ways(phases: tuple[RatePhase, ...], at_s: float, count: float) -> None:
    intensity = Intensity(phases)
    assert intensity.cumulative(np.array([at_s])).tolist() == [pytest.approx(count, rel=1e-14)]
    assert intensity.inverse(np.array([count])).tolist() == [pytest.approx(at_s, rel=1e-14)]


def test_outside_of_the_phases() -> None:
    intensity = Intensity((UP, DOWN))
    assert (intensity.total, intensity.end_s) == (50.0, 10.0)
    assert intensity.cumulative(np.array([-1.0, 0.0, 10.0, 99.0])).tolist() == [0, 0, 50, 50]
    assert intensity.inverse(np.array([0.0, 50.0, 51.0])).tolist() == [0, math.inf, math.inf]


def test_an_open_phase_never_ends() -> None:
    intensity = Intensity((UP, OPEN))
    assert (intensity.total, intensity.end_s) == (math.inf, math.inf)
    assert intensity.inverse(np.array([25.0 + 4e6])).tolist() == [5.0 + 1e6]


@pytest.mark.parametrize(
    ("rate", "lasts_s", "total"), [(0.7, 10.0, 7.0), (0.1, 0.3, 0.03), (1.1, 1.1, 1.21)]
)
def test_bounds_are_those_of_the_decimals(rate: float, lasts_s: float, total: float) -> None:
    phase = RatePhase(rate, rate, lasts_s)
    assert Intensity((phase,)).total == total
    assert Intensity((phase,) * 10).total == float(f"{total * 10:.9g}")


def test_a_silent_phase_is_passed_over() -> None:
    intensity = Intensity((RatePhase(2.0, 2.0, 1.0), RatePhase(0.0, 0.0, 9.0), OPEN))
    assert intensity.inverse(np.array([1.0, 2.0, 6.0])).tolist() == [0.5, 10.0, 11.0]
    assert intensity.cumulative(np.array([5.0])).tolist() == [2.0]


@pytest.mark.parametrize(
    "phases", [(), (OPEN, UP), (RatePhase(1.0, 2.0, None),), (RatePhase(0.0, 0.0, None),)]
)
def test_phases_without_an_end_are_refused(phases: tuple[RatePhase, ...]) -> None:
    with pytest.raises(ValueError, match="phase"):
        Intensity(phases)
