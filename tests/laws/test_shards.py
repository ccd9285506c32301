"""Workers' shares of one schedule: together they are it, apart they are what theory says.

A schedule is golden for its seed: a run that is repeated is the same run. Of a Poisson process
every k-th arrival is no Poisson process but has Erlang-k gaps, more even than those of the whole;
it is the union that has to be Poisson, and it is, as the shares are cut from one schedule.
"""

from __future__ import annotations

import asyncio
import hashlib
import math

import pytest

from tailrace.engine.arrivals import cumulative, schedule
from tailrace.engine.load import Share, bounds_of, starts_of
from tailrace.results.arrival_stats import arrival_stats
from tailrace.scenarios.model import Level
from tailrace.scenarios.rates import Arrivals, ProcessName, RatePhase

from ..virtual_clock import run_virtually
from .served import Served

S = 1_000_000_000
RATE, LASTS_S = 50.0, 200.0
SEEDS = (0, 1, 2, 3)
WORKERS = 4


def arrivals(process: ProcessName, burstiness: float = 1.0, rate: float = RATE) -> Arrivals:
    return Arrivals((RatePhase(rate, rate, None),), process, burstiness)


def share_of(what: Arrivals, share: Share, seed: int) -> list[tuple[int, int]]:
    """Places in the schedule and times of this worker's measured requests."""
    level = Level(None, 0.0, LASTS_S, None, arrivals=what)
    bounds = bounds_of(level, share, 0, 30.0)
    return [
        (start.user, start.intended_ns) for start in starts_of(level, what, share, seed, bounds)
    ]


@pytest.mark.parametrize(
    ("what", "seed", "digest"),
    [
        (
            arrivals("constant"),
            0,
            "80e9cea37f20a5f7f24a9f99b6c25df826512ae7f841d9342455088fd1d00d63",
        ),
        (
            arrivals("constant"),
            1,
            "80e9cea37f20a5f7f24a9f99b6c25df826512ae7f841d9342455088fd1d00d63",
        ),
        (
            arrivals("poisson"),
            0,
            "81f5903e113bcb2545cae8df0f1c696453a9f92cb655ed9e12c6288c316d5a75",
        ),
        (
            arrivals("poisson"),
            1,
            "997f256ae59048630aea351d7df015cde52fa8455e70359d0e969a9e37c1986d",
        ),
        (
            arrivals("gamma", 0.25),
            0,
            "26da219966b52dfe6ddeac334c3414c41dd9a1002f67937fd39df965c03b41cc",
        ),
        (
            arrivals("gamma", 0.25),
            1,
            "bc713b33c140a8cb0116af1d66d65084aedad483bae55638e5ec9a4a39cfc640",
        ),
        (
            arrivals("gamma", 4.0),
            0,
            "4ddd087579afd3f6bf0a09cec7bd649355daef9e668293e81fb933b9f92e770d",
        ),
    ],
)
def test_a_seed_is_the_same_schedule_for_ever(what: Arrivals, seed: int, digest: str) -> None:
    """In whole microseconds: the last bit of a logarithm, and so a nanosecond, is the machine's."""
    times = schedule(what, seed, None, 1000)
    text = "\n".join(str((at_ns + 500) // 1000) for at_ns in times)
    assert hashlib.sha256(text.encode()).hexdigest() == digest


@pytest.mark.parametrize("workers", range(1, 9))
@pytest.mark.parametrize("process", ["constant", "poisson", "gamma"])
def test_the_union_of_the_shares_is_the_whole(process: ProcessName, workers: int) -> None:
    what = arrivals(process, 0.5)
    whole = list(enumerate(schedule(what, 7, round(LASTS_S * S), None)))
    shares = [share_of(what, Share(worker, workers), 7) for worker in range(workers)]
    assert sorted(one for share in shares for one in share) == whole
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_loops_that_hold_a_share_each_start_the_whole() -> None:
    """Four real open loops side by side: the pooled starts are the schedule, to the ns."""
    what = arrivals("poisson")
    level = Level(None, 0.0, 20.0, None, arrivals=what)
    shares = [Share(worker, WORKERS) for worker in range(WORKERS)]
    held = []
    for share in shares:
        bounds = bounds_of(level, share, S, 30.0)
        starts = starts_of(level, what, share, 7, bounds)
        held.append(Served(starts, bounds, lambda index: S // 10))

    async def together() -> None:
        await asyncio.gather(*(served.hold() for served in held))

    run_virtually(together)
    pooled = sorted(at_ns - S for served in held for at_ns in served.loop.begun_ns)
    assert pooled == list(schedule(what, 7, 20 * S, None))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("process", "shape"), [("poisson", 1.0), ("gamma", 0.5), ("gamma", 2.0)])
def test_the_pooled_shares_are_the_process_and_each_share_is_its_kth_arrivals(
    process: ProcessName, shape: float, seed: int
) -> None:
    """The sum of k gamma gaps is a gamma gap of k times the shape; Poisson is shape 1.

    The index of dispersion of counts tends to 1/shape. In windows of ten arrivals it is not quite
    there yet, and so wide a share's bounds are; the whole of a Poisson process has no such excuse.
    """
    until_ns = round(LASTS_S * S)
    what = arrivals(process, shape)
    shares = [share_of(what, Share(worker, WORKERS), seed) for worker in range(WORKERS)]
    pooled = sorted(at_ns for share in shares for _, at_ns in share)
    whole = arrival_stats(pooled, 0, until_ns, cumulative(what), process, shape)
    assert whole["ks_p"] > 1e-4
    if process == "poisson":
        windows = whole["dispersion_windows"]
        assert abs(whole["dispersion"] - 1) < 4 * math.sqrt(2 / (windows - 1))
    quarter = cumulative(arrivals(process, shape, RATE / WORKERS))
    for share in shares:
        times = [at_ns for _, at_ns in share]
        part = arrival_stats(times, 0, until_ns, quarter, "gamma", WORKERS * shape)
        assert part["ks_p"] > 1e-4
        assert part["gap_cv"] == pytest.approx(1 / math.sqrt(WORKERS * shape), rel=0.1)
        assert 0.8 < part["dispersion"] * WORKERS * shape < 1.6
        as_poisson = arrival_stats(times, 0, until_ns, quarter, "poisson")
        assert shape < 1 or as_poisson["ks_p"] < 1e-6


@pytest.mark.parametrize("seed", SEEDS)
def test_workers_that_drew_the_same_dice_would_come_in_bunches(seed: int) -> None:
    """What sharding one schedule is for: four copies of a quarter's rate have dispersion 4."""
    quarter = arrivals("poisson", rate=RATE / WORKERS)
    pooled = sorted(WORKERS * list(schedule(quarter, seed, round(LASTS_S * S), None)))
    bunched = arrival_stats(
        pooled, 0, round(LASTS_S * S), cumulative(arrivals("poisson")), "poisson"
    )
    assert bunched["dispersion"] > 2.5
    assert bunched["ks_p"] < 1e-6
