"""Recent: the last few seconds of a metric, for a curve of how a level goes on. Pure.

The percentile of a whole level hardly moves any more after a minute, whatever the server does. Two
histograms take turns, so the figure is of the last two to four seconds, by when samples came.
"""

from __future__ import annotations

from collections.abc import Sequence

from tailrace.results.hist import Hist

SPAN_NS = 2_000_000_000


class Recent:
    """``turn_to`` the time of what is added next, then ``add`` it."""

    def __init__(self) -> None:
        self._now, self._before = Hist(), Hist()
        self._span = 0

    def turn_to(self, at_ns: int) -> None:
        """Forget what is too old by then; time never goes back here."""
        span = at_ns // SPAN_NS
        if span > self._span:
            self._before = self._now if span == self._span + 1 else Hist()
            self._now = Hist()
            self._span = span

    def add(self, values_ns: Sequence[int]) -> None:
        """A batch."""
        self._now.add_many(values_ns)

    def percentile(self, percent: float) -> int | None:
        """Of the last seconds, ns; None without a sample."""
        both = Hist()
        for part in (self._now, self._before):
            if part.n:
                both.merge(part)
        return both.percentiles((percent,))[0]
