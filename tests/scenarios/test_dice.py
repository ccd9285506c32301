"""Dice: uniform, apart by stream, and the same for ever."""

from __future__ import annotations

import math

from tailrace.scenarios.dice import chance, shuffled


def test_a_chance_is_known_for_ever() -> None:
    """A repeated run of an old version must draw the same."""
    assert [round(chance(0, "input", n), 6) for n in range(3)] == [0.902544, 0.756155, 0.672353]
    assert shuffled(8, 3) == [6, 3, 4, 1, 0, 5, 2, 7]


def test_chances_are_uniform() -> None:
    n = 20_000
    values = sorted(chance(5, "x", number) for number in range(n))
    assert values[0] > 0
    assert values[-1] < 1
    worst = max(abs(value - (rank + 0.5) / n) for rank, value in enumerate(values))
    assert worst < 1.63 / math.sqrt(n)  # Kolmogorov-Smirnov at 1 %


def test_seeds_streams_and_numbers_are_apart() -> None:
    keys = [(seed, what, n) for seed in (0, 1) for what in ("a", "b") for n in range(500)]
    assert len({chance(*key) for key in keys}) == len(keys)


def test_an_order_has_everything_once_and_depends_on_the_seed() -> None:
    assert sorted(shuffled(100, 1)) == list(range(100))
    assert shuffled(100, 1) != shuffled(100, 2)
    assert shuffled(100, 1) != list(range(100))
    assert shuffled(0, 1) == []
