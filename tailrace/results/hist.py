"""Hist: an HDR histogram of nanosecond values with exact count, sum, minimum and maximum.

The only user of ``hdrh`` in the house. What it adds, and why:

* ``hdrh`` records one value in about 1.4 us of Python; ``add_many`` computes the same bucket
  indices for a whole batch in numpy and adds them to the same counters.
* ``hdrh`` refuses a value out of range silently; here it is clamped into the last bucket and
  counted in ``overflow``.
* Encoding blurs the extremes to bucket edges; here they stay exact, beside the counters.
* Its percentile rounds the rank to nearest; here the rank is ``ceil(p/100 * n)``, the smallest
  value with at least p % of the samples at or below it.

Range 1 ns to 1 h, three significant digits: a percentile is at most 0.1 % above the sample.
"""

from __future__ import annotations

import io
import math
import weakref
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from hdrh.histogram import HdrHistogram
from numpy.typing import NDArray

LOWEST_NS = 1
HIGHEST_NS = 3_600_000_000_000
SIGNIFICANT_DIGITS = 3

_UNSET_MIN = 2**63 - 1

Counts = NDArray[np.uint64]
"""How many values each bucket holds."""


class Hist:
    """Counts of nanosecond values; mergeable, and encodable in HdrHistogram's own format."""

    __slots__ = (
        "_counts",
        "_hdr",
        "_recent_max_ns",
        "_sum",
        "max_ns",
        "min_ns",
        "n",
        "overflow",
    )

    def __init__(self) -> None:
        self._hdr = _freed(HdrHistogram(LOWEST_NS, HIGHEST_NS, SIGNIFICANT_DIGITS))
        self._counts: Counts = np.ctypeslib.as_array(self._hdr.counts)
        self._sum = 0
        self.n = 0
        self.overflow = 0
        self.min_ns = _UNSET_MIN
        self.max_ns = 0
        self._recent_max_ns = 0
        """Since somebody last took this one's gain."""

    def add(self, value_ns: int) -> None:
        """Add one value; ValueError, here and below, for a negative one."""
        self.add_many((value_ns,))

    def add_many(self, values_ns: Sequence[int] | NDArray[np.int64]) -> None:
        """Add a batch: a thousand or more at a time cost some 10 ns each, one alone 30 us."""
        if not len(values_ns):
            return
        values = np.asarray(values_ns, dtype=np.int64)
        low, high = int(values.min()), int(values.max())
        if low < 0:
            raise ValueError(f"a duration cannot be negative: {low} ns")
        self.n += len(values)
        self._sum += int(values.sum())
        self.min_ns = min(self.min_ns, low)
        self.max_ns = max(self.max_ns, high)
        self._recent_max_ns = max(self._recent_max_ns, high)
        if high > HIGHEST_NS:
            self.overflow += int((values > HIGHEST_NS).sum())
            values = np.minimum(values, HIGHEST_NS)
        index = bucket_index(values)
        first = int(index.min())
        gained = np.bincount(index - first)  # ten times faster than np.add.at
        self._counts[first : first + len(gained)] += gained.astype(np.uint64)

    def add_times(self, value_ns: int, times: int) -> None:
        """Add one value so many times, at the cost of one however many a server claims."""
        self.add(value_ns)
        more = times - 1
        self.n += more
        self._sum += more * value_ns
        self.overflow += more * (value_ns > HIGHEST_NS)
        self._counts[bucket_index(np.array([min(value_ns, HIGHEST_NS)]))[0]] += np.uint64(more)

    def merge(self, other: Hist) -> None:
        """Add another histogram's samples to this one; the result is that of the pooled samples."""
        self._counts += other._counts
        self.n += other.n
        self._sum += other._sum
        self.overflow += other.overflow
        self.min_ns = min(self.min_ns, other.min_ns)
        self.max_ns = max(self.max_ns, other.max_ns)

    def exchanged(self, some: Hist, others: Hist) -> Hist:
        """A new one with ``others`` in the place of ``some``, which are samples of this one."""
        made = Hist()
        np.copyto(made._counts, self._counts - some._counts + others._counts)
        made.n = self.n - some.n + others.n
        made._sum = self._sum - some._sum + others._sum
        made.overflow = self.overflow - some.overflow + others.overflow
        made.min_ns = min(self.min_ns, others.min_ns)
        made.max_ns = max(self.max_ns, others.max_ns)
        return made

    def set_gain(self, later: Hist, earlier: Counts | None) -> Counts:
        """Become what ``later`` has gained since its counts were ``earlier``; returns its counts.

        To be called once an interval: the maximum is that since the last call, exactly. The minimum
        is its bucket's, the mean means nothing.
        """
        counts = later.counts()
        np.copyto(self._counts, counts if earlier is None else counts - earlier)
        filled = np.flatnonzero(self._counts)
        self.n = int(self._counts.sum())
        self.min_ns = int(self._hdr.get_value_from_index(int(filled[0]))) if self.n else _UNSET_MIN
        self.max_ns, later._recent_max_ns = later._recent_max_ns, 0
        return counts

    @property
    def mean_ns(self) -> float | None:
        """Exact arithmetic mean, or None without samples."""
        return self._sum / self.n if self.n else None

    def percentiles(self, percents: Sequence[float]) -> list[int | None]:
        """Values at the given percents: highest equivalent value, within the exact extremes."""
        if not self.n:
            return [None] * len(percents)
        cumulative = np.cumsum(self._counts)
        return [self._at_rank(cumulative, rank_of(percent, self.n)) for percent in percents]

    def counts(self) -> Counts:
        """Of each bucket, as they are now."""
        return self._counts.copy()

    def percentile_since(self, earlier: Counts | None, percent: float) -> int | None:
        """Like ``percentiles``, of what came since the counts were ``earlier``."""
        cumulative = np.cumsum(self._counts if earlier is None else self._counts - earlier)
        n = int(cumulative[-1])
        return self._at_rank(cumulative, rank_of(percent, n)) if n else None

    def at_rank(self, rank: int | None) -> int | None:
        """The value of a 1-based rank; None without one, or without samples."""
        if rank is None or not self.n:
            return None
        return self._at_rank(np.cumsum(self._counts), rank)

    def _at_rank(self, cumulative: Counts, rank: int) -> int:
        index = int(np.searchsorted(cumulative, rank, side="left"))
        low = int(self._hdr.get_value_from_index(index))
        high = int(self._hdr.get_highest_equivalent_value(low))
        return min(max(high, self.min_ns), self.max_ns)

    def at_or_below(self, values_ns: Sequence[int]) -> list[int]:
        """How many samples are at most each of the values; one up to 0.1 % above may count."""
        cumulative = np.cumsum(self._counts)
        return [int(cumulative[index]) for index in bucket_index(np.array(values_ns, np.int64))]

    def share_above(self, value_ns: int) -> float:
        """Share of the samples above a value, to three digits; 0 without samples."""
        if not self.n:
            return 0.0
        index = int(bucket_index(np.array([min(max(value_ns, 0), HIGHEST_NS)]))[0])
        return int(self._counts[index + 1 :].sum()) / self.n

    def encode(self) -> str:
        """HdrHistogram's V1 compressed payload in base64, as interval logs hold it."""
        return cast(str, self._synced().encode().decode("ascii"))

    def percentile_distribution(self, unit_ns: float) -> bytes:
        """HdrHistogram's text of percentiles (.hgrm), its values in a unit of so many ns."""
        out = io.BytesIO()
        hdr = self._synced()
        hdr.output_percentile_distribution(out, unit_ns)
        deviation = hdr.get_stddev()  # which alone it leaves in ns
        wrong, right = (
            b"StdDeviation   = %12.3f" % each for each in (deviation, deviation / unit_ns)
        )
        return out.getvalue().replace(wrong, right)

    @classmethod
    def decode(cls, payload: str, max_ns: int) -> Hist:
        """The counts of ``encode`` and the exact maximum; minimum and mean are their buckets'."""
        hist = cls()
        counts = np.ctypeslib.as_array(_freed(HdrHistogram.decode(payload)).counts)
        np.copyto(hist._counts[: len(counts)], counts[: len(hist._counts)], casting="unsafe")
        filled = np.flatnonzero(hist._counts)
        lows = [int(hist._hdr.get_value_from_index(int(index))) for index in filled]
        hist.n = int(hist._counts.sum())
        hist._sum = sum(low * int(hist._counts[i]) for low, i in zip(lows, filled, strict=True))
        hist.min_ns, hist.max_ns = (lows[0], max_ns) if lows else (_UNSET_MIN, 0)
        return hist

    def _synced(self) -> Any:
        """The inner histogram with its own bookkeeping brought up to date."""
        self._hdr.total_count = self.n
        self._hdr.max_value = min(self.max_ns, HIGHEST_NS)
        return self._hdr


