"""Shares: the difference of two error rates, with an interval that holds at nought as well. Pure.

Newcombe's hybrid score interval (1998, method 10) of two proportions, in which errors that come in
bursts count for fewer: the number of requests is divided by the design effect of their blocks.
A bootstrap would say that no error in 20 requests is certainty.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from tailrace.results.compare_blocks import block_of_each, blocks_of, sums

_FARTHEST = 8.0
"""Standard errors at which nobody asks any further."""


@dataclass(frozen=True, slots=True)
class Share:
    """A share of requests, and how many independent ones it is worth."""

    value: float
    n: int
    effective_n: float


def share_of(flags: NDArray[np.bool_]) -> Share:
    """Of flags in order of time; needs one."""
    n, value = len(flags), float(flags.mean())
    if n < 2 or value in (0.0, 1.0):
        return Share(value, n, float(n))
    ones = flags.astype(np.float64)

    def means(k: int) -> NDArray[np.float64]:
        block = block_of_each(n, k)
        return sums(ones, block, k) / np.bincount(block, minlength=k)

    count = blocks_of(n, means).count
    effect = n / count * float(means(count).var(ddof=1)) / (value * (1 - value))
    return Share(value, n, n / max(1.0, effect))


@dataclass(frozen=True, slots=True)
class ShareDifference:
    """other - base, as parts of one."""

    base: Share
    other: Share

    @property
    def value(self) -> float:
        """The difference itself."""
        return self.other.value - self.base.value

    def interval(self, confidence: float) -> tuple[float, float]:
        """Newcombe's interval."""
        z = float(ndtri((1 + confidence) / 2))
        return self._low(z), self._high(z)

    def p_at_most(self, limit: float) -> float:
        """p-value of `the true difference is at most the limit`."""
        return _p(lambda z: self._low(z) > limit)

    def p_at_least(self, limit: float) -> float:
        """p-value of `the true difference is at least the limit`."""
        return _p(lambda z: self._high(z) < limit)

    def _low(self, z: float) -> float:
        (low, _), (_, high) = _wilson(self.other, z), _wilson(self.base, z)
        return self.value - float(np.hypot(self.other.value - low, high - self.base.value))

    def _high(self, z: float) -> float:
        (_, high), (low, _) = _wilson(self.other, z), _wilson(self.base, z)
        return self.value + float(np.hypot(high - self.other.value, self.base.value - low))


def _wilson(share: Share, z: float) -> tuple[float, float]:
    n, p = share.effective_n, share.value
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5
    return max(0.0, middle - half), min(1.0, middle + half)


def _p(clear_at: Callable[[float], bool]) -> float:
    """1 minus the confidence, one-sided, up to which the interval is clear of the limit."""
    if not clear_at(0.0):
        return 0.5  # the estimate itself is not: no evidence at all
    near, far = 0.0, _FARTHEST
    for _ in range(50):
        middle = (near + far) / 2
        near, far = (middle, far) if clear_at(middle) else (near, middle)
    return float(ndtr(-near))
