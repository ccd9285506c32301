"""The laws of a schedule: for any phases, and for the random processes within what chance allows.

Statistical laws run on fixed seeds, with bounds of four standard deviations worked out from n.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tailrace.engine.arrivals import cumulative, requested, schedule, shard
from tailrace.results.arrival_stats import arrival_stats
from tailrace.scenarios.rates import Arrivals, ProcessName, RatePhase, parse_rates

many = settings(max_examples=60, deadline=None)

S = 1_000_000_000
SEEDS = (0, 1, 2, 3)

rates = st.floats(0.5, 500).map(lambda rate: round(rate, 3))
ends = rates | st.just(0.0)
lengths = st.floats(0.01, 3).map(lambda length: round(length, 3))
steady = st.builds(lambda rate, length: RatePhase(rate, rate, length), rates, lengths)
ramps = st.builds(RatePhase, rates, ends, lengths) | st.builds(RatePhase, ends, rates, lengths)
some_phases = st.lists(steady | ramps, min_size=1, max_size=4).map(tuple)
processes: st.SearchStrategy[ProcessName] = st.sampled_from(["constant", "poisson", "gamma"])
any_arrivals = st.builds(Arrivals, some_phases, processes, st.floats(0.1, 5))
seeds = st.integers(-(2**63), 2**130)


def arrivals(rate: str, process: ProcessName, burstiness: float = 1.0) -> Arrivals:
    (phases,) = parse_rates(rate)
    return Arrivals(phases, process, burstiness)


@many
@given(any_arrivals, seeds, st.none() | st.integers(0, 4 * S), st.none() | st.integers(0, 300))
def test_times_never_fall_and_stay_in_bounds(
    what: Arrivals, seed: int, duration_ns: int | None, requests: int | None
) -> None:
    times = list(schedule(what, seed, duration_ns, requests))
    lasts_s = what.lasts_s
    assert lasts_s is not None
    assert all(earlier <= later for earlier, later in pairwise([0, *times]))
    assert all(type(at) is int and at < round(lasts_s * S) for at in times)
    assert duration_ns is None or all(at < duration_ns for at in times)
    assert requests is None or len(times) <= requests
    whole = list(schedule(what, seed, None, None))
    kept = [at for at in whole if duration_ns is None or at < duration_ns]
    assert times == kept[:requests]


@many
@given(any_arrivals, seeds, st.integers(1, 50), st.integers(1, 2000))
def test_the_size_of_the_chunks_does_not_matter(
    what: Arrivals, seed: int, small: int, large: int
) -> None:
    one, other = (list(schedule(what, seed, None, 500, chunk=size)) for size in (small, large))
    assert one == other


@many
@given(any_arrivals, seeds, st.integers(1, 8))
def test_shards_are_the_whole_and_share_nothing(what: Arrivals, seed: int, workers: int) -> None:
    whole = list(schedule(what, seed, None, None))
    shards = [
        list(shard(schedule(what, seed, None, None), worker, workers)) for worker in range(workers)
    ]
    assert sorted(one for each in shards for one in each) == list(enumerate(whole))
    sizes = [len(each) for each in shards]
    assert max(sizes) - min(sizes) <= 1


@many
@given(some_phases)
def test_constant_arrivals_keep_to_the_integral_all_along(phases: tuple[RatePhase, ...]) -> None:
    """The n-th is due when n are to be expected; half a nanosecond of rounding is forgiven."""
    what = Arrivals(phases, "constant")
    times = np.array(list(schedule(what, 0, None, None)))
    expected = cumulative(what)
    index = np.arange(len(times))
    assert np.all(expected((times - 1) / 1e9) <= index + 1e-6)
    assert np.all(expected((times + 1) / 1e9) >= index - 1e-6)
    assert abs(len(times) - requested(what, None, None).n) <= 1


@many
@given(some_phases)
def test_there_and_back(phases: tuple[RatePhase, ...]) -> None:
    """Times of a schedule, taken back to operational time, are the process of unit rate."""
    poisson = Arrivals(phases, "poisson")
    unit = Arrivals((RatePhase(1.0, 1.0, None),), "poisson")
    times = np.array(list(schedule(poisson, 5, None, None))) / 1e9
    back = cumulative(poisson)(times)
    there = np.array(list(schedule(unit, 5, None, len(times)))) / 1e9
    assert back == pytest.approx(there, abs=1e-6)


@many
@given(some_phases, st.integers(0, 20))
def test_a_phase_holds_a_poisson_number(phases: tuple[RatePhase, ...], seed: int) -> None:
    """Six standard deviations, and some more for phases of which next to nothing is expected."""
    what = Arrivals(phases, "poisson")
    times = np.array(list(schedule(what, seed, None, None)))
    bounds_s = np.cumsum([0.0, *(phase.duration_s or 0 for phase in phases)])
    found = np.diff(np.searchsorted(times, bounds_s * 1e9))
    for phase, n in zip(phases, found.tolist(), strict=True):
        mean = (phase.from_per_s + phase.to_per_s) / 2 * (phase.duration_s or 0)
        assert abs(n - mean) <= 6 * math.sqrt(mean) + 6


@many
@given(st.lists(st.floats(0, 100), max_size=50), st.none() | st.integers(0, 60))
def test_a_replay_is_its_offsets(offsets: list[float], requests: int | None) -> None:
    what = Arrivals((), "replay", offsets_s=tuple(offsets))
    times = list(schedule(what, 0, None, requests))
    assert times == sorted(round(offset * 1e9) for offset in offsets)[:requests]


@pytest.mark.parametrize("rate", ["50 for 80s", "0..100 over 80s", "10 for 40s; 90..0 over 80s"])
@pytest.mark.parametrize("seed", SEEDS)
def test_poisson_is_poisson_all_along(rate: str, seed: int) -> None:
    what = arrivals(rate, "poisson")
    until_ns = round((what.lasts_s or 0) * S)
    stats = arrival_stats(
        list(schedule(what, seed, None, None)), 0, until_ns, cumulative(what), "poisson"
    )
    n, windows = stats["n"], stats["dispersion_windows"]
    assert stats["requested_n"] == pytest.approx(4000)
    assert abs(n - 4000) < 4 * math.sqrt(4000)
    assert abs(stats["dispersion"] - 1) < 4 * math.sqrt(2 / (windows - 1))
    assert abs(stats["gap_cv"] - 1) < 4 / math.sqrt(n)
    assert stats["ks_p"] > 1e-4


@pytest.mark.parametrize("shape", [0.25, 0.5, 1.0, 4.0])
@pytest.mark.parametrize("seed", SEEDS)
def test_gamma_gaps_have_the_variation_asked_for(shape: float, seed: int) -> None:
    """The variance of a CV is its square times (kurtosis - 1)/4 + CV^2 - skewness * CV, over n.

    With a gamma's skewness of 2 CV and kurtosis of 3 + 6 CV^2 that is (1 + CV^2)/2.
    """
    what = arrivals("20..80 over 80s", "gamma", shape)
    times = list(schedule(what, seed, None, None))
    stats = arrival_stats(times, 0, 80 * S, cumulative(what), "gamma", shape)
    cv = 1 / math.sqrt(shape)
    assert abs(stats["gap_cv"] - cv) < 4 * cv * math.sqrt((1 + cv * cv) / 2 / stats["n"])
    assert abs(stats["n"] - 4000) < 4 * cv * math.sqrt(4000) + 1
    assert stats["ks_p"] > 1e-4


@pytest.mark.parametrize("process", ["poisson", "gamma"])
def test_a_seed_is_a_schedule(process: ProcessName) -> None:
    what = arrivals("100 for 5s", process, 0.5)
    found = {seed: tuple(schedule(what, seed, None, None)) for seed in range(20)}
    assert len(set(found.values())) == 20
    assert all(tuple(schedule(what, seed, None, None)) == one for seed, one in found.items())


def test_neighbouring_seeds_are_unrelated() -> None:
    """Twenty workers with a seed each, pooled, would be Poisson again, and not in bunches."""
    what = arrivals("10 for 40s", "poisson")
    pooled = sorted(at for seed in range(20) for at in schedule(what, seed, None, None))
    stats = arrival_stats(
        pooled, 0, 40 * S, cumulative(arrivals("200 for 40s", "poisson")), "poisson"
    )
    windows = stats["dispersion_windows"]
    assert abs(stats["dispersion"] - 1) < 4 * math.sqrt(2 / (windows - 1))
    assert stats["ks_p"] > 1e-4


def test_a_longer_run_begins_like_a_shorter_one() -> None:
    short = Arrivals((RatePhase(30.0, 30.0, None),), "gamma", 0.5)
    assert list(schedule(short, 9, None, 2000))[:700] == list(schedule(short, 9, None, 700))
