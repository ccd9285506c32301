"""Bootstrap: intervals that hold what they say, in a small simulation with fixed seeds.

The large one is bench/coverage_compare.py; the bounds here are wide enough for 200 trials.
"""

from __future__ import annotations

from collections.abc import Callable
from math import log

import numpy as np
import pytest
from scipy.signal import lfilter
from scipy.special import ndtri, stdtrit

from tailrace.results.compare_blocks import Blocks, block_of_each
from tailrace.results.compare_bootstrap import Drawn, Draws, LogRatio, Sorted, log_ratio, rate
from tailrace.results.compare_figures import Samples
from tailrace.results.hist import rank_of

BASE, OTHER = Draws(0, 0, replicates=1000), Draws(0, 1, replicates=1000)
TRIALS = 200
Make = Callable[[np.random.Generator, int], np.ndarray]


def samples(values: np.ndarray, counts: np.ndarray | None = None) -> Samples:
    made = np.round(np.asarray(values) * 1e4).astype(np.int64)
    return Samples(made, np.ones(len(made), np.int64) if counts is None else counts)


def lognormal(dice: np.random.Generator, n: int) -> np.ndarray:
    return dice.lognormal(2, 0.3, n)


def bimodal(dice: np.random.Generator, n: int) -> np.ndarray:
    return np.where(dice.random(n) < 0.7, dice.lognormal(2, 0.1, n), dice.lognormal(3, 0.1, n))


def autocorrelated(dice: np.random.Generator, n: int) -> np.ndarray:
    state, noise = 0.0, dice.normal(size=n + 100) * (1 - 0.7**2) ** 0.5
    made = np.empty(n + 100)
    for place, step in enumerate(noise):
        made[place] = state = 0.7 * state + step
    return np.exp(2 + 0.3 * made[100:])


def trial(make: Make, seed: int, n: int, percent: float, shift: float = 1.0) -> LogRatio | None:
    dice = np.random.default_rng([7, seed])
    base = Sorted(samples(make(dice, n))).percentile(percent, BASE)
    other = Sorted(samples(shift * make(dice, n))).percentile(percent, OTHER)
    if base.blocks.dependent or other.blocks.dependent:
        return None
    return log_ratio(base, other, 1.0)


@pytest.mark.parametrize("make", [lognormal, bimodal, autocorrelated])
@pytest.mark.parametrize(("percent", "n"), [(50.0, 400), (90.0, 400), (99.0, 1500)])
def test_intervals_hold_their_confidence(make: Make, percent: float, n: int) -> None:
    found = [trial(make, seed, n, percent, shift=1.1) for seed in range(TRIALS)]
    known = [each for each in found if each is not None]
    assert len(known) > 0.93 * TRIALS
    inside = [low <= log(1.1) <= high for low, high in (each.interval(0.95) for each in known)]
    assert np.mean(inside) > 0.92
    rejected = [2 * min(e.p_at_most(log(1.1)), e.p_at_least(log(1.1))) < 0.05 for e in known]
    assert np.mean(rejected) < 0.08


def test_a_shift_is_found() -> None:
    found = [trial(lognormal, seed, 2000, 50.0, shift=1.1) for seed in range(50)]
    beyond = [each is not None and each.p_at_most(log(1.05)) < 0.025 for each in found]
    assert np.mean(beyond) > 0.9


def test_the_gaps_of_a_request_stay_together() -> None:
    """Each request has 20 gaps, all alike: they are worth one sample, not 20."""
    dice = np.random.default_rng(1)
    of_requests = dice.lognormal(2, 0.3, 200)
    together = Sorted(samples(np.repeat(of_requests, 20), np.full(200, 20)))
    single = Sorted(samples(of_requests))
    width = [float(np.std(side.percentile(50.0, BASE).draws)) for side in (together, single)]
    assert width[0] == pytest.approx(width[1], rel=0.05)
    assert together.percentile(50.0, BASE).worth < 1000


def test_a_tail_of_a_series_that_remembers_is_worth_what_the_body_is() -> None:
    """Over a p99 lie 20 samples, too few to show that they hang together; over a p90 200 do."""
    dice = np.random.default_rng(3)
    remembers = lfilter([1.0], [1.0, -0.9], dice.normal(size=2000))
    worths = [
        Sorted(samples(np.exp(2 + 0.3 * values))).percentile(99.0, BASE).worth
        for values in (remembers, dice.normal(size=2000))
    ]
    assert worths[0] < 662 < worths[1]


def test_p_values_and_intervals_agree() -> None:
    draws = np.random.default_rng(0).normal(0.1, 0.02, 20_000)
    found = LogRatio(0.1, draws, 30)
    low, high = found.interval(0.95)
    assert found.p_at_most(low) == pytest.approx(0.025, abs=0.003)
    assert found.p_at_least(high) == pytest.approx(0.025, abs=0.003)
    assert found.p_at_least(0.1) == pytest.approx(0.5, abs=0.02)


def test_far_tails_are_drawn_out_and_fall_steadily() -> None:
    found = LogRatio(0.1, np.random.default_rng(0).normal(0.1, 0.02, 1000), 30)
    ps = [found.p_at_most(limit) for limit in (0.05, 0.03, 0.01, -0.05)]
    assert ps == sorted(ps, reverse=True)
    assert 0 < ps[-1] < 1e-6


