"""Blocks: as many as are independent, and a word where none are."""

from __future__ import annotations

import numpy as np
import pytest

from tailrace.results.compare_blocks import FEWEST, MOST, block_of_each, blocks_of, likeness


def noise(k: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng([seed, k]).normal(size=k)


def test_von_neumann_by_hand() -> None:
    # Differences 1, 1, 1; spread 5: the ratio is 0.6, its error sqrt(4 * 2 / 15).
    assert likeness(np.array([1.0, 2.0, 3.0, 4.0])) == pytest.approx((2 - 0.6) / (8 / 15) ** 0.5)
    assert likeness(np.array([1.0, -1.0] * 8)) < -3
    assert likeness(np.full(16, 7.0)) == 0


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
