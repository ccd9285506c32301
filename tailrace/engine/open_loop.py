"""OpenLoop: starts requests when a schedule says so, whatever has become of those before.

Rule: a request is never started before its due time; it is made ready ahead of it, so that what is
left to do is to send, and the next is made ready only when it is sent. How long it waits for
admission is part of its response time, which counts from the due time, and not of its service time.
Why: a load that waits for slow answers before it asks again hides just the moments in which users
would have suffered (coordinated omission, as Gil Tene named it).
"""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Iterator

from anyio.abc import TaskGroup

from tailrace.alarm import Alarm, make_alarm
from tailrace.engine.admission import Admission
from tailrace.engine.clock import now_ns
from tailrace.engine.ledger import Ledger
from tailrace.engine.recorder import Recorder
from tailrace.engine.scheduler import Bounds, Scheduler, Send, Sending, Start
from tailrace.engine.stop import Stop
from tailrace.errors import TailraceError


class OpenLoop(Scheduler):
    """One level of ``starts``, in the order of their intended times."""

    def __init__(
        self,
        bounds: Bounds,
        send: Send,
        ledger: Ledger,
        recorder: Recorder,
        stop: Stop,
        starts: Iterator[Start],
        admission: Admission[Sending],
    ) -> None:
        super().__init__(bounds, send, ledger, recorder, stop)
        self._starts = starts
        self._admission = admission
        self._next: tuple[Start, Sending] | None = None
        """The next request, made ready; None also while it is still to be made."""
        self._all_made = False
        self._running = 0
        self._over = False
        self._group: TaskGroup | None = None
        self._alarm: Alarm | None = None
        self._begun_ns = self.begun_ns = array("q")

    def _begin(self, group: TaskGroup) -> None:
        self._group = group
        self._loop = asyncio.get_running_loop()
        self._alarm = make_alarm(self._loop, self._ring)
        self._go_on()

    def _go_on(self) -> None:
        """Make the next request ready, and start it when it is due."""
        if self._over:
            return
        try:
            start = next(self._starts, None)
        except TailraceError as error:  # a trace is no longer what it was when it was checked
            self._stop.abort(str(error))
            start = None
        if start is None:
            self._all_made = True
            self._check_out()
        else:
            self._next = (start, self._send(start))
            self._ring()

    def _ring(self) -> None:
        """Start the next request if it is due, and go on once its task has sent it."""
        if self._over or self._stop.level or self._next is None or self._alarm is None:
            return
        start, sending = self._next
        if start.intended_ns > now_ns():
            self._alarm.arm(start.intended_ns)
            return
        self._next = None
        self._arrive(start, sending)
        self._loop.call_soon(self._go_on)

    def _arrive(self, start: Start, sending: Sending) -> None:
        at_ns = now_ns()
        if start.phase == "measure":
            self._begun_ns.append(at_ns)
        decision = self._admission.arrive(sending)
        sending.row.queued = decision == "queue"
        if decision == "start":
            self._go(sending, at_ns)
        elif decision != "queue":
            self._ledger.books.dropped += 1
            if decision == "abort":
                limit = self._admission.in_flight
                self._stop.abort(
                    f"a request was due while {limit} were in flight, the most allowed"
                )

    def _go(self, sending: Sending, at_ns: int) -> None:
        assert self._group is not None
        self._ledger.start(at_ns)
        self._running += 1
        self._group.start_soon(self._one, sending)

    async def _one(self, sending: Sending) -> None:
        try:
            await self._whole(sending)
        finally:
            self._running -= 1
            self._follow()
            self._check_out()

    async def _whole(self, sending: Sending) -> None:
        """All that an arrival brings with it: one request."""
        await self._see_through(sending)

    def _follow(self) -> None:
        """Somebody's place is free: start who waits for it, unless nothing is to start any more."""
        while (following := self._admission.free()) is not None:
            if not self._cancelled and not self._stop.level:
                self._go(following, now_ns())
                return
            self._lose(following)

    @property
    def _cancelled(self) -> bool:
        return self._group is not None and self._group.cancel_scope.cancel_called

    def _check_out(self) -> None:
        if not self._running and (self._over or self._all_made):
            self._all_out.set()

    def _start_no_more(self) -> None:
        self._over = True
        if self._alarm is not None:
            self._alarm.close()
        self._check_out()

    def _give_up(self) -> None:
        for sending in self._admission.give_up():
            self._lose(sending)

    def _lose(self, sending: Sending) -> None:
        """A request that waited for admission until the end: it counts with the time it waited."""
        at_ns = now_ns()
        self._ledger.start(at_ns)
        row = sending.cut()
        row.outcome = self._cut
        self._end(row)

    def _unsent(self) -> int:
        return (self._next is not None) + sum(1 for _ in self._starts)
