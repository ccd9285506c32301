"""Shares: Newcombe's own example, bursts, and certainty that is never had."""

from __future__ import annotations

import numpy as np
import pytest

from tailrace.results.compare_shares import Share, ShareDifference, share_of


def of(errors: int, n: int) -> Share:
    return Share(errors / n, n, float(n))


def test_newcombe_by_his_own_example() -> None:
    """56/70 - 48/80 (Newcombe 1998, table II, method 10): 0.0524 to 0.3339."""
    low, high = ShareDifference(of(48, 80), of(56, 70)).interval(0.95)
    assert (round(low, 4), round(high, 4)) == (0.0524, 0.3339)


def test_no_errors_are_no_certainty() -> None:
    low, high = ShareDifference(of(0, 20), of(0, 20)).interval(0.95)
    assert low < -0.1
    assert high > 0.1


def test_p_values_and_intervals_agree() -> None:
    found = ShareDifference(of(10, 200), of(40, 200))
    low, high = found.interval(0.95)
    assert found.p_at_most(low) == pytest.approx(0.025, abs=1e-4)
    assert found.p_at_least(high) == pytest.approx(0.025, abs=1e-4)
    assert found.p_at_least(0.1) == 0.5  # the estimate is beyond
    assert found.p_at_most(-0.5) < 1e-6


def test_errors_in_bursts_count_for_fewer() -> None:
    flags = np.zeros(1000, dtype=np.bool_)
    flags[::10] = True
    assert share_of(flags).effective_n == 1000
    burst = np.zeros(1000, dtype=np.bool_)
    burst[300:400] = True
    assert share_of(burst).value == share_of(flags).value
    assert share_of(burst).effective_n < 100


@pytest.mark.parametrize("flag", [True, False])
def test_all_or_none(flag: bool) -> None:
    assert share_of(np.full(50, flag)) == Share(float(flag), 50, 50.0)


def test_ten_that_share_their_fate_count_as_one() -> None:
    dice = np.random.default_rng(5)
    found = [share_of(np.repeat(dice.random(320) < 0.3, 10)) for _ in range(40)]
    assert float(np.median([one.effective_n for one in found])) == pytest.approx(320, rel=0.15)
    assert {one.n for one in found} == {3200}
    assert float(np.mean([one.value for one in found])) == pytest.approx(0.3, abs=0.02)


@pytest.mark.parametrize(("n", "expected"), [(1, 1.0), (2, 1.0), (3, 2.0), (20, 19.0)])
def test_of_very_few(n: int, expected: float) -> None:
    """One of them stands for the sign that they depend on each other, which is never too bold."""
    assert share_of(np.arange(n) == 0).effective_n == pytest.approx(expected)
