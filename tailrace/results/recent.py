"""Recent: the last few seconds of a metric, for a curve of how a level goes on. Pure.

The percentile of a whole level hardly moves any more after a minute, whatever the server does. What
the histogram held two to four seconds ago is taken off it at each look, so that a row costs nothing
and a level that stands still shows no old figure.
"""

from __future__ import annotations

from tailrace.results.hist import Counts, Hist

SPAN_NS = 2_000_000_000


class Recent:
    """Of one histogram that only grows; whoever looks less often sees all since the last look."""

    def __init__(self, hist: Hist) -> None:
        self._hist = hist
        self._span = 0
        self._mark: Counts | None = None
        """Counts at the first look of the span that is."""
        self._mark_before: Counts | None = None

    def percentile(self, percent: float, at_ns: int) -> int | None:
        """Of the last seconds, ns; None without a sample. ``at_ns`` never goes back."""
        if (span := at_ns // SPAN_NS) > self._span:
            self._span = span
            self._mark_before, self._mark = self._mark, self._hist.counts()
        return self._hist.percentile_since(self._mark_before, percent)
