"""Bounds: between which samples the true percentile lies, from their ranks alone. Pure.

Rule: the number of samples below the true p-quantile is Binomial(n, p), whatever their
distribution, so two order statistics enclose it with a known confidence (W. J. Conover, Practical
Nonparametric Statistics, ch. 3.2; Hahn and Meeker, Statistical Intervals, ch. 5). The upper bound
is the one of MLPerf's early stopping: the largest number of samples may lie over it that is still
improbable were the quantile higher; ``stats.sample_floor`` is its smallest case, one sample over.

Why an effective number: requests that wait in one queue are not independent. ``n`` of them then
tell as much as fewer that are (ess.py), and the ranks are taken at that number's shares.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tailrace.results.stats import CONFIDENCE

INTERVAL = 0.95
"""Confidence of two-sided intervals; of one-sided bounds it is CONFIDENCE."""

FEWEST_WORTH, DEPENDENT = 50, 1 / 3
"""Fewer independent samples than this cannot be counted well enough in a series that is worth less
than this share of its samples."""

_LAST_DIGITS = 1e-12
"""One of one sample is below p99 with just 1 %; SciPy's versions differ in the last digit of it."""


class Ranks(NamedTuple):
    """1-based ranks among ``n`` sorted samples; None where so few samples have no such bound."""

    low: int | None
    high: int | None
    bound: int | None
    """One-sided upper bound."""
    floor: int | None
    """One-sided lower bound."""


NONE = Ranks(None, None, None, None)


def ranks(percent: float, n: int, effective: float | None = None) -> Ranks:
    """Where the bounds of a percentile lie among ``n`` samples worth ``effective`` independent."""
    worth = n if effective is None else max(1, math.floor(min(effective, n)))
    if worth < FEWEST_WORTH and worth < DEPENDENT * n:
        return NONE
    below = percent / 100
    tail = (1 - INTERVAL) / 2
    bound = _upper(below, worth, 1 - CONFIDENCE)
    if bound is not None and bound == worth:
        bound = None  # MLPerf's rule wants one sample over it
    return Ranks(
        _scaled_down(_lower(below, worth, tail), worth, n),
        _scaled_up(_upper(below, worth, tail), worth, n),
        _scaled_up(bound, worth, n),
        _scaled_down(_lower(below, worth, 1 - CONFIDENCE), worth, n),
    )


def _lower(below: float, n: int, doubt: float) -> int | None:
    """The largest rank whose sample is above the quantile with at most that probability."""
    rank = _reach(below, n, doubt * (1 + _LAST_DIGITS), "right")
    return rank if rank >= 1 else None


def _upper(below: float, n: int, doubt: float) -> int | None:
    """The smallest rank whose sample is below the quantile with at most that probability."""
    rank = _reach(below, n, 1 - doubt, "left") + 1
    return rank if rank <= n else None


def _reach(below: float, n: int, level: float, side: Literal["left", "right"]) -> int:
    """The smallest k with ``P[Binomial(n, below) <= k]`` at the level (left), or over it."""
    first, cumulative = _binomial(below, n)
    return min(n, first + int(np.searchsorted(cumulative, level, side)))


@lru_cache(maxsize=64)
def _binomial(below: float, n: int) -> tuple[int, NDArray[np.float64]]:
    """(k, P[Binomial(n, below) <= k], … k + 1, …), over all k that are not beyond belief.

    Not ``scipy.special.bdtr``: loading it takes 29 MB and 0.1 s, and every run has such bounds.
    """
    reach = 12 * math.sqrt(n * below * (1 - below)) + 12
    first = max(0, math.floor(n * below - reach))
    ks = np.arange(first, min(n, math.ceil(n * below + reach)))
    steps = np.log((n - ks) / (ks + 1) * (below / (1 - below)))  # from P[k] to P[k + 1]
    logs = np.concatenate(([0.0], np.cumsum(steps)))
    parts = np.exp(logs - logs.max())
    cumulative = np.cumsum(parts)
    return first, cumulative / cumulative[-1]


def _scaled_up(rank: int | None, of: int, n: int) -> int | None:
    return None if rank is None else min(n, math.ceil(rank * n / of))


def _scaled_down(rank: int | None, of: int, n: int) -> int | None:
    return None if rank is None else max(1, rank * n // of)


def share_bounds(hits: int, n: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """One-sided bounds of a share, lower and upper (Clopper and Pearson 1934)."""
    from scipy.special import betaincinv

    doubt = 1 - confidence
    low = float(betaincinv(hits, n - hits + 1, doubt)) if hits else 0.0
    high = float(betaincinv(hits + 1, n - hits, confidence)) if hits < n else 1.0
    return low, high


def t_half_width(deviation: float, n: float, confidence: float = INTERVAL) -> float | None:
    """Half the width of the t interval of a mean, from the sample deviation; None below two."""
    from scipy.special import stdtrit

    if n < 2:
        return None
    return float(stdtrit(n - 1, (1 + confidence) / 2)) * deviation / math.sqrt(n)
