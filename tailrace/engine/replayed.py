"""Replayed: a trace as the arrivals of an open loop, one worker's share of it.

Every worker reads the whole file and takes each ``of``-th row of it, so the shares add up to the
trace; rows are read as they come due, and made into prompts only where they are sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

import numpy as np

from tailrace.engine.arrivals import shard
from tailrace.engine.asked import Asked, Make
from tailrace.engine.intensity import Floats
from tailrace.engine.scheduler import Bounds, Sending, Start
from tailrace.results.schema import Row
from tailrace.scenarios.trace_files import past_prompts, replay
from tailrace.scenarios.trace_items import TraceItems
from tailrace.scenarios.traces import Trace


class Replayed:
    """One level of a trace."""

    def __init__(self, trace: Trace, salt: str) -> None:
        self._trace = trace
        self._items = TraceItems(trace, salt, past_prompts(trace.prompts_of))

    def starts(self, worker: int, of: int, bounds: Bounds, requests: int | None) -> Iterator[Start]:
        """The rows of worker number ``worker`` of ``of``, with the times at which to send them."""
        until_ns = bounds.duration_ns
        rows = islice(replay(self._trace, self._items.past), requests)
        for index, (due_ns, row) in shard(rows, worker, of):
            if until_ns is not None and due_ns >= until_ns:
                return
            yield Start(index, "measure", bounds.measure_from_ns + due_ns, row)

    def sending(self, start: Start, row: Row, make: Make) -> Sending:
        """The request of a row of the trace."""
        assert start.traced is not None
        return make(Asked(self._items.item(start.traced)))


def cumulative_of(trace: Trace) -> Callable[[Floats], Floats]:
    """Seconds since the start to requests due until then; reads the file where it must."""

    def until(at_s: Floats) -> Floats:
        ends_ns = np.rint(at_s * 1e9)
        if all(end <= 0 or end > trace.last_s * trace.time_scale * 1e9 for end in ends_ns):
            return np.where(ends_ns > 0, float(trace.rows), 0.0)
        found = np.zeros(len(ends_ns))
        for due_ns, _ in replay(trace, past_prompts(trace.prompts_of)):
            found += due_ns < ends_ns
        return found

    return until
