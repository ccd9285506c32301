"""Glance: what a running level shows of its rows so far. Pure, one row at a time, and cheap.

The figures that count are a Tally's, and come from the journal when the run is over: a row costs
a Tally some 60 us, which a running level would rather give to its streams.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence

from tailrace.results.hist import Hist
from tailrace.results.recent import Recent
from tailrace.results.request_values import start_lag_of, value_of
from tailrace.results.schema import Row
from tailrace.results.slo import Slo
from tailrace.results.window import Window

BATCH = 4096
"""Samples held back before one numpy pass adds them."""


class Glance:
    """Counts, rates and histograms of one stage; memory does not grow with its rows."""

    def __init__(
        self,
        from_ns: int | None = None,
        until_ns: int | None = None,
        figures: Sequence[Slo] = (),
    ) -> None:
        """``figures`` are looked at while the level runs; see abort.py."""
        self._figures = figures
        self._more = {
            slo.name: (Hist(), array("q"))
            for slo in figures
            if slo.of_latency and slo.name not in ("ttft", "icl")
        }
        self.window = Window(from_ns, until_ns)
        self.done = 0
        """Measured requests that have an outcome."""
        self.ok = 0
        """Measured requests that succeeded."""
        self.failed = 0
        """Measured requests that ended in an error or a timeout."""
        self.errors: Counter[str] = Counter()
        """Requests of any phase that failed, by class."""
        self._ttft, self._icl, self._start_lag = Hist(), Hist(), Hist()
        self._ttft_ns, self._icl_ns, self._start_lag_ns = array("q"), array("q"), array("q")
        self._recent_ttft, self._recent_icl = Recent(self._ttft), Recent(self._icl)

    def add(self, row: Row) -> None:
        """Add one request of any phase."""
        self.window.add(row)
        if row.outcome in ("error", "timeout") and not row.retried:
            self.errors[row.error_class or row.outcome] += 1
        if row.phase != "measure" or row.retried:
            return
        self.done += 1
        self.ok += row.outcome == "ok"
        self.failed += row.outcome in ("error", "timeout")
        if self._more:
            self._add_more(row)
        if (lag_ns := start_lag_of(row)) is not None:
            self._start_lag_ns.append(lag_ns)
        if row.first_output_ns is not None and row.sent_ns is not None:
            self._ttft_ns.append(row.first_output_ns - row.sent_ns)
            self._icl_ns.extend(row.gaps_ns)
        if len(self._icl_ns) >= BATCH or len(self._start_lag_ns) >= BATCH:
            self._flush()

    def _add_more(self, row: Row) -> None:
        for name, (_, values) in self._more.items():
            if name == "itl":
                values.extend(row.gaps_ns)
            elif (value := value_of(row, name)) is not None and value >= 0:
                values.append(int(value))
            if len(values) >= BATCH:
                self._flush()

    def figures(self, at_ns: int) -> list[float | None]:
        """Those asked for, in their order, ``at_ns`` since the run's origin."""
        seconds = (min(at_ns, self.window.until_ns) - self.window.from_ns) / 1e9
        return [self._figure(slo, seconds) for slo in self._figures]

    def _figure(self, slo: Slo, seconds: float) -> float | None:
        if slo.of_latency:
            hist = {"ttft": self.ttft, "icl": self.icl}.get(slo.name) or self._more[slo.name][0]
            if slo.percent is not None:
                return hist.percentiles((slo.percent,))[0]
            return hist.mean_ns if slo.stat == "mean" else hist.max_ns if hist.n else None
        if slo.name == "error_rate":
            return self.failed / self.done if self.done else None
        if seconds <= 0 or slo.name not in ("requests_per_s", "tokens_per_s"):
            return None
        requests = slo.name == "requests_per_s"
        return float(self.window.requests if requests else self.window.all_tokens) / seconds

    def _flush(self) -> None:
        own = (
            (self._ttft, self._ttft_ns),
            (self._icl, self._icl_ns),
            (self._start_lag, self._start_lag_ns),
        )
        for hist, values in (*own, *self._more.values()):
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

    @property
    def start_lag(self) -> Hist:
        """How late the client itself sent, of every request that it did not make wait."""
        self._flush()
        return self._start_lag

    def recent(self, percent: float, at_ns: int) -> tuple[int | None, int | None]:
        """That percentile of TTFT and of gaps in the seconds before ``at_ns``, ns."""
        self._flush()
        both = self._recent_ttft, self._recent_icl
        ttft_ns, icl_ns = (each.percentile(percent, at_ns) for each in both)
        return ttft_ns, icl_ns
