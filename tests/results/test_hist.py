"""The histogram against hdrh's own, and against the sorted samples."""

from __future__ import annotations

import gc
import math
import weakref
from fractions import Fraction

import numpy as np
import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tailrace.results.hist import HIGHEST_NS, Hist, bucket_index, rank_of

from .builders import counts_of

many = settings(max_examples=200, deadline=None)
some = settings(max_examples=60, deadline=None)
few = settings(max_examples=20, deadline=None)

REFERENCE = HdrHistogram(1, HIGHEST_NS, 3)
EDGES = [2**k + d for k in range(42) for d in (-1, 0, 1) if 2**k + d <= HIGHEST_NS]

values = st.one_of(
    st.integers(0, HIGHEST_NS),
    st.integers(0, 5000),
    st.sampled_from(EDGES),
    st.integers(0, 41).flatmap(lambda bits: st.integers(0, min(2**bits, HIGHEST_NS))),
)
samples = st.lists(values, min_size=1, max_size=60)
PERCENTS = (0.1, 1.0, 25.0, 50.0, 90.0, 95.0, 99.0, 99.9, 100.0)


def hist(sample: list[int]) -> Hist:
    made = Hist()
    made.add_many(sample)
    return made


@many
@given(values)
@example(0)
@example(2047)
@example(2048)
@example(HIGHEST_NS)
def test_a_value_goes_where_hdrh_puts_it(value: int) -> None:
    (index,) = bucket_index(np.array([value], dtype=np.int64))
    assert index == REFERENCE._counts_index_for(value)
    assert 0 <= index < REFERENCE.counts_len


def test_every_edge_goes_where_hdrh_puts_it() -> None:
    found = bucket_index(np.array(EDGES, dtype=np.int64))
    assert found.tolist() == [REFERENCE._counts_index_for(value) for value in EDGES]


@few
@given(samples)
def test_a_batch_is_what_hdrh_records_one_by_one(sample: list[int]) -> None:
    theirs = HdrHistogram(1, HIGHEST_NS, 3)
    for value in sample:
        assert theirs.record_value(value)
    mine = hist(sample)
    assert np.array_equal(mine._counts, np.ctypeslib.as_array(theirs.counts))
    assert counts_of(mine.encode()) == counts_of(theirs.encode().decode())


@some
@given(samples)
def test_the_exact_figures_are_exact(sample: list[int]) -> None:
    made = hist(sample)
    assert (made.n, made.min_ns, made.max_ns) == (len(sample), min(sample), max(sample))
    assert made.mean_ns == sum(sample) / len(sample)
    assert made.overflow == 0


@some
@given(samples)
@example([1, 2])
@example([0])
@example([2049, 2050, 2051])
def test_percentiles_are_those_of_the_sorted_sample(sample: list[int]) -> None:
    ordered = sorted(sample)
    for percent, found in zip(PERCENTS, hist(sample).percentiles(PERCENTS), strict=True):
        rank = max(1, math.ceil(Fraction(str(percent)) * len(sample) / 100))
        true = ordered[rank - 1]
        assert found is not None
        assert true <= found <= true + true / 1000
        assert ordered[0] <= found <= ordered[-1]


@pytest.mark.parametrize(
    ("percent", "n", "rank"),
    [
        (50, 1, 1),
        (50, 2, 1),
        (50, 3, 2),
        (50, 100, 50),
        (50, 101, 51),
        (99, 100, 99),
        (99, 101, 100),
        (99.9, 1000, 999),
        (99.9, 1001, 1000),
        (99.9, 10_000_000, 9_990_000),
        (0, 10, 1),
        (100, 10, 10),
    ],
)
def test_ranks(percent: float, n: int, rank: int) -> None:
    assert rank_of(percent, n) == rank


@some
@given(samples, st.data())
def test_merged_parts_are_the_whole(sample: list[int], data: st.DataObject) -> None:
    owners = data.draw(
        st.lists(st.integers(0, 2), min_size=len(sample), max_size=len(sample)), "owners"
    )
    merged = Hist()
    for owner in range(3):
        merged.merge(hist([v for v, o in zip(sample, owners, strict=True) if o == owner]))
    whole = hist(sample)
    assert merged.encode() == whole.encode()
    assert merged.percentiles(PERCENTS) == whole.percentiles(PERCENTS)
    for name in ("n", "min_ns", "max_ns", "mean_ns", "overflow"):
        assert getattr(merged, name) == getattr(whole, name)