def _freed(hdr: Any) -> Any:
    """It and its encoder hold each other: 120 KB that would wait for the garbage collector."""
    hdr.encoder.histogram = weakref.proxy(hdr)
    return hdr


def rank_of(percent: float, n: int) -> int:
    """1-based rank of a percentile among ``n`` samples: the ceiling, never below the first.

    The product is rounded to 9 decimals first, so that 99.9 % of 1000 is 999 and not, by a bit of
    floating point, 1000.
    """
    return max(1, math.ceil(round(percent * n / 100, 9)))


_HALF_MAGNITUDE = 10  # 2 * 10**3 rounds up to 2048 sub-buckets; half of them is 2**10


def bucket_index(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """HdrHistogram's counter index of each value (unit magnitude 0), for a whole batch.

    The bit length is the exponent of the value as a double, exact for integers below 2**53.
    """
    doubles = (values | (2 ** (_HALF_MAGNITUDE + 1) - 1)).astype(np.float64)
    bucket = (doubles.view(np.int64) >> 52) - (1022 + _HALF_MAGNITUDE + 1)
    sub_bucket: NDArray[np.int64] = values >> bucket
    index: NDArray[np.int64] = (
        ((bucket + 1) << _HALF_MAGNITUDE) + sub_bucket - (1 << _HALF_MAGNITUDE)
    )
    return index
