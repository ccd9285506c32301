"""Slopes and their standard errors, against series whose slope is known."""

from __future__ import annotations

import numpy as np
import pytest

from tailrace.results.ess import FEWEST
from tailrace.results.trend import trend


def test_a_straight_line_is_found_exactly() -> None:
    at = np.linspace(0, 10, 100)
    found = trend(at, 5 + 3 * at)
    assert found is not None
    assert found.slope == pytest.approx(3)
    assert found.error == pytest.approx(0, abs=1e-9)
    assert found.mean == pytest.approx(20)
    assert found.least == pytest.approx(3)


def test_the_standard_error_is_what_slopes_scatter_by() -> None:
    dice, at = np.random.default_rng(1), np.linspace(0, 10, 200)
    found = [trend(at, dice.normal(0, 1, 200)) for _ in range(300)]
    slopes = [one.slope for one in found if one]
    errors = [one.error for one in found if one]
    assert float(np.std(slopes)) == pytest.approx(float(np.median(errors)), rel=0.2)


@pytest.mark.parametrize("seconds", [0.01, 10.0])
def test_independent_residuals_have_the_textbook_error(seconds: float) -> None:
    at, values = np.linspace(0, seconds, FEWEST), np.tile([1.0, 2.0], FEWEST // 2)
    (slope, _), covariance = np.polyfit(at, values, 1, cov=True)
    found = trend(at, values)
    assert found is not None
    assert (found.slope, found.error) == pytest.approx((slope, np.sqrt(covariance[0, 0])))


def test_dependent_samples_widen_it() -> None:
    dice, at = np.random.default_rng(1), np.linspace(0, 10, 200)
    noise = dice.normal(0, 1, 200)
    walk = np.convolve(noise, np.ones(20) / np.sqrt(20), "same")
    alone, together = trend(at, noise), trend(at, walk)
    assert alone is not None
    assert together is not None
    assert together.error > 1.5 * alone.error


def test_what_has_no_trend() -> None:
    assert trend(np.arange(5.0), np.arange(5.0)) is None
    assert trend(np.full(50, 2.0), np.arange(50.0)) is None
