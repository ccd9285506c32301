"""OverTime: how a level went along, in even spans of time. Pure; memory does not grow with rows.

A histogram of the whole level hides a stall that struck everybody for a second. So each span from
the level's begin to its end has a small histogram of its own of TTFT and of gaps, in log buckets
2.4 % wide, whose upper edge stands for a percentile; and a few whole requests are kept to be shown.
Every row counts, of whatever phase, in the span in which its sample was complete.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tailrace.results.facts import StageFacts
from tailrace.results.sampled import Sampled
from tailrace.results.schema import Row
from tailrace.results.series import Series

BINS = 96
MOST_CLASSES = 8
"""Kinds of failure that are told apart."""
POINTS = 1000
"""Times to first token that are shown one by one."""
CURVE = (0.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 98.0, 99.0, 99.5, 99.8, 99.9, 99.95, 99.99, 100.0)
"""Percentiles of the whole level's curves."""
_LEAST_NS = 10_000
_PER_DECADE = 96
_BUCKETS = 8 * _PER_DECADE
_HEAT = 4
"""Buckets of a span's histogram that are one row of the heat map."""
_BATCH = 8192
Ints = NDArray[np.int64]


class Spans:
    """Counts of durations by span and bucket, and the largest of each span."""

    def __init__(self) -> None:
        self.counts = np.zeros((BINS, _BUCKETS), dtype=np.int64)
        self.max_ns = np.zeros(BINS, dtype=np.int64)

    def add(self, bins: Ints, values_ns: Ints) -> None:
        """Durations that were complete in these spans."""
        place = np.log10(np.maximum(values_ns, 1) / _LEAST_NS) * _PER_DECADE
        bucket = np.clip(place.astype(np.int64), 0, _BUCKETS - 1)
        cells = np.bincount(bins * _BUCKETS + bucket, minlength=BINS * _BUCKETS)
        self.counts += cells.reshape(BINS, _BUCKETS)
        np.maximum.at(self.max_ns, bins, values_ns)

    def result(self) -> dict[str, Any]:
        """By span: how many, p50, p99 and the exact maximum, ns."""
        n = self.counts.sum(axis=1)
        upto = self.counts.cumsum(axis=1)
        found: dict[str, Any] = {"n": n.tolist()}
        for percent in (50, 99):
            wanted = np.maximum(1, np.ceil(n * percent / 100))
            edge_ns = _edges()[(upto < wanted[:, None]).sum(axis=1).clip(max=_BUCKETS - 1) + 1]
            values = np.minimum(edge_ns, self.max_ns)
            found[f"p{percent}_ns"] = _where(n, values)
        return found | {"max_ns": _where(n, self.max_ns)}

    def heat(self) -> dict[str, Any]:
        """Counts by span and row, with the rows' edges in ns; only rows between what occurs."""
        rows = self.counts.reshape(BINS, -1, _HEAT).sum(axis=2)
        held = np.flatnonzero(rows.any(axis=0))
        if not len(held):
            return {"edges_ns": [], "counts": []}
        low, high = int(held[0]), int(held[-1]) + 1
        edges = _edges()[::_HEAT][low : high + 1]
        return {"edges_ns": edges.tolist(), "counts": rows[:, low:high].tolist()}


