"""MSER-5 on series whose steady state is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from tailrace.results.steady import FEWEST, mser5


def test_a_start_that_is_off_is_trimmed() -> None:
    dice = np.random.default_rng(1)
    series = dice.normal(100, 5, 500)
    series[:100] += 60
    found = mser5(series)
    assert found is not None
    assert found.settled
    assert found.trimmed == pytest.approx(100, abs=10)
    assert found.trimmed_share == found.trimmed / 500
    assert found.shift == pytest.approx(0.6, abs=0.05)
    assert found.shift > 4 * found.shift_error


def test_a_series_that_never_changes_is_not_trimmed() -> None:
    found = mser5(np.full(200, 7.0))
    assert found is not None
    assert (found.trimmed, found.shift, found.shift_error, found.settled) == (0, 0.0, 0.0, True)


def test_a_series_that_drifts_to_its_end_has_no_steady_state() -> None:
    found = mser5(np.linspace(1, 100, 400))
    assert found is not None
    assert not found.settled


def test_noise_alone_is_no_drift() -> None:
    dice = np.random.default_rng(2)
    found = [mser5(np.exp(0.5 * dice.standard_normal(300))) for _ in range(100)]
    drifts = [one for one in found if one and abs(one.shift) > 4 * one.shift_error]
    assert len([one for one in drifts if one.trimmed_share > 0.1]) <= 1


def test_too_few_samples_are_not_judged() -> None:
    assert mser5(np.ones(FEWEST - 1)) is None
    assert mser5(np.ones(FEWEST)) is not None


def by_definition(series: NDArray[np.float64]) -> int:
    """The batch from which on the squared standard error of the mean is least."""
    whole = len(series) // 5
    means = [series[5 * at : 5 * at + 5].mean() for at in range(whole)]
    errors = [np.var(means[at:]) / (whole - at) for at in range(whole // 2 + 1)]
    return int(np.argmin(errors))


@pytest.mark.parametrize("n", [100, 101, 104, 155, 203])
@pytest.mark.parametrize("off", [0, 20, 45, 50, 55, 75, 80, 90])
def test_the_definition_gives_the_same(n: int, off: int) -> None:
    series = np.random.default_rng(n + off).normal(10, 1, n)
    series[:off] *= 3
    found, point = mser5(series), by_definition(series)
    assert found is not None
    assert (found.trimmed, found.settled) == (5 * point, point < n // 5 // 2)


def test_the_error_of_a_shift_is_that_of_the_difference_of_two_means() -> None:
    head, alone, together = [50.0] * 10, [9.0, 11.0] * 50, ([9.0] * 5 + [11.0] * 5) * 10
    first, second = mser5(np.array(head + alone)), mser5(np.array(head + together))
    assert first is not None
    assert second is not None
    assert (first.trimmed, first.shift) == (10, 4.0)
    assert first.shift_error == pytest.approx(math.sqrt(1 / 10 + 1 / 100) / 10)
    assert second.shift_error > 1.5 * first.shift_error


def test_beside_a_mean_of_nought_no_part_is_said() -> None:
    found = mser5(np.array([3.0] * 10 + [0.0] * 100))
    assert found is not None
    assert (found.trimmed, found.shift, found.shift_error) == (10, 0.0, 0.0)
