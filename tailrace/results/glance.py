"""Glance: what a running level shows of its rows so far. Pure, one row at a time, and cheap.

The figures that count are a Tally's, and come from the journal when the run is over: a row costs
a Tally some 60 us, which a running level would rather give to its streams.
"""

from __future__ import annotations

from array import array
from fractions import Fraction

from tailrace.results.hist import Hist
from tailrace.results.schema import Row
from tailrace.results.window import Window

BATCH = 4096
"""Samples held back before one numpy pass adds them."""


class Glance:
    """Counts, rates and two histograms of one stage; memory does not grow with its rows."""

    def __init__(self, from_ns: int | None = None, until_ns: int | None = None) -> None:
        self._window = Window(from_ns, until_ns)
        self.done = 0
        """Measured requests that have an outcome."""
        self.ok = 0
        """Measured requests that succeeded."""
        self.window_requests = 0
        self.window_tokens: int | Fraction = 0
        self._ttft, self._icl = Hist(), Hist()
        self._ttft_ns, self._icl_ns = array("q"), array("q")

    def add(self, row: Row) -> None:
        """Add one request of any phase."""
        self.window_requests += self._window.has_end(row)
        self.window_tokens += self._window.tokens(row)
        if row.phase != "measure" or row.retried:
            return
        self.done += 1
        self.ok += row.outcome == "ok"
        if row.first_output_ns is not None and row.sent_ns is not None:
            self._ttft_ns.append(row.first_output_ns - row.sent_ns)
            self._icl_ns.extend(row.gaps_ns)
            if len(self._icl_ns) >= BATCH or len(self._ttft_ns) >= BATCH:
                self._flush()

    def _flush(self) -> None:
        for hist, values in ((self._ttft, self._ttft_ns), (self._icl, self._icl_ns)):
            hist.add_many(values)
            del values[:]

    @property
    def ttft(self) -> Hist:
        """Time to first token, from the send, of every answer that began."""
        self._flush()
        return self._ttft

    @property
    def icl(self) -> Hist:
        """Every gap of the same answers."""
        self._flush()
        return self._icl
