"""Interval log: HdrHistogram's own log format, one line a metric and second. Pure.

Format 1.2 as HdrHistogram's ``HistogramLogWriter`` writes it: ``Tag=<metric>,<start>,<length>,
<max>,<payload>``, times in seconds since the base time, the maximum in milliseconds,
values in nanoseconds. A request is logged in the second in which it ended; only measured requests
are.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from tailrace.results.hist import Counts, Hist
from tailrace.results.schema import Row
from tailrace.results.tally import Tally

INTERVAL_NS = 1_000_000_000
LOGGED = ("ttft", "ttft_response", "icl", "tpot", "e2e", "e2e_response", "max_gap")


def header(origin_wall_ns: int) -> str:
    """The lines before the first interval; the base time is the run's origin."""
    seconds = origin_wall_ns / 1e9
    moment = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return (
        "#[Histogram log format version 1.2]\n"
        f"#[StartTime: {seconds:.3f} (seconds since epoch), {moment}]\n"
        f"#[BaseTime: {seconds:.3f} (seconds since epoch)]\n"
        '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"\n'
    )


class IntervalLog:
    """Cuts what a stage's tally gains into intervals, without a second tally.

    Before a row is tallied, ``before`` gives the lines of the interval that it ends, if any;
    ``close`` gives the last. A row that ended a moment before an interval that has been written
    counts in the open one: the journal's order decides, so a rebuilt log is the same log.
    """

    def __init__(self) -> None:
        self._interval = -1
        self._tally: Tally | None = None
        self._written: dict[tuple[int, str], Counts] = {}
        """Counts of each (tally, metric) at the end of its last interval."""
        self._part = Hist()

    def before(self, row: Row, tally: Tally) -> list[str]:
        """To be called with each row, in the journal's order, before ``tally`` adds it."""
        interval = max(self._interval, row.ended_ns // INTERVAL_NS)
        if interval == self._interval and tally is self._tally:
            return []
        lines = self.close()
        self._interval, self._tally = interval, tally
        return lines

    def close(self) -> list[str]:
        """The lines of the open interval."""
        tally = self._tally
        return [] if tally is None else [*self._lines(tally)]

    def _lines(self, tally: Tally) -> Iterator[str]:
        start_s = self._interval * INTERVAL_NS / 1e9
        for name in LOGGED:
            hist = tally.hists.get(name)
            if hist is None:
                continue
            key = (id(tally), name)
            part = self._part
            self._written[key] = part.set_gain(hist, self._written.get(key))
            if part.n:
                yield (
                    f"Tag={name},{start_s:.3f},{INTERVAL_NS / 1e9:.3f},"
                    f"{part.max_ns / 1e6:.6f},{part.encode()}\n"
                )
