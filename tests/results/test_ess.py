"""Effective sample sizes against series whose autocorrelation is known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tailrace.results.ess import FEWEST, effective_at, effective_n


def autoregressive(rho: float, n: int, seed: int) -> NDArray[np.float64]:
    dice = np.random.default_rng(seed)
    values = np.empty(n)
    values[0] = dice.standard_normal()
    for index in range(1, n):
        values[index] = rho * values[index - 1] + np.sqrt(1 - rho**2) * dice.standard_normal()
    return values


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9])
def test_an_autoregression_is_worth_what_theory_says(rho: float) -> None:
    found = [effective_n(autoregressive(rho, 4000, seed)) / 4000 for seed in range(20)]
    assert float(np.median(found)) == pytest.approx((1 - rho) / (1 + rho), rel=0.15)


def test_a_constant_series_and_an_alternating_one_are_worth_all() -> None:
    assert effective_n(np.full(100, 3.0)) == 100
    assert effective_n(np.tile([1.0, 2.0], 50)) == 100


def test_few_samples_are_taken_as_they_are() -> None:
    assert effective_n(np.arange(FEWEST - 1, dtype=np.float64)) == FEWEST - 1


def test_a_series_that_only_rises_is_worth_little() -> None:
    assert effective_n(np.arange(1000, dtype=np.float64)) < 10


def test_a_high_percentile_is_worth_no_more_than_the_ranks() -> None:
    series = autoregressive(0.9, 1000, 7)
    most = float(np.quantile(series, 0.999))
    assert effective_at(series, most) < 120 < effective_n((series <= most).astype(np.float64))
