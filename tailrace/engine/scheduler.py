"""ClosedLoop: holds N users in flight through warm-up and measure, then drains.

A user sends its next request the moment its last one ended; that moment is the request's intended
time and decides its phase, so warm-up hands over to measuring without a break. When the level is
over, requests in flight may finish until ``drain_ns`` has passed; those still alive are censored:
kept, with the time that they had waited.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NamedTuple, Protocol

import anyio

from tailrace.engine.clock import now_ns
from tailrace.engine.ledger import Ledger
from tailrace.engine.recorder import Recorder
from tailrace.engine.stop import Stop
from tailrace.results.schema import Outcome, Phase, Row

FAILURE_PAUSE_S = 0.1
"""A user whose request failed waits this long, so that a dead server is not flooded."""

SETTLE_AT_ONCE = 8
"""Rows recorded before the loop gets a turn; some 0.3 ms."""


class Start(NamedTuple):
    """One request to be sent."""

    user: int
    phase: Phase
    intended_ns: int


class Sending(Protocol):
    """A request under way, as the scheduler sees it (see request.Attempt)."""

    async def perform(self) -> Row:
        """Until its outcome."""
        ...

    def cut(self) -> Row:
        """What was seen of it until now."""
        ...


class Bounds(NamedTuple):
    """A level's limits; exactly one of ``duration_ns`` and ``requests`` is set."""

    users: int
    began_ns: int
    """The intended time of the users' first requests."""
    measure_from_ns: int
    duration_ns: int | None
    requests: int | None
    drain_ns: int

    @property
    def measure_until_ns(self) -> int | None:
        """When the measure phase ends; None where a number of requests decides."""
        return None if self.duration_ns is None else self.measure_from_ns + self.duration_ns


class ClosedLoop:
    """One level. ``send`` makes a request ready; it is called once a request, in order."""

    def __init__(
        self,
        bounds: Bounds,
        send: Callable[[Start], Sending],
        ledger: Ledger,
        recorder: Recorder,
        stop: Stop,
    ) -> None:
        self._bounds = bounds
        self._send = send
        self._ledger = ledger
        self._recorder = recorder
        self._stop = stop
        self._left = bounds.requests
        self._users_in = bounds.users
        self._used_up = anyio.Event()
        """The requests of the level have all been started."""
        self._all_out = anyio.Event()
        self._cut: Outcome = "censored"
        self.draining = False
        self.measured_until_ns = 0
        """When the measure phase ended: as planned, by the last request, or by the user."""

    async def run(self) -> None:
        """Hold the level; returns when every request has its outcome."""
        bounds = self._bounds
        async with anyio.create_task_group() as group:
            for user in range(bounds.users):
                group.start_soon(self._hold_user, user)
            ended_as_planned = await self._measure()
            planned_ns = bounds.measure_until_ns
            self.measured_until_ns = (
                planned_ns if planned_ns is not None and ended_as_planned else now_ns()
            )
            self._ledger.close(self.measured_until_ns)
            self.draining = True
            with anyio.move_on_after(bounds.drain_ns / 1e9):
                await self._until_stop(2)
            self._cut = "cancelled" if self._stop.level >= 2 else "censored"
            group.cancel_scope.cancel()
        self._recorder.settle()
        books = self._ledger.books
        books.unsent = self._left or 0
        books.planned = books.started + books.unsent

    async def _measure(self) -> bool:
        """Until the level has run its time or its requests (True), or the user says stop."""
        until_ns = self._bounds.measure_until_ns
        seconds = float("inf") if until_ns is None else (until_ns - now_ns()) / 1e9
        with anyio.move_on_after(seconds):
            await self._until_stop(1)
        return self._stop.level == 0

    async def _until_stop(self, level: int) -> None:
        """Until all users have gone or the user has asked for ``level`` of stopping."""
        async with anyio.create_task_group() as group:

            async def all_out() -> None:
                await self._all_out.wait()
                group.cancel_scope.cancel()

            group.start_soon(all_out)
            await self._stop.wait(level)
            group.cancel_scope.cancel()

    def _phase_at(self, intended_ns: int) -> Phase | None:
        """The phase of a request meant for this moment; None when no more are to start."""
        if self._stop.level:
            return None
        if intended_ns < self._bounds.measure_from_ns:
            return "warmup"
        if self._left is not None:
            if self._left == 0:
                return None
            self._left -= 1
            if self._left == 0:
                self._used_up.set()
            return "measure"
        until_ns = self._bounds.measure_until_ns
        return "measure" if until_ns is None or intended_ns < until_ns else None

    async def _hold_user(self, user: int) -> None:
        intended_ns = self._bounds.began_ns
        try:
            while (phase := self._phase_at(intended_ns)) is not None:
                row = await self._one(Start(user, phase, intended_ns))
                intended_ns += row.ended_ns - row.intended_ns
                if row.outcome not in ("ok", "timeout"):
                    with anyio.move_on_after(FAILURE_PAUSE_S):
                        await self._used_up.wait()
                    intended_ns = now_ns()
        finally:
            self._users_in -= 1
            if not self._users_in:
                self._all_out.set()

    async def _one(self, start: Start) -> Row:
        self._ledger.start(now_ns())
        sending = self._send(start)
        try:
            row = await sending.perform()
        except anyio.get_cancelled_exc_class():
            row = sending.cut()
            row.outcome = self._cut
            self._end(row)
            raise
        self._end(row)
        return row

    def _end(self, row: Row) -> None:
        self._ledger.end(now_ns(), row.outcome)
        if self._recorder.add(row):
            asyncio.get_running_loop().call_soon(self._settle)

    def _settle(self) -> None:
        if self._recorder.settle(SETTLE_AT_ONCE):
            asyncio.get_running_loop().call_soon(self._settle)
