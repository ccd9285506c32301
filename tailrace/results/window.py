"""Window: how much of a request falls into a span of time that rates are taken over. Pure."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from tailrace.results.schema import Row

_FOREVER_NS = 2**62


class Window:
    """[from_ns, until_ns), in ns since the run's origin; what is left out has no bound.

    It counts what is added; ``has_end`` and ``tokens`` only look.
    """

    __slots__ = ("_part_tokens", "_whole_tokens", "from_ns", "requests", "until_ns")

    def __init__(self, from_ns: int | None = None, until_ns: int | None = None) -> None:
        self.from_ns = 0 if from_ns is None else from_ns
        self.until_ns = _FOREVER_NS if until_ns is None else until_ns
        self.requests = 0
        """Answers that ended within."""
        self._whole_tokens = 0
        self._part_tokens = Fraction()
        """Of answers that were partly within; apart, since adding to it is slow."""

    def add(self, row: Row) -> None:
        """Count a row of any phase."""
        self.requests += self.has_end(row)
        tokens = self.tokens(row)
        if isinstance(tokens, int):
            self._whole_tokens += tokens
        else:
            self._part_tokens += tokens

    @property
    def all_tokens(self) -> Fraction:
        """Output tokens of all rows within."""
        return self._whole_tokens + self._part_tokens

    def has_end(self, row: Row) -> bool:
        """Whether the row's answer was whole, and so within the window."""
        ended_ns = row.closed_ns
        return row.outcome == "ok" and ended_ns is not None and self._holds(ended_ns)

    def tokens(self, row: Row) -> int | Fraction:
        """Output tokens whose chunks came within the window; shares of a chunk-less count.

        Exact, so that a sum over rows does not depend on their order.
        """
        last, tokens = row.last_output_ns, row.output_tokens
        first = row.first_output_ns if row.streamed else last  # else all came at one moment
        if first is None or last is None or not tokens:
            return 0
        if self.from_ns <= first and last < self.until_ns:
            return tokens
        if last < self.from_ns or first >= self.until_ns:
            return 0
        times = first + np.concatenate(([0], np.cumsum(row.gaps_ns, dtype=np.int64)))
        inside = (times >= self.from_ns) & (times < self.until_ns)
        if row.chunk_tokens and len(row.chunk_tokens) == len(times):
            return int(np.asarray(row.chunk_tokens)[inside].sum())
        return Fraction(tokens * int(np.count_nonzero(inside)), len(times))

    def _holds(self, at_ns: int) -> bool:
        return self.from_ns <= at_ns < self.until_ns
