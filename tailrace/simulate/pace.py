"""One heap of due times for every stream, woken precisely and never early.

Rule: a step runs when perf_counter_ns has reached its due time, never before; one alarm rings for
the soonest of all.
Why: a task for each stream would cost a wake-up through the loop for each chunk.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from heapq import heappop, heappush

from tailrace.alarm import make_alarm

Step = Callable[[], int]
"""What is due: it runs, and returns when it is due again, or 0 for never."""

BATCH = 64
_NEVER = 1 << 62


class Pace:
    """The heap. Steps due at the same time run in the order they were added."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *, precise: bool | None = None) -> None:
        self._heap: list[tuple[int, int, Step]] = []
        self._seq = 0
        self._armed = _NEVER
        self._alarm = make_alarm(loop, self._fire, precise)

    def add(self, due_ns: int, step: Step) -> None:
        """Run `step` at `due_ns`, or as soon after as the loop allows."""
        self._seq += 1
        heappush(self._heap, (due_ns, self._seq, step))
        if due_ns < self._armed:
            self._armed = due_ns
            self._alarm.arm(due_ns)

    def close(self) -> None:
        """Forget every step."""
        self._alarm.close()
        self._heap.clear()

    def _fire(self) -> None:
        """Run a batch of what is due; between batches the loop reads its sockets."""
        heap = self._heap
        now = time.perf_counter_ns()
        self._armed = -1
        try:
            for _ in range(BATCH):
                if not heap or heap[0][0] > now:
                    break
                step = heappop(heap)[2]
                again = step()
                if again:
                    self._seq += 1
                    heappush(heap, (again, self._seq, step))
        finally:
            self._armed = heap[0][0] if heap else _NEVER
            if heap:
                self._alarm.arm(self._armed)
