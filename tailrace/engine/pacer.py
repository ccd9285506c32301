"""Pacer: tasks that wait for a moment of the run's clock, woken precisely and never early.

One alarm for all of them: a timer of its own for each would be whole milliseconds and early.
"""

from __future__ import annotations

import asyncio
from heapq import heappop, heappush

from tailrace.alarm import make_alarm
from tailrace.engine.clock import now_ns

_NEVER = 1 << 62


class Pacer:
    """For use on the running loop, until ``close``."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._sequence = 0
        self._armed_ns = _NEVER
        self._alarm = make_alarm(self._loop, self._ring)

    async def until(self, due_ns: int) -> None:
        """Return at ``due_ns`` or as soon after as the loop allows."""
        if due_ns <= now_ns():
            return
        woken = self._loop.create_future()
        self._sequence += 1
        heappush(self._waiting, (due_ns, self._sequence, woken))
        if due_ns < self._armed_ns:
            self._arm(due_ns)
        await woken

    def release(self) -> None:
        """Wake everybody now, due or not: nothing more is to start."""
        for _, _, woken in self._waiting:
            if not woken.done():
                woken.set_result(None)
        self._waiting.clear()

    def close(self) -> None:
        """Wake nobody any more."""
        self._alarm.close()
        self._waiting.clear()

    def _arm(self, due_ns: int) -> None:
        self._armed_ns = due_ns
        self._alarm.arm(due_ns)

    def _ring(self) -> None:
        at_ns = now_ns()
        self._armed_ns = _NEVER
        while self._waiting and self._waiting[0][0] <= at_ns:
            woken = heappop(self._waiting)[2]
            if not woken.done():  # its task may have been cancelled
                woken.set_result(None)
        if self._waiting:
            self._arm(self._waiting[0][0])
