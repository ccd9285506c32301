"""Reached: by what protocol a stage's answers came, and how often a server asked to wait. Pure.

Rule: every answer with status 429 or 503 counts, also of an attempt that was followed by another,
for the server gave each of them. What was waited is in the rows that came after the wait.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from tailrace.results.schema import Row

BUSY = (429, 503)


class Reached:
    """Counts of the measured rows of one stage."""

    def __init__(self) -> None:
        self.http: Counter[str] = Counter()
        """Answers by version of HTTP."""
        self.busy = self.asked = 0
        self.longest_s = 0.0
        self.held = self.held_ns = 0

    def add(self, row: Row) -> None:
        """One row of any phase."""
        if row.phase != "measure":
            return
        if row.status is not None:
            self.http[row.http] += 1
        self.busy += row.status in BUSY
        if row.retry_after_s is not None:
            self.asked += 1
            self.longest_s = max(self.longest_s, row.retry_after_s)
        self.held += row.held_ns > 0
        self.held_ns += row.held_ns

    def result(self) -> dict[str, Any]:
        """Keys of the stage in ``result.json``; left out where all is as usual."""
        found: dict[str, Any] = {}
        if self.http.keys() - {"1.1"}:
            found["http"] = dict(sorted(self.http.items()))
        if self.asked:
            found["busy"] = {
                "answers": self.busy,
                "with_retry_after": self.asked,
                "longest_retry_after_s": self.longest_s,
                "held": self.held,
                "held_ns": self.held_ns,
            }
        return found
