"""Scheduler: one load level from its first request to its last, whatever decides when they start.

A level is warmed up, measured, and drained: when it is over, requests in flight may finish until
``drain_ns`` has passed; those still alive are censored: kept, with the time that they had waited.
A request's intended time decides its phase, so warm-up hands over to measuring without a break.
Who starts requests is the subclass: users that wait for answers (ClosedLoop), or a schedule that
does not (OpenLoop).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import anyio
from anyio.abc import TaskGroup

from tailrace.engine.clock import now_ns
from tailrace.engine.ledger import Ledger
from tailrace.engine.recorder import Recorder
from tailrace.engine.stop import Stop
from tailrace.results.schema import Outcome, Phase, Row
from tailrace.scenarios.traces import TraceRow


class Start(NamedTuple):
    """One request to be sent."""

    user: int
    """In an open loop its place in the schedule."""
    phase: Phase
    intended_ns: int
    traced: TraceRow | None = None
    """The row of a trace that it replays."""
    seat: int | None = None
    """Whose session it belongs to; None is the user's."""
    held_ns: int = 0
    """How long its user waited before it because the last answer asked for that."""


class Sending(Protocol):
    """A request under way, as the scheduler sees it (see request.Attempt)."""

    @property
    def row(self) -> Row:
        """The row that it fills."""
        ...

    async def perform(self) -> Row:
        """Until its outcome."""
        ...

    def cut(self) -> Row:
        """What was seen of it until now."""
        ...


Send = Callable[[Start], Sending]
"""Makes a request ready; called once a request, in order."""


class Bounds(NamedTuple):
    """A level's limits; at least one of ``duration_ns`` and ``requests`` is set."""

    began_ns: int
    """The intended time of the first requests."""
    measure_from_ns: int
    duration_ns: int | None
    requests: int | None
    drain_ns: int

    @property
    def measure_until_ns(self) -> int | None:
        """When the measure phase ends; None where a number of requests decides."""
        return None if self.duration_ns is None else self.measure_from_ns + self.duration_ns


class Scheduler:
    """What closed and open loops share: phases, ends, books."""

    def __init__(
        self, bounds: Bounds, send: Send, ledger: Ledger, recorder: Recorder, stop: Stop
    ) -> None:
        self._bounds = bounds
        self._send = send
        self._ledger = ledger
        self._recorder = recorder
        self._stop = stop
        self.begun_ns: Sequence[int] = ()
        """When an open loop acted on each measured arrival, admitted or not."""
        self._all_out = anyio.Event()
        """No request is in flight and none will start."""
        self._cut: Outcome = "censored"
        self.draining = False
        self.measured_until_ns = 0
        """When the measure phase ended: as planned, by the last request, or by the user."""

    async def run(self) -> None:
        """Hold the level; returns when every request has its outcome."""
        bounds = self._bounds
        async with anyio.create_task_group() as group:
            self._begin(group)
            ended_as_planned = await self._measure()
            planned_ns = bounds.measure_until_ns
            self.measured_until_ns = (
                planned_ns if planned_ns is not None and ended_as_planned else now_ns()
            )
            self._ledger.close(self.measured_until_ns)
            self.draining = True
            self._start_no_more()
            with anyio.move_on_after(bounds.drain_ns / 1e9):
                await self._until_stop(2)
            self._cut = "cancelled" if self._stop.level >= 2 else "censored"
            group.cancel_scope.cancel()
        self._give_up()
        books = self._ledger.books
        books.unsent = self._unsent()
        books.planned = books.started + books.dropped + books.unsent

    def _begin(self, group: TaskGroup) -> None:
        """Start what starts requests."""
        raise NotImplementedError

    def _start_no_more(self) -> None:
        """The measure phase is over."""

    def _give_up(self) -> None:
        """Give an outcome to requests that were never sent; none is in flight any more."""

    def _unsent(self) -> int:
        """Planned requests that were not started because the level ended first."""
        raise NotImplementedError

    async def _measure(self) -> bool:
        """Until the level has run its time or its requests (True), or the user says stop."""
        until_ns = self._bounds.measure_until_ns
        seconds = float("inf") if until_ns is None else (until_ns - now_ns()) / 1e9
        with anyio.move_on_after(seconds):
            await self._until_stop(1)
        return self._stop.level == 0

    async def _until_stop(self, level: int) -> None:
        """Until all requests are out or the user has asked for ``level`` of stopping."""
        async with anyio.create_task_group() as group:

            async def all_out() -> None:
                await self._all_out.wait()
                group.cancel_scope.cancel()

            group.start_soon(all_out)
            await self._stop.wait(level)
            group.cancel_scope.cancel()

    async def _see_through(self, sending: Sending) -> Row:
        """Send a request that the ledger has as started, and keep its row whatever comes of it."""
        try:
            row = await sending.perform()
        except anyio.get_cancelled_exc_class():
            row = sending.cut()
            row.outcome = self._cut
            self._end(row)
            raise
        self._end(row)
        return row

    def postpone(self, row: Row) -> None:
        """Keep the row of an attempt that failed, and count its request as waiting."""
        self._ledger.pause(now_ns(), first=row.attempt == 1)
        self._recorder.add(row)

    def resume(self) -> None:
        """The wait is over: the request is sent again, or given up."""
        self._ledger.resume(now_ns())

    def _end(self, row: Row) -> None:
        self._ledger.end(now_ns(), row.outcome)
        self._recorder.add(row)
