"""Server client: what this client saw at the moments when the server was looked at. Pure.

It is made from the same rows as every other figure, in the same pass, so that the two views stand
side by side on one axis: tokens that came between two looks, and requests in flight at each.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tailrace.results.schema import Row


@dataclass(slots=True)
class Totals:
    """All requests of a level, whatever their phase and outcome, each attempt for itself."""

    rows: int = 0
    output_tokens: int = 0
    input_tokens: int = 0
    not_ok: int = 0
    not_told: int = 0
    """Answers without a usage by the server; their tokens are chunks, or unknown."""


class ClientSide:
    """For rows one at a time; ``looks_ns`` are the moments, ns since the origin, ascending."""

    def __init__(self, looks_ns: Sequence[int] = ()) -> None:
        self.totals: defaultdict[int, Totals] = defaultdict(Totals)
        """By index of the level."""
        self._looks = np.asarray(looks_ns, dtype=np.int64)
        self._tokens = np.zeros(len(looks_ns) + 1)
        self._flying = np.zeros(len(looks_ns) + 1, dtype=np.int64)

    def add(self, row: Row) -> None:
        """A row of any level."""
        total = self.totals[row.stage]
        total.rows += 1
        total.output_tokens += row.output_tokens or 0
        total.input_tokens += row.input_tokens or 0
        total.not_ok += row.outcome != "ok" or row.retried
        total.not_told += row.outcome == "ok" and row.token_source != "usage"
        if not len(self._looks) or row.sent_ns is None:
            return
        begun, ended = np.searchsorted(self._looks, (row.sent_ns, max(row.sent_ns, row.ended_ns)))
        self._flying[begun] += 1
        self._flying[ended] -= 1
        self._add_tokens(row)

    def _add_tokens(self, row: Row) -> None:
        last, tokens = row.last_output_ns, row.output_tokens
        first = row.first_output_ns if row.streamed else last
        if first is None or last is None or not tokens:
            return
        before, behind = np.searchsorted(self._looks, (first, last))
        if before == behind:  # as most are, where looks are far apart
            self._tokens[before] += tokens
            return
        times = first + np.concatenate(([0], np.cumsum(row.gaps_ns, dtype=np.int64)))
        places = np.searchsorted(self._looks, times)
        known = row.chunk_tokens is not None and len(row.chunk_tokens) == len(times)
        weights = np.asarray(row.chunk_tokens) if known else tokens / len(times)
        np.add.at(self._tokens, places, weights)

    def in_flight(self) -> list[int]:
        """Requests that were sent and not ended, at each look."""
        flying: list[int] = np.cumsum(self._flying)[: len(self._looks)].tolist()
        return flying

    def tokens(self) -> list[float]:
        """Output tokens that had come by each look, of all levels."""
        so_far: list[float] = np.cumsum(self._tokens)[: len(self._looks)].tolist()
        return so_far