def test_without_any_spread_a_change_is_certain() -> None:
    still = LogRatio(0.1, np.full(1000, 0.1), 30)
    assert still.p_at_most(0.05) == 0
    assert still.p_at_most(0.2) > 0.9
    assert still.interval(0.95) == (0.1, 0.1)


def test_few_blocks_widen_the_interval() -> None:
    draws = np.random.default_rng(0).normal(0, 1, 20_000)
    widths = []
    for blocks in (8, 32, 1000):
        low, high = LogRatio(0.0, draws, blocks).interval(0.95)
        widths.append(high - low)
    assert widths[0] > widths[1] > widths[2] == pytest.approx(2 * 1.96, rel=0.03)


def test_a_nought_has_a_log() -> None:
    nought = Drawn(0.0, np.zeros(100), Blocks(10), 10, 10.0)
    assert log_ratio(nought, nought, 1.0).interval(0.95) == (0.0, 0.0)


def test_a_rate_is_by_time() -> None:
    dice = np.random.default_rng(0)
    amounts = dice.poisson(100, 32).astype(np.float64)
    drawn = rate(amounts, np.full(32, 0.5), BASE)
    assert drawn.value == pytest.approx(amounts.sum() / 16)
    assert float(drawn.draws.std()) == pytest.approx(2 * (100 / 32) ** 0.5, rel=0.5)


def test_the_same_seed_gives_the_same_draws() -> None:
    assert (Draws(3, 0).times(9) == Draws(3, 0).times(9)).all()
    assert (Draws(3, 0).times(9) != Draws(3, 1).times(9)).any()
    assert (Draws(3, 0).times(9).sum(axis=1) == 9).all()


@pytest.mark.parametrize(
    ("percent", "requests"),
    [
        (50.0, 2),
        (50.0, 7),
        (50.0, 40),
        (50.0, 100),
        (90.0, 7),
        (90.0, 40),
        (90.0, 100),
        (99.0, 100),
    ],
)
def test_each_draw_is_the_percentile_of_the_samples_that_were_drawn(
    percent: float, requests: int
) -> None:
    """Against pooling the drawn blocks and sorting them; no draw is beyond the grid here."""
    dice = np.random.default_rng([requests, int(percent)])
    counts = dice.integers(1, 4, requests)
    values = dice.integers(0, 10**6, counts.sum())
    draws = Draws(3, replicates=100)
    found = Sorted(Samples(values, counts)).percentile(percent, draws)
    block = block_of_each(requests, found.blocks.count)[np.repeat(np.arange(requests), counts)]
    expected = []
    for times in draws.times(found.blocks.count):
        pooled = np.sort(np.repeat(values, times.astype(int)[block]))
        expected.append(float(pooled[rank_of(percent, len(pooled)) - 1]))
    assert found.draws.tolist() == expected
    assert found.value == np.sort(values)[rank_of(percent, len(values)) - 1]
    assert found.n == len(values)


def test_ten_equal_samples_of_a_request_are_worth_little_more_than_one() -> None:
    """Of 32 blocks a design effect of 10 is surely 5.9 and more."""
    worths = []
    for seed in range(20):
        of_each = np.random.default_rng(seed).integers(0, 10**6, 640)
        alike = Samples(np.repeat(of_each, 10), np.full(640, 10))
        worths.append(Sorted(alike).percentile(50.0, Draws(3, replicates=10)).worth)
    assert float(np.median(worths)) == pytest.approx(6400 / 5.94, rel=0.12)


def test_each_draw_of_a_rate_is_that_of_the_slices_that_were_drawn() -> None:
    dice, draws = np.random.default_rng(5), Draws(4, replicates=50)
    amounts, seconds = dice.integers(1, 99, 20).astype(float), dice.uniform(0.5, 2, 20)
    found = rate(amounts, seconds, draws)
    block = block_of_each(20, found.blocks.count)
    for times, drawn in zip(draws.times(found.blocks.count), found.draws, strict=True):
        assert drawn == pytest.approx((times[block] @ amounts) / (times[block] @ seconds))
    assert (found.value, found.n) == (amounts.sum() / seconds.sum(), amounts.sum())
    assert found.worth == found.n


@pytest.mark.parametrize("k", [3, 4, 8])
def test_few_blocks_have_the_interval_of_t(k: int) -> None:
    draws = 0.1 + 0.02 * ndtri((np.arange(200_000) + 0.5) / 200_000)
    found = LogRatio(0.1, draws, k)
    low, high = found.interval(0.8)
    half = 0.02 * float(stdtrit(k - 1, 0.9)) * (k / (k - 1)) ** 0.5
    assert (low, high) == pytest.approx((0.1 - half, 0.1 + half), rel=0.005)
    assert found.p_at_most(low) == pytest.approx(0.1, rel=0.005)
    assert found.p_at_least(high) == pytest.approx(0.1, rel=0.005)


def test_a_ratio_is_of_the_figures_and_of_their_draws() -> None:
    base = Drawn(10.0, np.array([10.0, 20.0]), Blocks(8), 5, 5.0)
    other = Drawn(20.0, np.array([40.0, 0.0]), Blocks(16), 5, 5.0)
    found = log_ratio(base, other, 5.0)
    assert (found.value, found.blocks) == (pytest.approx(np.log(2)), 8)
    assert found.draws == pytest.approx(np.log([4.0, 0.25]))
