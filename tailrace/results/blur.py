"""Blur: between which two values a percentile lies when shared reads hide when outputs came. Pure.

Rule: what is known of an output in a shared read is an interval. The percentile's low end is that
of the samples as small as the intervals allow, its high end that of samples as large; both are
exact bounds for every percentile at once, since for any limit they hold the fewest and the most
samples above it. An output cannot have waited longer than the client was ever late to look, so
that is the interval's width where it is shorter than the time since the read before.

Why not the share of such samples alone: one gap in eleven may be unsure and p50 stand firm, while
one in fifty already moves p99 by half.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tailrace.results.coalesced import UNSURE_NS, Ints, SharedReads
from tailrace.results.hist import Hist

TOLERATED = 0.05
"""A percentile that may be off by more than this part of itself is not certified."""


class Blur:
    """The uncertain samples of one metric: as they were recorded, at their least, at their most."""

    __slots__ = ("_least", "_most", "_recorded")

    def __init__(self) -> None:
        self._recorded, self._least, self._most = Hist(), Hist(), Hist()

    def add(self, recorded: Ints, least: Ints, most: Ints) -> None:
        """The same samples three times, in any order; best in batches, as ``Hist`` says."""
        self._recorded.add_many(recorded)
        self._least.add_many(least)
        self._most.add_many(most)

    def bounds(self, hist: Hist, percents: Sequence[float]) -> list[tuple[int, int] | None]:
        """(low, high) of each percentile of all samples; None where none is uncertain."""
        if not self._recorded.n:
            return [None] * len(percents)
        low = hist.exchanged(self._recorded, self._least).percentiles(percents)
        high = hist.exchanged(self._recorded, self._most).percentiles(percents)
        return [(a or 0, b or 0) for a, b in zip(low, high, strict=True)]


def is_blurred(bounds: tuple[int, int] | None) -> bool:
    """Whether a percentile is too uncertain to be claimed."""
    if bounds is None:
        return False
    low, high = bounds
    return high - low > max(UNSURE_NS, TOLERATED * high)


def gap_bounds(reads: SharedReads, late_ns: int | None) -> tuple[Ints, Ints, Ints]:
    """(recorded, least, most) of the gaps that end in shared reads, read by read.

    ``late_ns``: the latest that the client ever saw a read; None where nobody knows.

    With k uncertain outputs in a width w, and a lateness c: the gap that leads to them is w - c or
    more, all k + 1 sum up to w, and those between them to c. So no gap need be above the larger of
    w - c and w / (k + 1), and the j-th largest is at most w / j and, from the second, c / (j - 1).
    """
    counts = reads.gaps
    width = np.repeat(reads.width_ns, counts)
    outputs = np.repeat(reads.outputs, counts)
    first = np.repeat(reads.first, counts)
    late = width if late_ns is None else np.minimum(width, late_ns)
    begin = np.repeat(np.cumsum(counts) - counts, counts)
    place: Ints = np.arange(len(width), dtype=np.int64) - begin + first
    leading = place == 0  # the gap that leads to a read; the others are between its outputs
    among = np.maximum(place, 1)
    most = np.where(first, late // among, np.minimum(width // (place + 1), late // among))
    recorded = np.where(leading, width, 0)
    least = np.where(leading, np.maximum(width - late, width // outputs), 0)
    return recorded, least, np.where(leading, width, most)
