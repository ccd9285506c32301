"""MSER-5 on series whose steady state is known."""

from __future__ import annotations

import numpy as np
import pytest

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
