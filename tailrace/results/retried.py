"""Retried: which requests of a stage were sent more than once, counted from their rows. Pure.

Rule: each sending has a row of its own. One that failed and was followed by another is marked
``retried``; it is no outcome and gives no sample, since what came of its request is in the last
row. Why counted apart: a client that retries without a word turns errors into nothing but longer
response times.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from tailrace.results.schema import Row


class Retried:
    """Counts of one stage; ``all_*`` with warm-up, to be compared with the books."""

    def __init__(self) -> None:
        self.all_requests = 0
        self.all_retries = 0
        self.requests = 0
        """Measured requests that were sent again at least once."""
        self.retries = 0
        """How often measured requests were sent again, in all."""
        self.ok = 0
        """Measured requests that ended ok, but not at the first time."""
        self.classes: Counter[str] = Counter()
        """Why measured requests were sent again: error classes of the attempts that failed."""

    def add(self, row: Row) -> None:
        """One row of any phase."""
        measured = row.phase == "measure"
        if row.retried:
            self.all_retries += 1
            self.retries += measured
            if measured:
                self.classes[row.error_class or row.outcome] += 1
        elif row.attempt > 1:
            self.all_requests += 1
            self.requests += measured
            self.ok += measured and row.outcome == "ok"

    def result(self) -> dict[str, Any]:
        """As ``result.json`` has it."""
        return {
            "requests": self.requests,
            "retries": self.retries,
            "ok": self.ok,
            "classes": dict(sorted(self.classes.items())),
        }
