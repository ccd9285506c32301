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

from collections.abc import Iterable, Sequence

from tailrace.results.coalesced import UNSURE_NS, SharedRead
from tailrace.results.hist import Hist

BATCH = 4096
TOLERATED = 0.05
"""A percentile that may be off by more than this part of itself is not certified."""


class Blur:
    """The uncertain samples of one metric: as they were recorded, at their least, at their most."""

    __slots__ = ("_hists", "_values")

    def __init__(self) -> None:
        self._hists = (Hist(), Hist(), Hist())
        self._values: tuple[list[int], list[int], list[int]] = ([], [], [])
        """On their way into the histograms, which take a batch at the price of one."""

    def add(self, recorded: Sequence[int], least: Sequence[int], most: Sequence[int]) -> None:
        """The same samples three times, in any order."""
        for values, more in zip(self._values, (recorded, least, most), strict=True):
            values.extend(more)
        if len(self._values[0]) >= BATCH:
            self._flush()

    def _flush(self) -> None:
        for hist, values in zip(self._hists, self._values, strict=True):
            hist.add_many(values)
            values.clear()

    def bounds(self, hist: Hist, percents: Sequence[float]) -> list[tuple[int, int] | None]:
        """(low, high) of each percentile of all samples; None where none is uncertain."""
        self._flush()
        recorded, least, most = self._hists
        if not recorded.n:
            return [None] * len(percents)
        low = hist.exchanged(recorded, least).percentiles(percents)
        high = hist.exchanged(recorded, most).percentiles(percents)
        return [(a or 0, b or 0) for a, b in zip(low, high, strict=True)]


def is_blurred(bounds: tuple[int, int] | None) -> bool:
    """Whether a percentile is too uncertain to be claimed."""
    if bounds is None:
        return False
    low, high = bounds
    return high - low > max(UNSURE_NS, TOLERATED * high)


def gap_bounds(
    reads: Iterable[SharedRead], late_ns: int | None
) -> tuple[list[int], list[int], list[int]]:
    """(recorded, least, most) of the gaps that end in shared reads.

    ``late_ns``: the latest that the client ever saw a read; None where nobody knows.

    With k uncertain outputs in a width w, and a lateness c: the gap that leads to them is w - c or
    more, all k + 1 sum up to w, and those between them to c. So no gap need be above the larger of
    w - c and w / (k + 1), and the j-th largest is at most w / j and, from the second, c / (j - 1).
    """
    recorded: list[int] = []
    least: list[int] = []
    most: list[int] = []
    for read in reads:
        width, hidden = read.width_ns, read.outputs - 1
        late = width if late_ns is None else min(width, late_ns)
        zeros = [0] * hidden
        if read.first:
            recorded += zeros
            least += zeros
            most += [late // place for place in range(1, hidden + 1)]
            continue
        recorded += [width, *zeros]
        least += [max(width - late, width // (hidden + 1)), *zeros]
        most += [width, *(min(width // (at + 1), late // at) for at in range(1, hidden + 1))]
    return recorded, least, most
