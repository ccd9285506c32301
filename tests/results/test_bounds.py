"""Ranks of bounds against the binomial, summed exactly."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tailrace.results.bounds import FEWEST_WORTH, ranks, share_bounds, t_half_width
from tailrace.results.stats import PERCENTS, sample_floor


def at_most(k: int, n: int, percent: float) -> Fraction:
    """P[Binomial(n, p) <= k], exactly."""
    p = Fraction(str(percent)) / 100
    hit, miss = p.numerator, p.denominator - p.numerator
    total, term = 0, miss**n  # of the n-th power of the denominator: P[i], then P[i + 1]
    for i in range(k + 1):
        total += term
        term = term * (n - i) * hit // ((i + 1) * miss)
    return Fraction(total, p.denominator**n)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 300), st.sampled_from((50.0, 90.0, 95.0, 99.0)))
def test_the_interval_is_the_narrowest_with_its_confidence(n: int, percent: float) -> None:
    at, tail = ranks(percent, n), Fraction(25, 1000)
    if at.low is not None:
        assert at_most(at.low - 1, n, percent) <= tail < at_most(at.low, n, percent)
    if at.high is None:
        assert at_most(n - 1, n, percent) < 1 - tail
    else:
        assert at_most(at.high - 1, n, percent) >= 1 - tail
        assert at.high == 1 or at_most(at.high - 2, n, percent) < 1 - tail


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 400), st.sampled_from((50.0, 90.0, 99.0)))
def test_the_floor_is_the_highest_rank_that_is_hardly_above(n: int, percent: float) -> None:
    floor, doubt = ranks(percent, n).floor, Fraction(1, 100)
    if floor is None:
        assert at_most(0, n, percent) > doubt
    else:
        assert at_most(floor - 1, n, percent) <= doubt < at_most(floor, n, percent)


def test_the_first_sample_may_be_a_bound() -> None:
    """P[none of 6 below the median] is 1.6 %, of 7 it is 0.8 %."""
    assert (ranks(50.0, 6).low, ranks(50.0, 6).floor) == (1, None)
    assert (ranks(50.0, 7).low, ranks(50.0, 7).floor) == (1, 1)
    assert ranks(99.0, 1).floor == 1  # P[none of 1] is 1 % to the last digit


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 1500), st.sampled_from((50.0, 95.0, 99.0)))
def test_as_many_samples_lie_over_the_bound_as_are_improbable(n: int, percent: float) -> None:
    """MLPerf's early stopping, counted from above."""
    bound, doubt = ranks(percent, n).bound, Fraction(1, 100)

    def over(most: int) -> Fraction:
        return 1 - at_most(n - most - 1, n, percent)

    if bound is None:
        assert over(1) > doubt if n > 1 else True
    else:
        assert over(n - bound) <= doubt < over(n - bound + 1)


@pytest.mark.parametrize("percent", PERCENTS)
def test_there_is_a_bound_from_the_sample_floor_on(percent: float) -> None:
    floor = sample_floor(percent)
    assert ranks(percent, floor - 1).bound is None
    assert ranks(percent, floor).bound == floor - 1


def test_fewer_effective_samples_widen_every_bound() -> None:
    alone, worth = ranks(50.0, 1000), ranks(50.0, 1000, 100.0)
    assert (worth.low or 0) < (alone.low or 0) < 500 < (alone.high or 0) < (worth.high or 0)
    assert (worth.bound or 0) > (alone.bound or 0)
    as_of_100 = ranks(50.0, 100)
    assert (worth.low, worth.high) == (10 * (as_of_100.low or 0), 10 * (as_of_100.high or 0))


def test_too_few_effective_samples_have_no_bounds() -> None:
    assert ranks(50.0, 1000, FEWEST_WORTH - 0.1) == (None, None, None, None)
    assert ranks(50.0, 1000, FEWEST_WORTH).low is not None
    assert ranks(50.0, 60, 40.0).low is not None  # as these hardly depend on each other
    assert ranks(50.0, 120, 40.0).low is not None
    assert ranks(50.0, 121, 40.0) == (None, None, None, None)
    assert ranks(50.0, 1, 0.3) == ranks(50.0, 1)


def test_a_share_of_nothing_and_of_all() -> None:
    assert share_bounds(0, 100) == (0.0, pytest.approx(1 - 0.01 ** (1 / 100)))
    assert share_bounds(100, 100) == (pytest.approx(0.01 ** (1 / 100)), 1.0)
    low, high = share_bounds(5, 100)
    assert (low, high) == pytest.approx((0.0129, 0.1259), abs=1e-4)
    assert at_most(5, 100, 100 * high) == pytest.approx(0.01)
    assert 1 - at_most(4, 100, 100 * low) == pytest.approx(0.01)


def test_students_interval() -> None:
    assert t_half_width(2.0, 4) == pytest.approx(3.1824, abs=1e-3)
    assert t_half_width(1.0, 2) == pytest.approx(12.7062 / 2**0.5, abs=1e-3)
    assert t_half_width(2.0, 1) is None
