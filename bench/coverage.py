"""How often the bounds of a percentile hold, on data whose true percentiles are known.

    python bench/coverage.py [--trials 2000]

Each trial draws a series, takes the bounds as a result does, and looks whether the true value lies
within. Independent: lognormal, and a mixture of two (a cache that hits or misses). Correlated:
lognormal whose logarithm is an autoregression, and the waits of a queue (M/M/1, by Lindley).
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from tailrace.results.bounds import ranks
from tailrace.results.ess import effective_at
from tailrace.results.hist import rank_of

Floats = NDArray[np.float64]
Dice = np.random.Generator


class Kind(NamedTuple):
    """Series of one kind, and their true quantile."""

    draw: Callable[[Dice, int], Floats]
    quantile: Callable[[float], float]


class Held(NamedTuple):
    """How often each bound held, and how often there was one."""

    interval: float
    bound: float
    no_interval: float
    no_bound: float


def lognormal(dice: Dice, n: int) -> Floats:
    return np.exp(0.5 * dice.standard_normal(n))


def bimodal(dice: Dice, n: int) -> Floats:
    hit = dice.random(n) < 0.7
    return np.where(hit, dice.uniform(1, 2, n), dice.uniform(10, 12, n))


def bimodal_quantile(p: float) -> float:
    return 1 + p / 0.7 if p < 0.7 else 10 + 2 * (p - 0.7) / 0.3


def autoregressive(rho: float) -> Callable[[Dice, int], Floats]:
    def draw(dice: Dice, n: int) -> Floats:
        from scipy.signal import lfilter

        shocks = dice.standard_normal(n) * math.sqrt(1 - rho * rho)
        shocks[0] = dice.standard_normal()
        return np.exp(0.5 * lfilter([1.0], [1.0, -rho], shocks))

    return draw


def queue(load: float) -> Callable[[Dice, int], Floats]:
    """Times in an M/M/1 system that was in its steady state when the series began."""

    def draw(dice: Dice, n: int) -> Floats:
        service, gaps = dice.standard_exponential(n), dice.standard_exponential(n) / load
        steps = np.concatenate(([0.0], np.cumsum(service[:-1] - gaps[1:])))
        first = dice.standard_exponential() / (1 - load) if dice.random() < load else 0.0
        lowest = np.minimum.accumulate(np.minimum(steps, 0.0))
        waits = np.maximum(first + steps, steps - lowest)
        return waits + service

    return draw


def queue_quantile(load: float) -> Callable[[float], float]:
    return lambda p: -math.log(1 - p) / (1 - load)


KINDS: dict[str, Kind] = {
    "lognormal": Kind(lognormal, lambda p: math.exp(0.5 * float(ndtri(p)))),
    "bimodal": Kind(bimodal, bimodal_quantile),
    "autoregressive 0.5": Kind(autoregressive(0.5), lambda p: math.exp(0.5 * float(ndtri(p)))),
    "autoregressive 0.9": Kind(autoregressive(0.9), lambda p: math.exp(0.5 * float(ndtri(p)))),
    "queue at 70 %": Kind(queue(0.7), queue_quantile(0.7)),
}


CASES = (
    *((200, 50.0, 1), (200, 95.0, 1), (1000, 50.0, 1), (1000, 99.0, 1), (5000, 99.0, 1)),
    *((20_000, 50.0, 8), (20_000, 99.0, 8)),
)
"""Samples, percentile, and of how many the order of one is kept."""


def coverage(
    kind: Kind, n: int, percent: float, trials: int, seed: int, allow: bool, every: int = 1
) -> Held:
    """``allow``: whether bounds allow for dependent samples, as those of a result do.

    ``every``: the order of one of so many is known, as of a level of very many requests.
    """
    dice = np.random.default_rng(seed)
    true = kind.quantile(percent / 100)
    interval = bound = no_interval = no_bound = 0
    for _ in range(trials):
        series = kind.draw(dice, n)
        values = np.sort(series)
        at = values[rank_of(percent, n) - 1]
        effective = effective_at(series[::every], at) if allow else float(n)
        found = ranks(percent, n, effective)
        low = -math.inf if found.low is None else values[found.low - 1]
        high = math.inf if found.high is None else values[found.high - 1]
        most = math.inf if found.bound is None else values[found.bound - 1]
        interval += low <= true <= high
        bound += true <= most
        no_interval += found.high is None
        no_bound += found.bound is None
    return Held(*(count / trials for count in (interval, bound, no_interval, no_bound)))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    print(
        "| data | n | percentile | 95 % interval holds | 99 % bound holds | no bound to give "
        "| interval that takes all for independent |"
    )
    print("|---|---|---|---|---|---|---|")
    for name, kind in KINDS.items():
        for n, percent, every in CASES:
            held = coverage(kind, n, percent, asked.trials, asked.seed, True, every)
            plain = coverage(kind, n, percent, asked.trials, asked.seed, False)
            print(
                f"| {name} | {n}{f', every {every}th' if every > 1 else ''} | p{percent:g} "
                f"| {100 * held.interval:.1f} % "
                f"| {100 * held.bound:.1f} % | {100 * held.no_bound:.0f} % "
                f"| {100 * plain.interval:.1f} % |"
            )


if __name__ == "__main__":
    main()
