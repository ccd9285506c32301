"""Figures: what one load level gives to be compared: samples by request, tokens by time. Pure.

Rule: the samples are those of Tally (measured requests; of those given up, what they had waited),
but each stays with its request, and requests stay in the order in which they were meant to start,
so that whoever draws from them draws whole requests and neighbours together. Times are whole
microseconds: enough for any comparison, and small enough to be kept as a baseline.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tailrace.results.schema import Row
from tailrace.results.tally import stall_limit

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

LATENCIES = ("ttft", "icl", "tpot", "e2e", "ttft_response", "e2e_response")
SLICES = 32
"""Equal parts of a measure window that tokens and answers are counted in."""
_SAMPLED = frozenset({"ok", "timeout", "censored"})
_FAILED = frozenset({"error", "timeout", "censored"})


@dataclass(frozen=True, slots=True)
class Samples:
    """One latency of one level: values in us, request after request."""

    values_us: Ints
    counts: Ints
    """How many of the values each request gave, by intended time."""
    bound_us: int | None = None
    """The smallest value that is only a lower bound; None where none is."""


@dataclass(frozen=True, slots=True)
class Figures:
    """One load level of one model, or several rounds of it one after another."""

    failed: NDArray[np.bool_]
    """Whether each measured request ended in an error, a timeout or the cutoff."""
    samples: Mapping[str, Samples]
    """By name of LATENCIES."""
    slice_s: Floats
    """Length of each slice of the window, seconds."""
    slice_tokens: Floats
    slice_answers: Floats
    """Output tokens, and answers that ended ok, within each slice."""
    tokens_known: bool
    """Whether anybody says how many tokens the answers had."""


class FiguresMaker:
    """Takes the rows of one stage, in any order, and makes its figures."""

    def __init__(self, from_ns: int | None, until_ns: int | None) -> None:
        """The measure window, ns since the run's origin; without both there are no rates."""
        self._from_ns = from_ns or 0
        self._length_ns = max(0, (until_ns or 0) - self._from_ns) if until_ns else 0
        self._intended = array("q")
        self._failed = array("b")
        self._values: dict[str, array[int]] = {name: array("q") for name in LATENCIES}
        self._counts: dict[str, array[int]] = {name: array("q") for name in LATENCIES}
        self._bounds: dict[str, int] = {}
        self._tokens = np.zeros(SLICES)
        self._answers = np.zeros(SLICES)
        self._tokens_known = True

    def add(self, row: Row) -> None:
        """Add one request of any phase; only measured ones give samples."""
        if row.retried:
            return  # what came of the request is in a later row
        if self._length_ns:
            self._add_to_slices(row)
        if row.phase != "measure":
            return
        self._intended.append(row.intended_ns)
        self._failed.append(row.outcome in _FAILED)
        if row.outcome == "ok" and row.token_source == "unknown" and not row.streamed:
            self._tokens_known = False
        before = {name: len(values) for name, values in self._values.items()}
        if row.outcome in _SAMPLED and row.sent_ns is not None:
            self._add_latency(row, row.sent_ns)
            self._add_gaps(row)
        elif row.outcome in _SAMPLED:  # it was never sent: it only waited
            self._bound("e2e_response", row.ended_ns - row.intended_ns)
            if row.streamed:
                self._bound("ttft_response", row.ended_ns - row.intended_ns)
        for name, values in self._values.items():
            self._counts[name].append(len(values) - before[name])

    def _put(self, name: str, value_ns: int) -> None:
        self._values[name].append(value_ns // 1000)

    def _bound(self, name: str, value_ns: int) -> None:
        self._put(name, value_ns)
        self._bounds[name] = min(self._bounds.get(name, 2**62), value_ns // 1000)

    def _add_latency(self, row: Row, sent_ns: int) -> None:
        first, last, ok = row.first_output_ns, row.last_output_ns, row.outcome == "ok"
        for suffix, since_ns in (("", sent_ns), ("_response", row.intended_ns)):
            if first is not None:
                self._put(f"ttft{suffix}", first - since_ns)
            elif not ok and row.streamed:
                self._bound(f"ttft{suffix}", row.ended_ns - since_ns)
            if not ok:
                self._bound(f"e2e{suffix}", row.ended_ns - since_ns)
            elif last is not None:
                self._put(f"e2e{suffix}", last - since_ns)
        tokens = row.output_tokens
        if ok and tokens is not None and first is not None and last is not None:
            first_chunk = row.chunk_tokens[0] if row.chunk_tokens else 1
            if tokens > first_chunk and row.chunks > 1:
                self._put("tpot", (last - first) // (tokens - first_chunk))

    def _add_gaps(self, row: Row) -> None:
        self._values["icl"].extend(gap // 1000 for gap in row.gaps_ns)
        if row.outcome != "ok" and row.last_output_ns is not None:
            open_gap = row.ended_ns - row.last_output_ns
            if open_gap > stall_limit(row.gaps_ns, max(row.gaps_ns, default=0)):
                self._bound("icl", open_gap)

    def _add_to_slices(self, row: Row) -> None:
        if row.outcome == "ok" and row.closed_ns is not None:
            self._count(self._answers, np.array([row.closed_ns]), np.ones(1))
        first = row.first_output_ns if row.streamed else row.last_output_ns
        if first is None or row.last_output_ns is None or not row.output_tokens:
            return
        gaps = row.gaps_ns if row.streamed else []
        times = first + np.concatenate(([0], np.cumsum(gaps, dtype=np.int64)))
        if row.chunk_tokens and len(row.chunk_tokens) == len(times):
            weights = np.asarray(row.chunk_tokens, dtype=np.float64)
        else:
            weights = np.full(len(times), row.output_tokens / len(times))
        self._count(self._tokens, times, weights)

    def _count(self, slices: Floats, times_ns: Ints, weights: Floats) -> None:
        place = (times_ns - self._from_ns) * SLICES // self._length_ns
        inside = (place >= 0) & (place < SLICES)
        slices += np.bincount(place[inside], weights[inside], SLICES)

    def made(self) -> Figures:
        """The figures of what was added."""
        order = np.argsort(_ints(self._intended), kind="stable")
        samples = {
            name: Samples(
                *_in_order(_ints(self._values[name]), _ints(self._counts[name]), order),
                self._bounds.get(name),
            )
            for name in LATENCIES
        }
        return Figures(
            failed=np.array(self._failed, dtype=np.bool_)[order],
            samples=samples,
            slice_s=np.full(SLICES, self._length_ns / SLICES / 1e9),
            slice_tokens=self._tokens,
            slice_answers=self._answers,
            tokens_known=self._tokens_known,
        )


def _ints(values: array[int]) -> Ints:
    return np.array(values, dtype=np.int64)


def _in_order(values: Ints, counts: Ints, order: Ints) -> tuple[Ints, Ints]:
    """Values and counts of the requests in another order."""
    ends = np.cumsum(counts)
    pieces = [values[end - count : end] for end, count in zip(ends[order], counts[order])]  # noqa: B905
    return (np.concatenate(pieces) if pieces else values), counts[order]


def joined(rounds: Iterable[Figures]) -> Figures:
    """Several rounds of one level, one after another."""
    parts = list(rounds)
    if len(parts) == 1:
        return parts[0]
    samples = {name: _joined([part.samples[name] for part in parts]) for name in LATENCIES}
    return Figures(
        failed=np.concatenate([part.failed for part in parts]),
        samples=samples,
        slice_s=np.concatenate([part.slice_s for part in parts]),
        slice_tokens=np.concatenate([part.slice_tokens for part in parts]),
        slice_answers=np.concatenate([part.slice_answers for part in parts]),
        tokens_known=all(part.tokens_known for part in parts),
    )


def _joined(parts: list[Samples]) -> Samples:
    bounds = [part.bound_us for part in parts if part.bound_us is not None]
    return Samples(
        np.concatenate([part.values_us for part in parts]),
        np.concatenate([part.counts for part in parts]),
        min(bounds, default=None),
    )
