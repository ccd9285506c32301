"""Sample floors against the binomial, summed exactly."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import pytest

from tailrace.results.metrics import NOTES
from tailrace.results.stats import PERCENTS, percentile_name, sample_floor

FLOORS = {50.0: 11, 90.0: 64, 95.0: 130, 99.0: 662, 99.9: 6636}


def at_most_one_over(n: int, percent: float) -> Fraction:
    """P[Binomial(n, 1 - p) <= 1]."""
    over = 1 - Fraction(str(percent)) / 100
    return sum((comb(n, k) * over**k * (1 - over) ** (n - k) for k in (0, 1)), start=Fraction(0))


@pytest.mark.parametrize(("percent", "floor"), FLOORS.items())
def test_floors(percent: float, floor: int) -> None:
    assert sample_floor(percent) == floor


@pytest.mark.parametrize(("percent", "floor"), FLOORS.items())
def test_the_floor_is_the_first_number_that_is_enough(percent: float, floor: int) -> None:
    doubt = Fraction(1, 100)
    assert at_most_one_over(floor, percent) <= doubt
    assert at_most_one_over(floor - 1, percent) > doubt


def test_two_samples_are_enough_for_the_lowest_percentiles() -> None:
    assert sample_floor(0.1) == 2


def test_less_confidence_needs_fewer_samples() -> None:
    assert sample_floor(99.0, 0.95) == 473
    assert at_most_one_over(473, 99.0) <= Fraction(1, 20) < at_most_one_over(472, 99.0)


def test_every_percentile_that_is_reported_has_its_floor_in_the_notes() -> None:
    assert set(FLOORS) == set(PERCENTS)
    for percent in PERCENTS:
        assert f"{percentile_name(percent)} {FLOORS[percent]}" in NOTES["certified"]


@pytest.mark.parametrize(("percent", "name"), [(50.0, "p50"), (99.9, "p99.9"), (99.99, "p99.99")])
def test_names(percent: float, name: str) -> None:
    assert percentile_name(percent) == name
