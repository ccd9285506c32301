"""Schedules against tables: what is due when, where it ends, and who takes which."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tailrace.engine.arrivals import cumulative, requested, schedule, shard
from tailrace.scenarios.parse import LONGEST_S
from tailrace.scenarios.rates import Arrivals, ProcessName, RatePhase, parse_rates

S = 1_000_000_000
MS = 1_000_000


def arrivals(rate: str, process: ProcessName = "constant", burstiness: float = 1.0) -> Arrivals:
    (phases,) = parse_rates(rate)
    return Arrivals(phases, process, burstiness)


def due(what: Arrivals, duration_ns: int | None = None, requests: int | None = None) -> list[int]:
    return list(schedule(what, 7, duration_ns, requests))


def replay(*offsets_s: float) -> Arrivals:
    return Arrivals((), "replay", offsets_s=offsets_s)


@pytest.mark.parametrize(
    ("rate", "duration_ns", "requests", "times"),
    [
        ("4", S, None, [0, 250 * MS, 500 * MS, 750 * MS]),
        ("4", S + 1, None, [0, 250 * MS, 500 * MS, 750 * MS, S]),
        ("4", None, 2, [0, 250 * MS]),
        ("4", S, 2, [0, 250 * MS]),
        ("4", 0, None, []),
        ("4", None, 0, []),
        ("3", None, 4, [0, 333_333_333, 666_666_667, S]),
        ("2 for 1s", None, None, [0, 500 * MS]),
        ("2 for 1s", 9 * S, 99, [0, 500 * MS]),
        ("2 for 1s; 4", 2 * S, None, [0, 500 * MS, S, 1250 * MS, 1500 * MS, 1750 * MS]),
        ("0..2 over 3s", None, None, [0, 1_732_050_808, 2_449_489_743]),
        ("2..0 over 3s", None, None, [0, 550_510_257, 1_267_949_192]),
        ("1..2 in 2 steps over 4s", None, None, [0, S, 2 * S, 2500 * MS, 3 * S, 3500 * MS]),
    ],
)
def test_constant(
    rate: str, duration_ns: int | None, requests: int | None, times: list[int]
) -> None:
    assert due(arrivals(rate), duration_ns, requests) == times


@pytest.mark.parametrize(
    ("rate", "n"),
    [
        ("10 for 30s", 300),
        ("0.7 for 10s", 7),
        ("0.1 for 30s", 3),
        ("10..0 over 0.6s", 3),
        ("0..10 over 0.6s", 3),
        ("5..50 over 60s", 1650),
        ("7 for 100ms; 13 for 100ms; 17..63 over 700ms", 30),
        ("1000 for 10s", 10_000),
    ],
)
def test_the_phases_hold_what_they_say(rate: str, n: int) -> None:
    """The arrival at the very end belongs to what follows, and float noise must not add it."""
    assert len(due(arrivals(rate))) == n


def test_noise_in_a_duration_adds_no_arrival() -> None:
    """It would be due in the nanosecond in which the phases end."""
    lasts_s = 700 * 1e-3
    assert lasts_s > 0.7
    assert len(due(Arrivals((RatePhase(17.0, 63.0, lasts_s),), "constant"))) == 28


def test_constant_arrivals_do_not_drift() -> None:
    """Adding 1/3 s a million times would be off by microseconds."""
    times = schedule(arrivals("3"), 0, None, 1_000_000)
    assert max(abs(3 * at - n * S) for n, at in enumerate(times)) <= 2


def test_poisson_gaps_are_logarithms_of_the_raw_stream() -> None:
    """Philox's own words, 53 bits of each; nothing of a library's that may be improved one day."""
    words = np.random.Philox(key=7).random_raw(2000)
    gaps = [-math.log1p(-(int(word) >> 11) / 2**53) for word in words]
    expected = np.cumsum(gaps) / 10 * 1e9
    assert due(arrivals("10", "poisson"), None, 2000) == pytest.approx(expected, abs=1)


def test_gamma_gaps_are_those_they_always_were() -> None:
    first = [283_456_552, 295_914_919, 295_933_759]
    assert due(arrivals("10", "gamma", 0.25), None, 3) == pytest.approx(first, abs=1)


@pytest.mark.parametrize("seed", [0, -1, 2**200])
def test_any_whole_number_is_a_seed(seed: int) -> None:
    assert len(list(schedule(arrivals("10", "poisson"), seed, None, 5))) == 5


def test_replay() -> None:
    what = replay(3.0, 0.5, 0.5, 1.25)
    assert due(what) == [500 * MS, 500 * MS, 1250 * MS, 3 * S]
    assert due(what, 3 * S) == [500 * MS, 500 * MS, 1250 * MS]
    assert due(what, None, 1) == [500 * MS]
    assert due(replay()) == []


@pytest.mark.parametrize("offset", [-0.1, math.nan, math.inf, LONGEST_S * 2])
def test_a_replay_from_before_the_start_is_refused(offset: float) -> None:
    with pytest.raises(ValueError, match="between 0 and a year"):
        schedule(replay(1.0, offset), 0, None, None)


def test_a_schedule_without_any_end_is_refused() -> None:
    with pytest.raises(ValueError, match="open-ended"):
        schedule(arrivals("5"), 0, None, None)
    with pytest.raises(ValueError, match="open-ended"):
        requested(arrivals("5"), None, None)


@pytest.mark.parametrize("burstiness", [0.0, -1.0, math.nan, math.inf])
def test_gamma_gaps_without_a_shape_are_refused(burstiness: float) -> None:
    with pytest.raises(ValueError, match="burstiness"):
        schedule(arrivals("5", "gamma", burstiness), 0, None, 1)


def test_no_schedule_is_longer_than_a_year() -> None:
    """Nor than the numbers that hold it."""
    times = due(Arrivals((RatePhase(1e-300, 1e-300, None),), "constant"), None, 3)
    assert times == [0]


def test_shards() -> None:
    times = due(arrivals("4"), S)
    assert list(shard(times, 0, 3)) == [(0, 0), (3, 750 * MS)]
    assert list(shard(times, 2, 3)) == [(2, 500 * MS)]
    assert list(shard(times, 4, 5)) == []


@pytest.mark.parametrize(("worker", "workers"), [(-1, 2), (2, 2), (0, 0)])
def test_a_worker_that_is_none_is_refused(worker: int, workers: int) -> None:
    with pytest.raises(ValueError, match="there is no worker"):
        shard([], worker, workers)


@pytest.mark.parametrize(
    ("what", "duration_ns", "requests", "expected"),
    [
        (arrivals("10"), 30 * S, None, (300.0, 30.0, 10.0)),
        (arrivals("10", "poisson"), None, 50, (50.0, 5.0, 10.0)),
        (arrivals("10"), 30 * S, 50, (50.0, 5.0, 10.0)),
        (arrivals("5..50 over 60s"), None, None, (1650.0, 60.0, 27.5)),
        (arrivals("5..50 over 60s"), None, 9999, (1650.0, 60.0, 27.5)),
        (arrivals("5..50 over 60s"), 30 * S, None, (487.5, 30.0, 16.25)),
        (replay(1.0, 2.0), None, None, (2, 2.0, 1.0)),
        (replay(), None, None, (0, 0.0, 0.0)),
    ],
)
def test_what_is_to_be_expected(
    what: Arrivals,
    duration_ns: int | None,
    requests: int | None,
    expected: tuple[float, float, float],
) -> None:
    assert requested(what, duration_ns, requests) == pytest.approx(expected)


def test_the_count_that_results_are_judged_by() -> None:
    assert cumulative(arrivals("10"))(np.array([0.0, 2.5])).tolist() == [0, 25]
    steps = cumulative(replay(1.0, 1.0, 3.0))
    assert steps(np.array([0.0, 1.0, 1.5, 3.0, 9.0])).tolist() == [0, 0, 2, 2, 3]
