"""Effective sample sizes against series whose autocorrelation is known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tailrace.results.ess import (
    FEWEST,
    effective_at,
    effective_n,
    effective_over,
    effective_ranks,
)


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


def by_definition(series: NDArray[np.float64]) -> float:
    """Lag by lag, without a transform, with Geyer's sequence cut where the rule says."""
    n, centred = len(series), series - series.mean()
    at_lag = [float(centred[: n - lag] @ centred[lag:]) / n for lag in range(n)]
    total, last = 0.0, np.inf
    for first in range(0, n - 1, 2):
        pair = (at_lag[first] + at_lag[first + 1]) / at_lag[0]
        if pair <= 0:
            break
        last = min(last, pair)
        total += last
    return min(n, n / max(2 * total - 1, 1 / n))


@pytest.mark.parametrize("n", [FEWEST, FEWEST + 1, 63, 64, 65, 300])
@pytest.mark.parametrize("rho", [-0.5, 0.0, 0.8])
def test_the_definition_gives_the_same(n: int, rho: float) -> None:
    for scale in (1.0, 1e-3, 1e9):
        series = autoregressive(rho, n, n) * scale
        assert effective_n(series) == pytest.approx(by_definition(series), rel=1e-9)


def test_equal_samples_are_not_over_their_own_value() -> None:
    series = np.tile([1.0, 1.0, 2.0, 3.0], 20)
    assert effective_over(series, 2.0) == effective_n((series > 2.0).astype(np.float64))


def test_ranks_of_equal_samples_are_in_the_order_of_time() -> None:
    """So that a series of two values is told from its mirror, on every machine alike."""
    series = np.tile(np.repeat([0.0, 1.0], 37), 9)
    ranked = np.empty(len(series))
    for rank, place in enumerate(sorted(range(len(series)), key=lambda at: (series[at], at))):
        ranked[place] = rank
    assert effective_ranks(series) == effective_n(ranked)


@pytest.mark.parametrize("value", [0.1, 1e9 + 0.1, -3e15])
def test_what_rounding_leaves_of_a_constant_is_no_dependence(value: float) -> None:
    assert effective_n(np.full(101, value)) == 101
