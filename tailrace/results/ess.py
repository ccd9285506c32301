"""Effective sample size: how many independent samples a correlated series is worth. Pure.

Rule: ``n / (1 + 2 * sum of autocorrelations)``, summed over Geyer's initial monotone positive
sequence: sums of neighbouring pairs of autocorrelations, in their order, while they are positive,
none larger than the one before (C. J. Geyer, Practical Markov Chain Monte Carlo, Statistical
Science 7, 1992). Never more than n: a series that alternates is given no credit for it.

Why: in a queue a slow request makes the next one slow. Bounds that take the two for independent
are too narrow.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FEWEST = 20
"""Samples below which autocorrelations are not estimated."""


def effective_n(series: NDArray[np.float64]) -> float:
    """Of samples in their order of time; a series that never changes is worth all of them."""
    n = len(series)
    if n < FEWEST or series.min() == series.max():
        return float(n)
    correlations = _autocorrelations(series)
    pairs = correlations[:-1:2] + correlations[1::2]
    kept = np.minimum.accumulate(pairs.clip(min=0))  # behind one that is not positive all are 0
    return n / max(1.0, 2 * float(kept.sum()) - 1)


def effective_at(series: NDArray[np.float64], value: float) -> float:
    """Independent samples that a percentile at this value rests on.

    The smaller of two: of the ones and noughts that say which sample was over it, and of the ranks.
    Over a high percentile lie too few samples to show how they depend on each other.
    """
    return min(effective_over(series, value), effective_ranks(series))


def effective_over(series: NDArray[np.float64], value: float) -> float:
    """Of the ones and noughts that say which sample was over the value."""
    return effective_n((series <= value).astype(np.float64))


def effective_ranks(series: NDArray[np.float64]) -> float:
    """Of the samples' ranks, whatever the value."""
    ranked = np.empty(len(series))
    ranked[np.argsort(series, kind="stable")] = np.arange(len(series))
    return effective_n(ranked)


def _autocorrelations(series: NDArray[np.float64]) -> NDArray[np.float64]:
    """At every lag, by the Fourier transform; padded, so that the end does not meet the start."""
    n = len(series)
    padded = 1 << (2 * n).bit_length()  # a power of 2, since a large prime takes long
    spectrum = np.fft.rfft(series - series.mean(), padded)
    found: NDArray[np.float64] = np.fft.irfft(spectrum * spectrum.conj())[:n]
    correlations: NDArray[np.float64] = found / found[0]
    return correlations
