"""Arrival statistics: the special functions against closed forms, and each fault made visible."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.special import kolmogorov
from scipy.stats import kstwo

from tailrace.results.arrival_stats import (
    Floats,
    arrival_stats,
    gamma_cdf,
    kolmogorov_p,
    ks_distance,
    requested_gap_cv,
)

S = 1_000_000_000
N = 4000


def steady(per_s: float) -> Callable[[Floats], Floats]:
    return lambda at_s: at_s * per_s


def ns(at_s: Floats) -> list[int]:
    times: list[int] = np.rint(at_s * 1e9).astype(np.int64).tolist()
    return times


def poisson(n: int = N, seed: int = 1) -> Floats:
    """Arrivals of one a second."""
    dice = np.random.default_rng(seed)
    return np.cumsum(dice.exponential(size=n))


def judged(
    at_s: Floats, until_s: float, process: str = "poisson", shape: float = 1.0
) -> dict[str, Any]:
    return arrival_stats(ns(at_s), 0, int(until_s * S), steady(1.0), process, shape)


@pytest.mark.parametrize(
    ("shape", "law"),
    [
        (1.0, lambda x: -math.expm1(-x)),
        (0.5, lambda x: math.erf(math.sqrt(x))),
        (2.0, lambda x: 1 - (1 + x) * math.exp(-x)),
        (1.5, lambda x: math.erf(math.sqrt(x)) - 2 * math.sqrt(x / math.pi) * math.exp(-x)),
    ],
)
def test_the_gamma_law_against_closed_forms(shape: float, law: Callable[[float], float]) -> None:
    values = [1e-9, 1e-3, 0.1, 0.5, 1.0, 2.0, 5.0, 12.0, 30.0]
    assert gamma_cdf(shape, np.array(values)) == pytest.approx([law(x) for x in values], abs=1e-13)


@pytest.mark.parametrize("shape", [0.01, 0.25, 1.0, 20.0, 100.0])
def test_the_gamma_law_from_end_to_end(shape: float) -> None:
    """Each value alone, too: the sum must not stop before its terms have begun to shrink."""
    far = np.array([1e3, 1e6])
    assert gamma_cdf(shape, far) == pytest.approx(1.0, abs=1e-9)
    assert gamma_cdf(shape, far[:1]) == pytest.approx(1.0, abs=1e-9)
    assert gamma_cdf(shape, np.array([0.0]))[0] < 1e-2
    between = gamma_cdf(shape, np.linspace(0, 3 * shape, 50))
    assert np.all(np.diff(between) >= -1e-12)


@pytest.mark.parametrize(
    ("p", "z"), [(0.9, 0.57117), (0.5, 0.82757), (0.1, 1.22385), (0.05, 1.35810), (0.01, 1.62762)]
)
def test_kolmogorov_against_the_table(p: float, z: float) -> None:
    n = 10**8
    assert kolmogorov_p(z / math.sqrt(n), n) == pytest.approx(p, rel=1e-3)


@pytest.mark.parametrize("z", [0.06, 0.3, 0.8, 1.1, 1.17, 1.19, 1.3, 2.0, 3.0])
def test_kolmogorovs_law_to_the_last_digits(z: float) -> None:
    n = 10**22
    assert kolmogorov_p(z / math.sqrt(n), n) == pytest.approx(float(kolmogorov(z)), rel=1e-9)


@pytest.mark.parametrize("n", [5, 20, 100])
@pytest.mark.parametrize("p", [0.9, 0.5, 0.1, 0.01])
def test_few_samples_have_nearly_their_own_law(n: int, p: float) -> None:
    """Against the exact one, whose chances are p."""
    assert kolmogorov_p(float(kstwo.isf(p, n)), n) == pytest.approx(p, abs=0.006, rel=0.12)


@pytest.mark.parametrize("z", [0.049, 0.05, 1.18])
def test_the_two_series_meet(z: float) -> None:
    n = 10**12
    below, above = (kolmogorov_p(z * factor / math.sqrt(n), n) for factor in (0.9999, 1.0001))
    assert 0 <= above <= below <= 1
    assert below - above < 1e-3


def test_the_distance_of_a_sample() -> None:
    assert ks_distance(np.array([0.25, 0.75])) == 0.25
    assert ks_distance(np.array([0.9, 0.8])) == 0.8
    assert ks_distance(np.array([0.0, 0.1])) == 0.9


@pytest.mark.parametrize(
    ("process", "shape", "cv"),
    [("constant", 1.0, 0), ("poisson", 1.0, 1), ("gamma", 0.25, 2), ("replay", 1.0, None)],
)
def test_requested_gap_cv(process: str, shape: float, cv: float | None) -> None:
    assert requested_gap_cv(process, shape) == cv


def test_constant_arrivals_are_constant() -> None:
    """At three a second no time is exact in nanoseconds, and still no window loses one."""
    times = ns(np.arange(900) / 3)
    stats = arrival_stats(times, 0, 300 * S, steady(3.0), "constant")
    assert stats == {
        **{"n": 900, "requested_n": 900, "requested_per_s": 3, "realised_per_s": 3},
        **{"rate_error_percent": 0, "rate_error_sd_percent": 0, "requested_gap_cv": 0},
        **{"gap_cv": pytest.approx(0, abs=1e-8), "ks_d": None, "ks_p": None},
        **{"dispersion": 0, "dispersion_windows": 89},
    }


def test_poisson_arrivals_pass() -> None:
    stats = judged(poisson(), N)
    doubt = 3 * stats["rate_error_sd_percent"]
    assert abs(stats["rate_error_percent"]) < doubt == pytest.approx(300 / math.sqrt(N))
    assert stats["gap_cv"] == pytest.approx(1, abs=3 / math.sqrt(N))
    assert stats["dispersion_windows"] == N // 10 - 1
    assert stats["dispersion"] == pytest.approx(1, abs=3 * math.sqrt(2 / (N / 10 - 2)))
    assert stats["ks_p"] > 0.05


def test_gamma_arrivals_pass_as_themselves_and_not_as_poisson() -> None:
    at_s = np.cumsum(np.random.default_rng(2).gamma(0.25, 4.0, N))
    stats = judged(at_s, at_s[-1], "gamma", 0.25)
    assert stats["gap_cv"] == pytest.approx(2, rel=0.1)
    assert stats["ks_p"] > 0.05
    assert judged(at_s, at_s[-1])["ks_p"] < 1e-9


@pytest.mark.parametrize(
    ("fault", "shows"),
    [
        (lambda at: np.sort(np.repeat(at[: N // 9], 9) * 9), lambda s: s["dispersion"] > 5),
        (lambda at: np.arange(N) * 1.0, lambda s: s["dispersion"] == 0 and s["ks_p"] < 1e-9),
        (np.ceil, lambda s: s["ks_p"] < 1e-9),
        (lambda at: at * 1.25, lambda s: s["rate_error_percent"] < -15 and s["ks_p"] < 1e-3),
        (lambda at: at[at > 500], lambda s: s["rate_error_percent"] < -10),
    ],
    ids=["same seed in nine workers", "metronome", "a coarse timer", "too slow", "a late start"],
)
def test_a_fault_shows(
    fault: Callable[[Floats], Floats], shows: Callable[[dict[str, float]], bool]
) -> None:
    assert not shows(judged(poisson(), N))
    assert shows(judged(fault(poisson()), N))


def test_a_ramp_is_judged_by_what_it_asked_for() -> None:
    """From 0 to 80/s over 100 s: on the clock the gaps of this are anything but exponential."""
    at_s = np.sqrt(poisson() / 0.4)
    until_ns = 100 * S
    ramp = arrival_stats(ns(at_s), 0, until_ns, lambda at: 0.4 * at * at, "poisson")
    assert ramp["requested_per_s"] == pytest.approx(40)
    assert ramp["ks_p"] > 0.05
    assert ramp["dispersion"] == pytest.approx(1, abs=0.25)
    blind = arrival_stats(ns(at_s), 0, until_ns, steady(40.0), "poisson")
    assert blind["ks_p"] < 1e-6
    assert blind["dispersion"] > 2


def test_counts_and_gaps_by_hand() -> None:
    """Ten windows of 10 s with 9 and 11 arrivals by turns, of gaps of 2 s and less."""
    at_s = [
        1000.5 + 10 * window + 10 * (k + 0.5) / n
        for window, n in enumerate((9, 11) * 5)
        for k in range(n)
    ]
    stats = arrival_stats(ns(np.array(at_s)), 1000 * S, 1101 * S, steady(1.0), "poisson")
    assert (stats["dispersion_windows"], stats["n"], stats["requested_n"]) == (10, 100, 101)
    assert stats["dispersion"] == pytest.approx(10 / 9 / 10)
    assert stats["rate_error_percent"] == pytest.approx(-100 / 101)
    assert stats["requested_per_s"] == 1
    fewer = arrival_stats(ns(np.array(at_s)), 1000 * S, 1100 * S, steady(1.0), "poisson")
    assert (fewer["dispersion_windows"], fewer["dispersion"]) == (9, None)
    by_turns = np.cumsum([0.0, *([1.0, 3.0] * 10)])
    assert judged(by_turns, 50)["gap_cv"] == pytest.approx(0.5 * (20 / 19) ** 0.5)
    assert judged(by_turns[:20], 50)["gap_cv"] is None


def test_only_the_window_counts() -> None:
    times = [0, S, 2 * S, 3 * S, 4 * S]
    stats = arrival_stats(times, S, 3 * S, steady(1.0), "constant")
    assert (stats["n"], stats["requested_n"], stats["rate_error_percent"]) == (2, 2, 0)


def test_the_order_of_the_times_does_not_matter() -> None:
    times = ns(poisson())
    assert judged(np.array(times[::-1]) / 1e9, N) == judged(np.array(times) / 1e9, N)


def test_a_replay_has_a_rate_and_no_law() -> None:
    stats = arrival_stats([0, S], 0, 2 * S, steady(1.0), "replay")
    assert stats["rate_error_percent"] == 0
    assert {stats[name] for name in ("gap_cv", "dispersion", "ks_p", "requested_gap_cv")} == {None}


@pytest.mark.parametrize("n", [0, 1, 2, 19])
@pytest.mark.parametrize("process", ["constant", "poisson", "gamma", "replay"])
def test_what_too_few_cannot_tell_is_none(n: int, process: str) -> None:
    stats = arrival_stats([S] * n, 0, 2 * S, steady(10.0), process, 0.5)
    assert stats["n"] == n
    assert {stats[name] for name in ("gap_cv", "dispersion", "ks_d", "ks_p")} == {None}
    json.dumps(stats, allow_nan=False)


@pytest.mark.parametrize("process", ["constant", "poisson", "gamma"])
@pytest.mark.parametrize("times", [[], [0] * 500, list(range(500))])
def test_whatever_came_is_json(process: str, times: list[int]) -> None:
    stats = arrival_stats(times, 0, 100 * S, steady(10.0), process, 0.5)
    assert json.loads(json.dumps(stats, allow_nan=False)) == stats
    silent = arrival_stats(times, 0, S, lambda at_s: 0 * at_s, process)
    assert silent["rate_error_percent"] is None
    json.dumps(silent, allow_nan=False)


def test_an_empty_window_is_refused() -> None:
    with pytest.raises(ValueError, match="window"):
        arrival_stats([], S, S, steady(1.0), "poisson")