class OverTime:
    """One level; ``add`` its rows in any order."""

    def __init__(self, from_ns: int, until_ns: int) -> None:
        self._from_ns = from_ns
        self._bin_ns = max(1, -(-(until_ns - from_ns) // BINS))
        self._ttft, self._icl = Spans(), Spans()
        self._firsts = array("q")
        """When the first output came, and how long it took, flat."""
        self._gaps, self._starts, self._lengths = array("q"), array("q"), array("q")
        """Gaps of all requests, the first output of each request, and how many gaps it has."""
        self._ends: dict[str, list[int]] = {}
        self._sampled = Sampled()

    def add(self, row: Row, gaps_ns: array[int], longest_ns: int) -> None:
        """One row of any phase, its gaps, and the longest of them."""
        self._sampled.add(row, longest_ns)
        name = row.outcome if row.error_class is None else row.error_class
        ends = self._ends.get(name)
        if ends is None:
            ends = self._ends[name] = [0] * BINS
        ends[self._bin(row.ended_ns)] += 1
        first_ns = row.first_output_ns
        if first_ns is None or row.sent_ns is None:
            return
        self._firsts.extend((first_ns, first_ns - row.sent_ns))
        if gaps_ns:
            self._gaps.extend(gaps_ns)
            self._starts.append(first_ns)
            self._lengths.append(len(gaps_ns))
        if len(self._gaps) >= _BATCH or len(self._firsts) >= _BATCH:
            self._flush()

    def _bin(self, at_ns: int) -> int:
        return min(max((at_ns - self._from_ns) // self._bin_ns, 0), BINS - 1)

    def _bins(self, at_ns: Ints) -> Ints:
        return np.clip((at_ns - self._from_ns) // self._bin_ns, 0, BINS - 1)

    def _flush(self) -> None:
        firsts = np.array(self._firsts).reshape(-1, 2)
        self._ttft.add(self._bins(firsts[:, 0]), firsts[:, 1])
        gaps = np.array(self._gaps)
        lengths = np.array(self._lengths)
        run = np.cumsum(gaps)
        before = np.concatenate(([0], run))[np.cumsum(lengths) - lengths]
        ends = run + np.repeat(np.array(self._starts) - before, lengths)
        self._icl.add(self._bins(ends), gaps)
        for held in (self._firsts, self._gaps, self._starts, self._lengths):
            del held[:]

    def result(self, series: Series) -> dict[str, Any]:
        """JSON-ready: ``over_time`` of a level. Points in time are ns since the run's origin."""
        self._flush()
        until_ns = self._from_ns + BINS * self._bin_ns
        _, flying = series.in_flight(self._from_ns, until_ns, BINS)
        return {
            "from_ns": self._from_ns,
            "bin_ns": self._bin_ns,
            "bins": BINS,
            "ttft": self._ttft.result(),
            "icl": self._icl.result(),
            "gap_heat": self._icl.heat(),
            "ended": _fewer(self._ends),
            "in_flight": flying.tolist(),
            "tokens_per_s": series.tokens_per_s(self._from_ns, until_ns, BINS).round(3).tolist(),
            "ttft_points": _points(series),
            "sampled": self._sampled.result(),
        }


def over_time_of(facts: StageFacts) -> OverTime | None:
    """For a level that has ended; None where nobody knows how long it was."""
    if facts.ended_ns is None or facts.ended_ns <= facts.began_ns:
        return None
    return OverTime(facts.began_ns, facts.ended_ns)


def _points(series: Series) -> list[list[int]]:
    """[sent, TTFT] in ns of evenly chosen measured requests, and of the twenty slowest."""
    at_s, values = series.of("ttft")
    chosen = np.zeros(len(values), dtype=bool)
    chosen[:: max(1, math.ceil(len(values) / POINTS))] = True
    chosen[np.argsort(values, kind="stable")[-20:]] = True
    table = np.stack((np.round(at_s * 1e9), values), axis=1)[chosen]
    found: list[list[int]] = table.astype(np.int64).tolist()
    return found


def _fewer(ends: dict[str, list[int]]) -> dict[str, list[int]]:
    """The most frequent failures by name, ``ok`` first, and the others together."""
    names = sorted(ends, key=lambda name: (name != "ok", -sum(ends[name]), name))
    found = {name: ends[name] for name in names[: MOST_CLASSES + 1]}
    if rest := [ends[name] for name in names[MOST_CLASSES + 1 :]]:
        found["others"] = [sum(counts) for counts in zip(*rest, strict=True)]
    return found


def _edges() -> Ints:
    """Of all buckets, ns; one more than there are."""
    places = np.arange(_BUCKETS + 1) / _PER_DECADE
    edges: Ints = np.round(_LEAST_NS * 10**places).astype(np.int64)
    return edges


def _where(n: Ints, values: Sequence[int] | Ints) -> list[int | None]:
    """None for spans without a sample."""
    return [int(value) if count else None for count, value in zip(n, values, strict=True)]