def test_a_merge_counts_what_was_held_back_on_both_sides() -> None:
    one, other = Hist(), Hist()
    one.add(5)
    other.add(7)
    one.merge(other)
    assert (one.n, one.min_ns, one.max_ns, one.mean_ns) == (2, 5, 7, 6.0)
    assert other.n == 1


def test_merged_with_nothing_is_unchanged() -> None:
    one = hist([5])
    one.merge(Hist())
    assert (one.n, one.min_ns, one.max_ns) == (1, 5, 5)


def test_without_samples_there_are_no_figures() -> None:
    empty = Hist()
    assert empty.mean_ns is None
    assert empty.percentiles((50.0, 99.0)) == [None, None]
    assert counts_of(empty.encode()) == {}
    empty.add_many([])
    assert empty.n == 0


def test_too_long_is_counted_and_kept_in_the_extremes() -> None:
    made = hist([1, HIGHEST_NS, HIGHEST_NS + 1, 3 * HIGHEST_NS])
    assert (made.n, made.overflow, made.max_ns) == (4, 2, 3 * HIGHEST_NS)
    assert made.mean_ns == (1 + 5 * HIGHEST_NS + 1) / 4
    assert sum(counts_of(made.encode()).values()) == 4
    (p25, p100) = made.percentiles((25.0, 100.0))
    assert p25 == 1
    assert p100 is not None
    assert HIGHEST_NS <= p100 <= 3 * HIGHEST_NS
    other = Hist()
    other.merge(made)
    assert other.overflow == 2


@pytest.mark.parametrize("sample", [[-1], [5, -1], [-(2**60)]])
def test_a_negative_duration_is_refused(sample: list[int]) -> None:
    made = Hist()
    with pytest.raises(ValueError, match="negative"):
        made.add_many(sample)
    assert made.n == 0


def test_values_one_by_one_are_the_same_as_many() -> None:
    one_by_one = Hist()
    sample = [k * 7919 % 1_000_003 for k in range(500)]
    for value in sample:
        one_by_one.add(value)
    assert one_by_one.encode() == hist(sample).encode()
    assert one_by_one.n == len(sample)


def test_encoding_changes_nothing_and_can_be_repeated() -> None:
    made = hist([1, 10, 100])
    first = made.encode()
    assert made.encode() == first
    made.add(1000)
    assert counts_of(made.encode()) == {1: 1, 10: 1, 100: 1, 1000: 1}
    assert made.n == 4


@few
@given(samples)
def test_an_encoded_histogram_reads_back_and_encodes_the_same(sample: list[int]) -> None:
    payload = hist(sample).encode()
    assert HdrHistogram.decode(payload).encode().decode("ascii") == payload
    assert sum(counts_of(payload).values()) == len(sample)


def figures(of: Hist) -> tuple[object, ...]:
    """All that a histogram knows."""
    return (of.n, of.mean_ns, of.min_ns, of.max_ns, of.overflow, of.percentiles(PERCENTS))


@pytest.mark.parametrize("value", [0, 7, 5_000_000, HIGHEST_NS, HIGHEST_NS + 5])
@pytest.mark.parametrize("times", [1, 2, 9])
def test_one_value_many_times_is_that_many_values(value: int, times: int) -> None:
    at_once, before = hist([3, HIGHEST_NS + 1, value]), hist([3, HIGHEST_NS + 1])
    before.add_times(value, times)
    at_once.add_many([value] * (times - 1))
    assert figures(before) == figures(at_once)
    assert before.counts().tolist() == at_once.counts().tolist()


@few
@given(samples, samples, samples)
def test_an_exchange_is_as_if_the_others_had_been_added(
    kept: list[int], some: list[int], others: list[int]
) -> None:
    long = HIGHEST_NS + 9
    whole, wanted = hist([*kept, *some, long]), hist([*kept, *others, long])
    found = whole.exchanged(hist([*some, long]), hist([*others, long]))
    assert found.counts().tolist() == wanted.counts().tolist()
    assert (found.n, found.mean_ns, found.overflow) == (wanted.n, wanted.mean_ns, 1)
    assert found.min_ns == min(*kept, *some, *others)
    assert found.max_ns == long
    assert whole.n == len(kept) + len(some) + 1


@few
@given(samples, samples)
def test_what_came_since_has_its_own_percentiles(before: list[int], after: list[int]) -> None:
    whole = hist(before)
    earlier = whole.counts()
    assert whole.percentile_since(earlier, 50.0) is None
    whole.add_many(after)
    for percent in PERCENTS:
        rank = rank_of(percent, len(after))
        low = sorted(after)[rank - 1]
        found = whole.percentile_since(earlier, percent)
        assert found is not None
        assert low <= found <= low * 1.001 + 1
    assert whole.percentile_since(None, 50.0) == whole.percentiles([50.0])[0]


