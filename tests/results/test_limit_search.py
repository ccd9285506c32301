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
