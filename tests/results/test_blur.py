"""Between which two values a percentile lies, whenever the outputs of shared reads came."""

from __future__ import annotations

from itertools import accumulate, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.results.blur import Blur, gap_bounds, is_blurred
from tailrace.results.hist import Hist, rank_of

from .builders import shared_in

MS = 1_000_000
PERCENTS = (1.0, 25.0, 50.0, 90.0, 99.0, 100.0)


@pytest.mark.parametrize(
    ("first", "late_ns", "expected"),
    [
        (False, None, ([60, 0, 0], [20, 0, 0], [60, 30, 20])),
        (False, 10, ([60, 0, 0], [50, 0, 0], [60, 10, 5])),
        (True, None, ([0, 0], [0, 0], [60, 30])),
        (True, 10, ([0, 0], [0, 0], [10, 5])),
    ],
    ids=["gaps", "gaps, late by 10", "first output", "first output, late by 10"],
)
def test_a_table(
    first: bool, late_ns: int | None, expected: tuple[list[int], list[int], list[int]]
) -> None:
    """A read of 3 outputs, 60 ns after the one before."""
    gaps, lead = ([0, 0], 60) if first else ([60, 0, 0], 5)
    found = gap_bounds(shared_in(gaps, lead), late_ns)
    assert [each.tolist() for each in found] == list(expected)
    assert {each.dtype for each in found} == {np.dtype(np.int64)}


@given(st.data())
def test_whenever_they_came_the_percentile_is_between(data: st.DataObject) -> None:
    """Draw when outputs came and when the client looked; it sees what had come by then."""
    waits = data.draw(st.lists(st.integers(0, 50 * MS), min_size=1, max_size=25), label="waits")
    late = data.draw(st.integers(0, 80 * MS), label="the latest a read is seen")
    came = list(accumulate(waits))
    stamps: list[int] = []
    while len(stamps) < len(came):  # a read takes all that came until it is made
        looked = came[len(stamps)] + data.draw(st.integers(0, late))
        taken = [at for at in came[len(stamps) :] if at <= looked]
        stamps += [taken[-1]] * len(taken)
    true, recorded = [[b - a for a, b in pairwise(times)] for times in (came, stamps)]
    blur, hist = Blur(), Hist()
    hist.add_many(recorded)
    blur.add(*gap_bounds(shared_in(recorded, stamps[0]), late))
    for percent, bounds in zip(PERCENTS, blur.bounds(hist, PERCENTS), strict=True):
        if bounds is None:
            assert recorded == true or 0 in true
            continue
        value = sorted(true)[rank_of(percent, len(true)) - 1]
        low, high = bounds
        assert low * 0.999 - 1 <= value <= high * 1.001 + 1


def test_few_samples_move_a_high_percentile_and_not_the_median() -> None:
    hist, blur = Hist(), Blur()
    hist.add_many([20 * MS] * 9_600)
    recorded, least, most = gap_bounds(shared_in([60 * MS, 0, 0] * 133, 1), None)
    hist.add_many(recorded)
    blur.add(recorded, least, most)
    p50, p99 = blur.bounds(hist, (50.0, 99.0))
    assert p50 is not None
    assert p99 is not None
    assert not is_blurred(p50)
    assert is_blurred(p99)
    assert p99[0] == pytest.approx(20 * MS, rel=0.001)
    assert p99[1] == pytest.approx(60 * MS, rel=0.001)


def test_without_uncertain_samples_there_is_nothing_between() -> None:
    hist = Hist()
    hist.add(5)
    assert Blur().bounds(hist, (50.0, 99.0)) == [None, None]
    assert not is_blurred(None)


@pytest.mark.parametrize(
    ("low", "high", "blurred"),
    [
        (0, 100_000, False),
        (0, 100_001, True),
        (95 * MS, 100 * MS, False),
        (94 * MS, 100 * MS, True),
    ],
)
def test_a_tenth_of_a_millisecond_or_a_twentieth_is_borne(
    low: int, high: int, blurred: bool
) -> None:
    assert is_blurred((low, high)) is blurred


def test_batches_give_what_single_samples_do() -> None:
    hist, by_one, at_once = Hist(), Blur(), Blur()
    recorded, least, most = gap_bounds(shared_in([60 * MS, 0, 90 * MS, 0], 1), None)
    hist.add_many(recorded)
    at_once.add(recorded, least, most)
    for triple in zip(recorded, least, most, strict=True):
        by_one.add(*(np.array([value]) for value in triple))
    assert by_one.bounds(hist, PERCENTS) == at_once.bounds(hist, PERCENTS)
