"""Recorder: takes each finished row to the journal and the tally. Pure but for the journal, which
it is given as a function.

Neither must stand between the end of one request and the start of its user's next, nor hold up a
read: a row waits until ``settle`` is called, when the loop has nothing better. Then it is journaled
at once, so that a crash does not take it, and tallied with others, or when somebody looks: numpy
takes four times as long for a row alone, with all it needs driven from the caches by other work.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from tailrace.results.schema import Row
from tailrace.results.tally import Tally

TALLY_AT_ONCE = 24
"""Rows that are added to the tally together, some 0.3 ms."""


class Recorder:
    """Everything that is kept of one stage while it runs."""

    def __init__(self, tally: Tally, write_line: Callable[[bytes], None]) -> None:
        self._tally = tally
        self._write_line = write_line
        self._waiting: deque[Row] = deque()
        self._journaled: list[Row] = []
        """Rows that are still to be tallied."""

    @property
    def tally(self) -> Tally:
        """Of all rows that are settled."""
        self._add_up()
        return self._tally

    def add(self, row: Row) -> bool:
        """A request has its outcome. True when it is the only one waiting to be settled."""
        self._waiting.append(row)
        return len(self._waiting) == 1

    def settle(self, at_most: int | None = None) -> bool:
        """Journal the rows that wait, and tally enough of them; True when some are left.

        Without a bound both are done for all.
        """
        waiting = self._waiting
        for _ in range(len(waiting) if at_most is None else min(at_most, len(waiting))):
            row = waiting.popleft()
            self._write_line(row.to_json())
            self._journaled.append(row)
        if at_most is None or len(self._journaled) >= TALLY_AT_ONCE:
            self._add_up()
        return bool(waiting)

    def _add_up(self) -> None:
        for row in self._journaled:
            self._tally.add(row)
        self._journaled.clear()
