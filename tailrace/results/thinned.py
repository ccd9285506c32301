"""Thinned: rows of whole numbers, all of few, and every 2nd, 4th, 8th of many. Pure.

Rule: a row is kept by its place in the order of coming, so the same rows come out of the same
journal, and memory has a bound. What is evenly thinned says less of a series, never too much: the
effective number of the rows kept is at most that of all (Geyer 1992, section 3.6).
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


class Thinned:
    """Rows of ``width`` numbers, fewer than ``most``, and of very many at least half of that."""

    def __init__(self, width: int, most: int) -> None:
        self._width, self._most = width, most
        self._kept = array("q")
        self.seen = 0
        """Rows that came."""
        self.every = 1
        """Of so many rows that came one is kept: a row stands for that many."""

    def add(self, row: Sequence[int]) -> None:
        """One row, kept or not."""
        if self.seen % self.every == 0:
            self._kept.extend(row)
            if len(self._kept) >= self._most * self._width:
                self._halve()
        self.seen += 1

    def _halve(self) -> None:
        self._kept = array("q", self.table[::2].tobytes())
        self.every *= 2

    @property
    def table(self) -> NDArray[np.int64]:
        """(rows kept, width)."""
        return np.array(self._kept, dtype=np.int64).reshape(-1, self._width)
