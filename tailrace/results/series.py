"""Series: the measured requests of one level in their order of time. Pure.

A histogram forgets when a sample came. Whether samples are independent, whether a level had settled
and whether its queue grew can only be told from their order, so a result that is rebuilt keeps
ten numbers a request, 80 bytes, beside the histograms: of every request up to ``MOST``, of every
2nd, 4th, 8th above (thinned.py).
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tailrace.results.ess import effective_n, effective_over, effective_ranks
from tailrace.results.schema import Row
from tailrace.results.thinned import Thinned

MOST = 30_000
"""Requests whose order is kept."""
_NONE = -1
_COLUMNS = (
    *("intended", "sent", "first", "answer", "last", "ended"),
    *("tokens", "chunks"),
)
POOLED = ("icl", "itl")
"""Metrics of gaps: all gaps of a request count as one sample, its mean, for they share its fate."""
BOUNDED = (*("ttft", "ttft_response", "ttfo", "tpot", "e2e", "e2e_response"), *POOLED)
"""Metrics whose samples have an order here, so that their percentiles have bounds."""
_SAMPLED = frozenset({"ok", "timeout", "censored"})

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Series:
    """Add rows in any order; what is asked afterwards is in the order in which they were sent."""

    def __init__(self, most: int | None = None) -> None:
        most = most or MOST
        self._kept = Thinned(len(_COLUMNS), most)
        self._beside = Thinned(3, most)
        """First and last output and tokens of answers that were not measured."""
        self._flights = Thinned(2, most)
        """When each request of any phase and outcome was due, and when it ended."""
        self._worth: dict[str, float] = {}
        """Metric -> what its samples are worth, whatever the percentile."""

    def add(self, row: Row) -> None:
        """Add a row of any phase; failed requests are in no series of samples."""
        self._flights.add((row.intended_ns, row.ended_ns))
        if row.phase != "measure":
            if row.first_output_ns is not None and row.last_output_ns and row.output_tokens:
                self._beside.add((row.first_output_ns, row.last_output_ns, row.output_tokens))
            return
        if row.outcome not in _SAMPLED:
            return
        ok = row.outcome == "ok"
        ended_ns = row.ended_ns
        last = row.last_output_ns if ok else ended_ns
        first = row.first_output_ns
        if first is None and not ok and row.streamed:
            first = ended_ns  # a lower bound, as in the histogram
        tokens = row.output_tokens if ok else None
        points = (row.sent_ns, first, row.first_answer_ns, last)
        known = [_NONE if at is None else at for at in points]
        tokens = _NONE if tokens is None else tokens
        self._kept.add((row.intended_ns, *known, ended_ns, tokens, row.chunks))

    @cached_property
    def _columns(self) -> dict[str, Ints]:
        table = self._kept.table
        columns = {name: table[:, place] for place, name in enumerate(_COLUMNS)}
        order = np.lexsort((columns["ended"], columns["intended"], columns["sent"]))
        return {name: column[order] for name, column in columns.items()}

    @property
    def n(self) -> int:
        """Requests, kept or not."""
        return self._kept.seen

    @property
    def every(self) -> int:
        """Of so many requests, the order of one is kept."""
        return self._kept.every

    def of(self, name: str) -> tuple[Floats, Floats]:
        """When each request that has it was sent (s since the run's origin), and its value (ns)."""
        columns = self._columns
        start = columns["intended" if name.endswith("_response") else "sent"]
        first, last = columns["first"], columns["last"]
        known = start != _NONE
        if name in ("ttft", "ttft_response"):
            values, known = first - start, known & (first != _NONE)
        elif name == "ttfo":
            values, known = columns["answer"] - start, known & (columns["answer"] != _NONE)
        elif name in ("e2e", "e2e_response"):
            values, known = last - start, known & (last != _NONE)
        else:
            parts = columns["tokens" if name == "tpot" else "chunks"] - 1
            known = known & (first != _NONE) & (parts > 0) & (columns["chunks"] > 1)
            values = (last - first) // np.maximum(parts, 1)
        return start[known] / 1e9, values[known].astype(np.float64)

    def effective_n(self, name: str, value_ns: float) -> float:
        """Independent samples that a percentile at this value rests on; see ess.effective_at.

        Of gaps it is that of the requests' mean gaps. Of a thinned series it is at least so many.
        """
        _, values = self.of(name)
        worth = self._worth.get(name)
        if worth is None:  # for all percentiles of a metric once
            worth = effective_n(values) if name in POOLED else effective_ranks(values)
            self._worth[name] = worth
        return worth if name in POOLED else min(effective_over(values, value_ns), worth)

    def in_flight(self, from_ns: int, until_ns: int, bins: int) -> tuple[Floats, Floats]:
        """Requests that were due and had not ended, at even points of time: (s, how many)."""
        flights = self._flights.table
        begun, ended = np.sort(flights[:, 0]), np.sort(flights[:, 1])
        at = np.linspace(from_ns, until_ns, bins)
        held = np.searchsorted(begun, at, "right") - np.searchsorted(ended, at, "right")
        return at / 1e9, held.astype(np.float64) * self._flights.every

    def tokens_per_s(self, from_ns: int, until_ns: int, bins: int) -> Floats:
        """Output tokens a second in even spans; those of an answer spread evenly over it."""
        columns = self._columns
        known = (columns["tokens"] > 0) & (columns["first"] != _NONE)
        beside = self._beside.table
        first = np.concatenate((columns["first"][known], beside[:, 0])).astype(np.float64)
        last = np.concatenate((columns["last"][known], beside[:, 1])).astype(np.float64)
        tokens = np.concatenate(
            (columns["tokens"][known] * self._kept.every, beside[:, 2] * self._beside.every)
        ).astype(np.float64)
        edges = np.linspace(from_ns, until_ns, bins + 1)
        seconds = float(edges[1] - edges[0]) / 1e9
        found: Floats = np.diff(_tokens_until(edges, first, last, tokens)) / seconds
        return found


def _tokens_until(edges: Floats, first: Floats, last: Floats, tokens: Floats) -> Floats:
    """Tokens that had come by each edge, where each answer's flow evenly from first to last."""
    length = np.maximum(last - first, 1.0)
    rate = tokens / length
    begun, ended = np.argsort(first), np.argsort(first + length)
    rate_begun = np.concatenate(([0.0], np.cumsum(rate[begun])))
    lost_begun = np.concatenate(([0.0], np.cumsum((rate * first)[begun])))
    rate_ended = np.concatenate(([0.0], np.cumsum(rate[ended])))
    lost_ended = np.concatenate(([0.0], np.cumsum((rate * (first + length))[ended])))
    up = np.searchsorted(first[begun], edges, "right")
    down = np.searchsorted((first + length)[ended], edges, "right")
    begun_by: Floats = rate_begun[up] * edges - lost_begun[up]
    ended_by: Floats = rate_ended[down] * edges - lost_ended[down]
    found: Floats = begun_by - ended_by
    return found
