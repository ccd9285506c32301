"""Recorder: takes each finished row to the journal and the tally. Pure but for the journal, which
it is given as a function.

A row costs some tens of microseconds (JSON, one write, histograms in numpy batches). They must
not stand between the end of one request and the start of its user's next, nor hold up a read, so
rows wait here until ``settle`` is called, a slice at a time, when the loop has nothing better.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from tailrace.results.schema import Row
from tailrace.results.tally import Tally


class Recorder:
    """Everything that is kept of one stage while it runs."""

    def __init__(self, tally: Tally, write_line: Callable[[bytes], None]) -> None:
        self.tally = tally
        self._write_line = write_line
        self._waiting: deque[Row] = deque()

    def add(self, row: Row) -> bool:
        """A request has its outcome. True when it is the only one waiting to be settled."""
        self._waiting.append(row)
        return len(self._waiting) == 1

    def settle(self, at_most: int | None = None) -> bool:
        """Journal and tally the rows that wait; True when some are left."""
        waiting = self._waiting
        for _ in range(len(waiting) if at_most is None else min(at_most, len(waiting))):
            row = waiting.popleft()
            self._write_line(row.to_json())
            self.tally.add(row)
        return bool(waiting)
