"""Blocks: as many as are independent, and a word where none are."""

from __future__ import annotations

import numpy as np
import pytest

from tailrace.results.compare_blocks import (
    FEWEST,
    MOST,
    Blocks,
    block_of_each,
    blocks_of,
    likeness,
    sums,
)


def noise(k: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng([seed, k]).normal(size=k)


def test_von_neumann_by_hand() -> None:
    # Differences 1, 1, 1; spread 5: the ratio is 0.6, its error sqrt(4 * 2 / 15).
    assert likeness(np.array([1.0, 2.0, 3.0, 4.0])) == pytest.approx((2 - 0.6) / (8 / 15) ** 0.5)
    assert likeness(np.array([1.0, -1.0] * 8)) < -3
    assert likeness(np.full(16, 7.0)) == 0
    assert likeness(np.array([1.0, 2.0, 3.0])) == pytest.approx((2 - 2 / 2) / (4 / 8) ** 0.5)
    assert likeness(np.array([1.0, 2.0])) == likeness(np.array([5.0])) == 0


@pytest.mark.parametrize("scale", [1e-6, -1.0, 1e12])
def test_what_rounding_makes_of_equal_means_is_no_difference(scale: float) -> None:
    turns = np.array([1.0, -1.0] * 8)
    assert likeness((1 + 1e-7 * turns) * scale) == 0
    assert likeness((1 + 1e-5 * turns) * scale) < -3


def as_alike(k: int, wanted: float) -> np.ndarray:
    """Means that are so alike their neighbours: a drift with as much of a zigzag as needed."""
    drift, zigzag = np.linspace(-1, 1, k), np.resize([1.0, -1.0], k)
    low, high = 0.0, 1.0
    for _ in range(60):
        part = (low + high) / 2
        alike = likeness((1 - part) * drift + part * zigzag)
        low, high = (part, high) if alike > wanted else (low, part)
    return (1 - low) * drift + low * zigzag


@pytest.mark.parametrize(
    ("alike", "expected"),
    [
        ({32: 0.79}, Blocks(32)),
        ({32: -1.95}, Blocks(32)),
        ({32: 0.81, 16: 0.79}, Blocks(16)),
        ({32: -1.97, 16: -1.95}, Blocks(16)),
        ({32: 5.0, 16: 2.57, 8: 0.0}, Blocks(8)),
        ({32: 0.9, 16: 2.59, 8: 0.0}, Blocks(8, dependent=True)),
        ({32: 0.9, 16: 0.9, 8: 1.95}, Blocks(8)),
        ({32: 0.9, 16: 0.9, 8: 1.97}, Blocks(8, dependent=True)),
        ({31: 2.59, 15: 0.0}, Blocks(15, dependent=True)),
        ({17: 0.9, 8: 0.9}, Blocks(8)),
        ({15: 1.95}, Blocks(15)),
    ],
)
def test_alike_blocks_are_merged_and_the_last_two_stages_may_refuse(
    alike: dict[int, float], expected: Blocks
) -> None:
    assert blocks_of(max(alike), lambda k: as_alike(k, alike[k])) == expected


def test_independent_requests_keep_their_blocks() -> None:
    kept = [blocks_of(1000, lambda k, seed=seed: noise(k, seed)) for seed in range(400)]
    assert np.mean([blocks.count == MOST for blocks in kept]) > 0.7
    assert np.mean([blocks.dependent for blocks in kept]) < 0.03


def test_a_drift_is_said() -> None:
    found = blocks_of(1000, lambda k: np.arange(k) + 0.1 * noise(k))
    assert (found.count, found.dependent) == (FEWEST, True)


def test_what_hangs_together_for_a_while_becomes_larger_blocks() -> None:
    def means(k: int) -> np.ndarray:
        return np.repeat(noise(8, 3), 4)[:: 32 // k] if k > 8 else np.array([1.0, -1.0] * 4)

    assert blocks_of(1000, means).count == 8


@pytest.mark.parametrize("units", [1, 2, 8, 15])
def test_few_requests_are_their_own_blocks(units: int) -> None:
    assert blocks_of(units, noise).count == units


def test_blocks_are_equal_but_for_one_request() -> None:
    sizes = np.bincount(block_of_each(1003, 32))
    assert len(sizes) == 32
    assert sizes.max() - sizes.min() <= 1


def test_sums_of_blocks() -> None:
    values = np.array([1.0, 2.0, 4.0, 8.0])
    assert sums(values, np.array([0, 0, 2, 0]), 4).tolist() == [11, 0, 4, 0]
    assert block_of_each(0, 5).tolist() == []
    assert block_of_each(1, 1).tolist() == [0]
