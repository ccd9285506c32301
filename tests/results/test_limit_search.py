"""The search for a limit, against oracles that are sure and oracles that are not."""

from __future__ import annotations

import math
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tailrace.results.limit_search import (
    CONFIDENCE,
    LOOKS,
    MEASURED,
    SURE,
    LimitSearch,
    Probe,
    replayed,
)


def searched(limit: int, first: int, last: int, probes: int = 12) -> LimitSearch:
    """By an oracle that is always right, and sure."""
    search = LimitSearch(first, last, probes)
    while (point := search.next()) is not None:
        assert first <= point <= last
        search.tell(Probe(point, point <= limit, SURE))
    return search


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 256))
def test_a_sure_oracle_is_found(limit: int) -> None:
    found = searched(limit, 1, 256).interval()
    assert found.low <= limit <= found.high
    assert found.confidence >= CONFIDENCE
    assert len(searched(limit, 1, 256).told) <= 12


@pytest.mark.parametrize("limit", [1, 3, 8, 17, 30])
def test_small_limits_are_found_exactly(limit: int) -> None:
    found = searched(limit, 1, 256).interval()
    assert (found.low, found.high, found.best) == (limit, limit, limit)


def test_the_load_doubles_until_a_probe_misses() -> None:
    points = [probe.point for probe in searched(20, 1, 256).told]
    assert points[:6] == [1, 2, 4, 8, 16, 32]
    assert max(points) == 32


def test_points_near_the_border_are_probed_again() -> None:
    search, dice = LimitSearch(1, 64, 20), Random(4)
    while (point := search.next()) is not None:
        chance = 1 / (1 + math.exp(point - 10.5))
        search.tell(Probe(point, dice.random() < chance, MEASURED))
    points = [probe.point for probe in search.told]
    assert len(set(points)) < len(points)
    assert all(7 <= point <= 16 for point in points[10:])


@pytest.mark.parametrize("steepness", [0.03, 0.1, 0.2])
def test_the_interval_holds_its_confidence_with_noisy_probes(steepness: float) -> None:
    """A probe is met by chance, the more likely the further its point is below the limit."""
    dice, held, trials = Random(1), 0, 0
    for limit in (3, 8, 17, 40, 100) * 40:
        search = LimitSearch(1, 256, 12)
        while (point := search.next()) is not None:
            off = (limit + 0.5 - point) / (steepness * limit)
            met = dice.random() < 1 / (1 + math.exp(min(max(-2 * off, -40), 40)))
            search.tell(Probe(point, met, SURE if abs(off) > 3 else MEASURED))
        found = search.interval()
        held += found.low <= limit <= found.high
        trials += 1
    assert held / trials >= CONFIDENCE


def test_what_cannot_be_told_moves_nothing_and_is_a_probe_spent() -> None:
    search = LimitSearch(1, 8, 3)
    before = search.interval()
    for _ in range(3):
        assert search.next() == 1
        search.tell(Probe(1, None, LOOKS))
    assert search.interval() == before
    assert search.next() is None


def test_the_ends_of_the_range() -> None:
    assert searched(0, 1, 8).interval().high == 0
    assert searched(8, 1, 8).interval().low == 8
    assert searched(100, 1, 2).interval().low == 2


def test_it_can_be_replayed() -> None:
    search = searched(17, 1, 256)
    assert replayed(1, 256, 12, search.told).interval() == search.interval()
    assert replayed(1, 256, 12, search.told[:4]).next() == search.told[4].point


def told(first: int, last: int, *probes: tuple[int, bool, float]) -> LimitSearch:
    return replayed(first, last, 12, [Probe(*probe) for probe in probes])


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [(1, 256, 13), (10, 20, 14), (5, 5, 5)],
)
def test_before_the_first_split_the_odds_are_even_on_a_logarithmic_scale(
    first: int, last: int, expected: int
) -> None:
    """So many limits are as likely as the rest; one below the range is half as likely as first."""
    total = math.log((last + 1) / first) + math.log((first + 1) / first) / 2
    above = {point: math.log((last + 1) / point) / total for point in range(first, last + 1)}
    assert min(above, key=lambda point: abs(above[point] - 0.5)) == expected
    assert told(first, last, (last, False, 0.5)).next() == expected


@given(
    st.integers(1, 9),
    st.lists(st.tuples(st.integers(0, 11), st.booleans(), st.floats(0.55, 0.98)), max_size=8),
)
def test_the_interval_is_the_narrowest_with_the_confidence_asked_for(
    first: int, probes: list[tuple[int, bool, float]]
) -> None:
    """Against every run of limits, with odds that are multiplied out probe by probe."""
    last = first + 11
    odds = {first - 1: math.log((first + 1) / first) / 2}
    odds |= {limit: math.log((limit + 1) / limit) for limit in range(first, last + 1)}
    for off, met, right in probes:
        for limit in odds:
            odds[limit] *= right if (limit >= first + off) == met else 1 - right
    whole = sum(odds.values())
    found = told(first, last, *((first + off, met, right) for off, met, right in probes)).interval()
    held = sum(odds[limit] for limit in range(found.low, found.high + 1)) / whole
    assert found.confidence == pytest.approx(held)
    assert CONFIDENCE - 1e-9 <= found.confidence <= 1
    width = found.high - found.low + 1
    for low in range(first - 1, last + 2 - width):
        assert sum(odds[each] for each in range(low, low + width)) / whole <= held + 1e-9
    for low in range(first - 1, last + 3 - width):
        narrower = sum(odds[each] for each in range(low, low + width - 1)) / whole
        assert narrower <= CONFIDENCE + 1e-9
    assert odds[found.best] == pytest.approx(max(odds.values()))


def test_a_range_of_one_point_is_probed() -> None:
    assert LimitSearch(7, 7, 5).next() == 7
    assert searched(7, 7, 7).interval().low == 7
    assert searched(6, 7, 7).interval().high == 6
