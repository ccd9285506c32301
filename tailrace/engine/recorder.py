"""Recorder: takes each finished row to the journal and to what the display shows. Pure but for the
journal, which it is given as a function.

Neither must stand between the end of one request and the start of its user's next, nor hold up a
read: a row waits until ``settle`` is called, when the loop has nothing better.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from itertools import islice
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
        write_lines: Callable[[bytes], None],
        seal: Callable[[Row], None] | None = None,
    ) -> None:
        """``seal`` has the last word on a row before it is written."""
        self._seal = seal
        self._sums = sums
        self._write_lines = write_lines
        self._waiting: deque[Row] = deque()

    def add(self, row: Row) -> bool:
        """A request has its outcome. True when it is the only one waiting to be settled."""
        self._waiting.append(row)
        return len(self._waiting) == 1

    def settle(self, at_most: int | None = None) -> bool:
        """Journal the rows that wait and add them up, without a bound all; True if some are left.

        The journal comes first, all of them in one write, so that a crash takes none that was
        counted.
        """
        waiting = self._waiting
        many = len(waiting) if at_most is None else min(at_most, len(waiting))
        rows = list(islice(waiting, many))
        if self._seal is not None:
            for row in rows:
                self._seal(row)
        if rows:
            self._write_lines(b"".join([row.to_json() for row in rows]))
        for row in rows:
            waiting.popleft()
            self._sums.add(row)
        return bool(waiting)