def test_what_is_too_long_came_too() -> None:
    """Into the last bucket."""
    assert hist([HIGHEST_NS + 1]).percentile_since(None, 50.0) == HIGHEST_NS + 1


def test_a_gain_has_the_exact_maximum_of_its_interval() -> None:
    later, gain = Hist(), Hist()
    later.add_many([5, 7_000_001])
    counts = gain.set_gain(later, None)
    assert (gain.n, gain.min_ns, gain.max_ns) == (2, 5, 7_000_001)
    assert counts.tolist() == later.counts().tolist()
    later.add(3_000_003)
    later.add(9)
    counts = gain.set_gain(later, counts)
    assert (gain.n, gain.min_ns, gain.max_ns) == (2, 9, 3_000_003)
    gain.set_gain(later, counts)
    assert (gain.n, gain.max_ns, gain.percentiles([50.0])) == (0, 0, [None])
    gain.set_gain(hist([0]), None)
    assert (gain.n, gain.max_ns) == (1, 0)


def test_a_rank_is_the_value_of_that_sample() -> None:
    some = hist([30, 10, 20])
    assert [some.at_rank(rank) for rank in (1, 2, 3, None)] == [10, 20, 30, None]
    assert Hist().at_rank(1) is None


def test_a_second_batch_adds_to_the_first() -> None:
    long = HIGHEST_NS + 1
    two = hist([4, 4, long])
    two.add_many([4, 6, long])
    assert figures(two) == figures(hist([4, 4, 4, 6, long, long]))
    assert two.overflow == 2
    other = hist([long])
    other.merge(two)
    assert other.overflow == 3
    assert hist([HIGHEST_NS]).overflow == 0


@few
@given(samples)
def test_what_is_decoded_has_the_counts_and_the_exact_maximum(sample: list[int]) -> None:
    made = hist(sample)
    found = Hist.decode(made.encode(), made.max_ns)
    assert found.counts().tolist() == made.counts().tolist()
    assert (found.n, found.max_ns) == (made.n, made.max_ns)
    assert 0 <= min(sample) - found.min_ns <= min(sample) * 0.001 + 1
    assert found.mean_ns is not None
    assert found.mean_ns == pytest.approx(sum(sample) / len(sample), rel=0.001)
    assert found.percentiles(PERCENTS)[-1] == max(sample)
    assert figures(Hist.decode(Hist().encode(), 0)) == figures(Hist())


@few
@given(samples, values)
def test_a_share_above_is_counted_in_buckets(sample: list[int], value: int) -> None:
    share = hist(sample).share_above(value)
    surely = sum(each > value * 1.002 + 1 for each in sample)
    perhaps = sum(each > value for each in sample)
    assert surely <= round(share * len(sample)) <= perhaps


@few
@given(samples, st.lists(values, max_size=5))
def test_samples_at_or_below_values_are_counted_in_buckets(
    sample: list[int], limits: list[int]
) -> None:
    for limit, found in zip(limits, hist(sample).at_or_below(limits), strict=True):
        surely = sum(each <= limit for each in sample)
        assert surely <= found <= sum(each <= limit * 1.002 + 1 for each in sample)


def test_shares_at_the_edges() -> None:
    made = hist([10, 20, 30, HIGHEST_NS + 5])
    assert [made.share_above(value) for value in (-1, 9, 10, 29)] == [1.0, 1.0, 0.75, 0.5]
    assert made.share_above(HIGHEST_NS + 5) == 0.0
    assert made.share_above(HIGHEST_NS + 1) == 0.0
    assert hist([10, 20]).share_above(20) == 0.0
    assert Hist().share_above(5) == 0.0


def test_the_text_of_percentiles_is_in_its_unit() -> None:
    text = hist([1_000_000, 3_000_000]).percentile_distribution(1e6).decode()
    (line,) = [line for line in text.splitlines() if "StdDeviation" in line]
    assert "[Mean    =        2.000, StdDeviation   =        1.000]" in line
    assert "[Max     =        3.00" in text


def test_a_histogram_is_freed_at_once() -> None:
    gc.disable()
    try:
        hist = Hist()
        hist.add_many([1, 2, 3])
        inner = weakref.ref(hist._hdr)
        assert Hist.decode(hist.encode(), 3).n == 3
        del hist
        assert inner() is None
        before = len(gc.get_objects())
        for _ in range(20):
            Hist.decode(Hist().encode(), 1)
        assert len(gc.get_objects()) < before + 20
    finally:
        gc.enable()
