"""Recorder: takes each finished row to the journal and to what the display shows. Pure but for the
journal, which it is given as a function.

Rule: the row is in the journal before its user's next request is sent, so that whoever kills this
process, at whatever moment, takes no request that the server can know to be over. It costs that
user's turn some 15 us; no read waits for it that the kernel stamps.
"""

from __future__ import annotations

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

    def add(self, row: Row) -> None:
        """A request has its outcome; the journal comes first, so that none is only counted."""
        if self._seal is not None:
            self._seal(row)
        self._write_line(row.to_json())
        self._sums.add(row)
