"""Backoff: bounded, growing, and the same in every repetition of a run."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.scenarios.retries import LONGEST_WAIT_S, Retries

backoffs = st.floats(0.001, 100.0)
numbers = st.integers(0, 10**6)


@given(backoffs, numbers, numbers, st.integers(1, 100))
def test_a_wait_is_between_nothing_and_the_doubled_backoff(
    backoff_s: float, seed: int, sequence: int, attempt: int
) -> None:
    wait_s = Retries(100, backoff_s).wait_s(seed, sequence, attempt)
    assert 0.0 <= wait_s <= min(LONGEST_WAIT_S, backoff_s * 2.0 ** (attempt - 1))
    assert wait_s == Retries(1, backoff_s).wait_s(seed, sequence, attempt)


@pytest.mark.parametrize(("attempt", "longest_s"), [(1, 1.0), (2, 2.0), (4, 8.0)])
def test_waits_are_spread_over_their_range(attempt: int, longest_s: float) -> None:
    waits = [Retries(1, 1.0).wait_s(0, n, attempt) / longest_s for n in range(1000)]
    assert min(waits) < 0.05
    assert 0.95 < max(waits) <= 1
    assert 0.45 < sum(waits) / len(waits) < 0.55


def test_requests_attempts_and_seeds_wait_differently() -> None:
    retries = Retries(3, 1.0)
    waits = {retries.wait_s(*key) for key in ((0, 0, 1), (1, 0, 1), (0, 1, 1), (0, 0, 2))}
    assert len(waits) == 4
