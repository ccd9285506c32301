"""Recorder: takes each finished row to the journal and to what the display shows. Pure but for the
journal, which it is given as a function.

Neither must stand between the end of one request and the start of its user's next, nor hold up a
read: a row waits until ``settle`` is called, when the loop has nothing better.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol

from tailrace.results.schema import Row


class Sums(Protocol):
    """What adds rows up: a Glance, or a Tally."""

    def add(self, row: Row) -> None:
        """One request of any phase."""
        ...


class Recorder:
    """Everything that is kept of one stage while it runs."""

    def __init__(
        self,
        sums: Sums,
        write_line: Callable[[bytes], None],
        seal: Callable[[Row], None] | None = None,
    ) -> None:
        """``seal`` has the last word on a row before it is written."""
        self._seal = seal
        self._sums = sums
        self._write_line = write_line
        self._waiting: deque[Row] = deque()

    def add(self, row: Row) -> bool:
        """A request has its outcome. True when it is the only one waiting to be settled."""
        self._waiting.append(row)
        return len(self._waiting) == 1

    def settle(self, at_most: int | None = None) -> bool:
        """Journal the rows that wait and add them up, without a bound all; True if some are left.

        The journal comes first, so that a crash takes none that was counted.
        """
        waiting = self._waiting
        for _ in range(len(waiting) if at_most is None else min(at_most, len(waiting))):
            row = waiting.popleft()
            if self._seal is not None:
                self._seal(row)
            self._write_line(row.to_json())
            self._sums.add(row)
        return bool(waiting)
