"""Goodput: the requests of a level that meet every latency objective, one row at a time. Pure.

Rule: a request is good when it ended ok and each of its own latencies is within the objective's
limit, whatever percentile the objective is about; one that has no such latency (an answer of one
token has no gap) cannot miss it. Per second it counts answers that ended in the measure window; its
share is of all measured requests that have an outcome, those that failed included (Zhong and
others, DistServe, OSDI 2024, count goodput so).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tailrace.results.request_values import value_of
from tailrace.results.schema import Row
from tailrace.results.slo import Slo
from tailrace.results.window import Window


class Goodput:
    """Counts of one level."""

    def __init__(
        self, slos: Sequence[Slo] = (), from_ns: int | None = None, until_ns: int | None = None
    ) -> None:
        self.slos = slos
        """All objectives of the level."""
        self._own = [slo for slo in slos if slo.of_latency]
        self._window = Window(from_ns, until_ns)
        self.measured = 0
        self.good = 0
        """Of those measured."""
        self.in_window = 0
        """Good ones of any phase whose answer ended in the window."""

    def add(self, row: Row) -> None:
        """Add a row of any phase."""
        if row.retried or row.outcome == "cancelled" or not self._own:
            return
        good = row.outcome == "ok" and self._meets(row)
        self.in_window += good and self._window.has_end(row)
        if row.phase == "measure":
            self.measured += 1
            self.good += good

    def _meets(self, row: Row) -> bool:
        values = ((slo, value_of(row, slo.name, slo.stat)) for slo in self._own)
        return all(value is None or slo.met_by(value) for slo, value in values)

    def result(self, window_s: float | None) -> dict[str, Any] | None:
        """JSON-ready; None without a latency objective."""
        if not self._own:
            return None
        return {
            "objectives": [slo.text for slo in self._own],
            "good": self.good,
            "measured": self.measured,
            "share": round(self.good / self.measured, 6) if self.measured else None,
            "per_s": round(self.in_window / window_s, 4) if window_s else None,
        }
