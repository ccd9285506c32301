"""Arrival statistics: did the requests come at the rate, and by the process, that was asked for?

Everything but the rate is judged in operational time, in which one arrival is expected per unit
(D. J. Daley and D. Vere-Jones, An Introduction to the Theory of Point Processes, 2nd edition, 7.4):
a ramp's gaps shrink because they were told to, and on the clock that would pass for burstiness. At
a constant rate the two are the same but for the unit. The requested distribution is given, not
fitted, so the Kolmogorov-Smirnov test holds as it stands. What too few arrivals cannot tell is
None.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

WINDOW = 10.0
"""Arrivals expected in one window of the index of dispersion."""
FEWEST_WINDOWS = 10
FEWEST_GAPS = 20


def arrival_stats(
    times_ns: Sequence[int] | NDArray[np.int64],
    from_ns: int,
    until_ns: int,
    cumulative: Callable[[Floats], Floats],
    process: str,
    burstiness: float = 1.0,
) -> dict[str, Any]:
    """Judge the times at or after ``from_ns`` and before ``until_ns``; JSON-ready.

    Times count from the schedule's start; ``cumulative`` says how many arrivals were requested
    until each of some seconds. ``rate_error_sd_percent`` is the error that chance alone makes
    typical, ``dispersion`` the variance of counts by their mean: 1 for Poisson, 0 for constant.
    """
    if until_ns <= from_ns:
        raise ValueError("the window is empty")
    times = np.sort(np.asarray(times_ns, dtype=np.int64))
    times = times[(times >= from_ns) & (times < until_ns)]
    seconds = (until_ns - from_ns) / 1e9
    began, ended = cumulative(np.array([from_ns, until_ns]) / 1e9).tolist()
    expected, n = ended - began, len(times)
    cv = requested_gap_cv(process, burstiness)
    stats: dict[str, Any] = {
        "n": n,
        "requested_n": expected,
        "requested_per_s": expected / seconds,
        "realised_per_s": n / seconds,
        "rate_error_percent": 100 * (n / expected - 1) if expected else None,
        "rate_error_sd_percent": 100 * cv / math.sqrt(expected)
        if cv is not None and expected
        else None,
        "requested_gap_cv": cv,
        **dict.fromkeys(("gap_cv", "dispersion", "ks_d", "ks_p")),
        "dispersion_windows": 0,
    }
    if cv is not None:
        operational = cumulative(times / 1e9)
        stats |= _dispersion(operational, began, ended)
        stats |= _gap_stats(np.diff(operational), process, burstiness)
    return stats


def requested_gap_cv(process: str, burstiness: float = 1.0) -> float | None:
    """Standard deviation of a gap by its mean; None for a replay, which has no law."""
    laws = {"constant": 0.0, "poisson": 1.0, "gamma": 1 / math.sqrt(burstiness)}
    return laws.get(process)


def _dispersion(operational: Floats, began: float, ended: float) -> dict[str, Any]:
    # A constant process falls on whole numbers: the windows' bounds lie between them.
    first = began + 0.5
    windows = max(int((ended - first) / WINDOW), 0)
    index = np.floor((operational - first) / WINDOW).astype(np.int64)
    counts = np.bincount(index[(index >= 0) & (index < windows)], minlength=windows)
    enough = windows >= FEWEST_WINDOWS and counts.any()
    return {
        "dispersion_windows": windows,
        "dispersion": float(counts.var(ddof=1) / counts.mean()) if enough else None,
    }


def _gap_stats(gaps: Floats, process: str, burstiness: float) -> dict[str, Any]:
    """A constant process has no density to hold the gaps against; its CV says it all."""
    if len(gaps) < FEWEST_GAPS or not gaps.any():
        return {}
    stats = {"gap_cv": float(gaps.std(ddof=1) / gaps.mean())}
    if process != "constant":
        shape = burstiness if process == "gamma" else 1.0
        stats["ks_d"] = ks_distance(gamma_cdf(shape, shape * gaps))
        stats["ks_p"] = kolmogorov_p(stats["ks_d"], len(gaps))
    return stats


def ks_distance(probabilities: Floats) -> float:
    """The widest gap between the uniform law and what the requested law made of the samples."""
    ranked, n = np.sort(probabilities), len(probabilities)
    steps = np.arange(n + 1) / n
    return float(max((steps[1:] - ranked).max(), (ranked - steps[:-1]).max()))


def kolmogorov_p(distance: float, n: int) -> float:
    """How probable it is that so great a distance comes about by chance.

    Kolmogorov's limit law by its two series, each where it converges at once, at the argument that
    makes it good for small n (M. A. Stephens 1970; Numerical Recipes, 3rd edition, 6.14 and 14.3).
    """
    z = (math.sqrt(n) + 0.12 + 0.11 / math.sqrt(n)) * distance
    if z < 0.05:
        return 1.0
    if z < 1.18:
        y = math.exp(-(math.pi**2) / (8 * z * z))
        return 1 - math.sqrt(2 * math.pi) / z * (y + y**9 + y**25 + y**49)
    x = math.exp(-2 * z * z)
    return 2 * (x - x**4 + x**9)


def gamma_cdf(shape: float, values: Floats) -> Floats:
    """The regularised lower incomplete gamma function: the law of a gap, 1 being the exponential.

    By the series of Abramowitz and Stegun 6.5.29, of which each term is positive. Far above its
    mean the function is 1 to the last digit; values are cut there, or the sum would take forever.
    """
    x = np.clip(values, 1e-300, shape + 10 * math.sqrt(shape) + 40)
    term = np.exp(shape * np.log(x) - x - math.lgamma(shape + 1))
    total = term.copy()
    above = shape
    while np.any((term > 1e-16) | (x > above)):
        above += 1
        term = term * (x / above)
        total += term
    return np.minimum(total, 1.0)
