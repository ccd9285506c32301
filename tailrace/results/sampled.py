"""Sampled: a few requests of a level, kept whole so that they can be shown. Pure.

Evenly chosen ones show what is usual; those that took longest, and those with the longest gap, show
what one looks for. The same rows, in the same order, give the same choice.
"""

from __future__ import annotations

import heapq
from typing import Any

from tailrace.results.schema import Row

EVEN = 24
"""Evenly chosen requests, at most."""
WORST = 8
"""Of each kind of worst."""
_POINTS = ("intended_ns", "sent_ns", "headers_ns", "first_output_ns", "last_output_ns", "ended_ns")


class Sampled:
    """Add measured rows; ``result`` has at most 40 of them."""

    def __init__(self) -> None:
        self._seen, self._every = 0, 1
        self._even: list[Row] = []
        self._slow: list[tuple[int, int, Row]] = []
        self._stalled: list[tuple[int, int, Row]] = []

    def add(self, row: Row, longest_ns: int) -> None:
        """One row, and its longest gap; only those of the measure phase are shown."""
        if row.phase != "measure" or row.retried:
            return
        if self._seen % self._every == 0:
            self._even.append(row)
            if len(self._even) > EVEN:
                self._even = self._even[::2]
                self._every *= 2
        _keep(self._slow, row.ended_ns - row.intended_ns, self._seen, row)
        if row.gaps_ns:
            _keep(self._stalled, longest_ns, self._seen, row)
        self._seen += 1

    def result(self) -> list[dict[str, Any]]:
        """JSON-ready, in the order in which they were due."""
        rows = {row.id: row for row in self._even}
        rows |= {row.id: row for _, _, row in (*self._slow, *self._stalled)}
        return [_shown(row) for row in sorted(rows.values(), key=lambda r: (r.intended_ns, r.id))]


def _keep(worst: list[tuple[int, int, Row]], value: int, place: int, row: Row) -> None:
    """The largest values; of equal ones the first that came."""
    if len(worst) < WORST:
        heapq.heappush(worst, (value, -place, row))
    elif value > worst[0][0]:
        heapq.heapreplace(worst, (value, -place, row))


def _shown(row: Row) -> dict[str, Any]:
    times = {name: getattr(row, name) for name in _POINTS}
    longest = max(row.gaps_ns, default=None)
    return {
        "id": row.id,
        "outcome": row.outcome,
        "error_class": row.error_class,
        **times,
        "output_tokens": row.output_tokens,
        "max_gap_ns": longest,
        "max_gap_at_ns": None if longest is None else _ended_ns(row, longest),
    }


def _ended_ns(row: Row, longest: int) -> int | None:
    """When the longest gap ended."""
    if row.first_output_ns is None:
        return None
    return row.first_output_ns + sum(row.gaps_ns[: row.gaps_ns.index(longest) + 1])
