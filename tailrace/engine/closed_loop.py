"""ClosedLoop: holds N users in flight through warm-up and measure.

A user sends its next request the moment its last one ended, or a think time later; that moment is
the request's intended time. Where Retry-After is honoured, so is the wait that an answer asked for.
So a slow server is asked less often: a closed loop tells what N users
get, and an open loop what a rate of arrivals does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import anyio
from anyio.abc import TaskGroup

from tailrace.engine.clock import now_ns
from tailrace.engine.ledger import Ledger
from tailrace.engine.pacer import Pacer
from tailrace.engine.recorder import Recorder
from tailrace.engine.retry_rules import LONGEST_RETRY_AFTER_S
from tailrace.engine.scheduler import Bounds, Scheduler, Send, Start
from tailrace.engine.stop import Stop
from tailrace.results.schema import Phase, Row

FAILURE_PAUSE_S = 0.1
"""A user whose request failed waits this long, so that a dead server is not flooded."""

SPACING_NS = 100_000
"""Users come in one after another, this far apart: what a client needs to send a request. All in
one moment would make the last of a thousand late by as many times that, in each wave of a server
that answers in step."""

Thoughts = Callable[[int], Iterator[int]]
"""The think times of a user, in ns, one before each request but the first."""


class ClosedLoop(Scheduler):
    """One level: these users, held until the level is over."""

    def __init__(
        self,
        bounds: Bounds,
        send: Send,
        ledger: Ledger,
        recorder: Recorder,
        stop: Stop,
        users: Sequence[int],
        thoughts: Thoughts | None = None,
        counts: Callable[[int], bool] = lambda user: True,
        honors_retry_after: bool = False,
    ) -> None:
        """``counts``: whether a user's next request is one of those that ``requests`` bounds."""
        super().__init__(bounds, send, ledger, recorder, stop)
        self._thoughts = thoughts
        self._counts = counts
        self._honors = honors_retry_after
        self._users = users
        self._left = bounds.requests
        self._users_in = len(users)
        self._over = anyio.Event()
        """No request is to start any more."""
        self._pacer: Pacer | None = None

    def _begin(self, group: TaskGroup) -> None:
        self._pacer = Pacer()
        for user in self._users:
            group.start_soon(self._hold_user, user)
        if not self._users:
            self._all_out.set()

    def _start_no_more(self) -> None:
        self._over.set()
        if self._pacer is not None:
            self._pacer.release()

    def _give_up(self) -> None:
        if self._pacer is not None:
            self._pacer.close()

    def _unsent(self) -> int:
        return self._left or 0

    def _phase_at(self, intended_ns: int, user: int) -> Phase | None:
        """The phase of a request meant for this moment; None when no more are to start."""
        if self._stop.level:
            return None
        if intended_ns < self._bounds.measure_from_ns:
            return "warmup"
        if self._left is not None:
            if not self._counts(user):
                return "measure"
            if self._left == 0:
                return None
            self._left -= 1
            if self._left == 0:
                self._over.set()
            return "measure"
        until_ns = self._bounds.measure_until_ns
        return "measure" if until_ns is None or intended_ns < until_ns else None

    async def _hold_user(self, user: int) -> None:
        intended_ns, held_ns = self._bounds.began_ns + user * SPACING_NS, 0
        thoughts = None if self._thoughts is None else self._thoughts(user)
        try:
            while (phase := self._phase_at(intended_ns, user)) is not None:
                if intended_ns > now_ns() and not await self._due(intended_ns):
                    self._take_back(phase, user)
                    return
                row = await self._one(Start(user, phase, intended_ns, held_ns=held_ns))
                held_ns, answered_ns = self._held_ns(row), now_ns()
                intended_ns += row.ended_ns - row.intended_ns
                if row.outcome not in ("ok", "timeout"):
                    with anyio.move_on_after(FAILURE_PAUSE_S):
                        await self._over.wait()
                    intended_ns = max(now_ns(), answered_ns + held_ns)
                if thoughts is not None:
                    intended_ns += next(thoughts)
        finally:
            self._users_in -= 1
            if not self._users_in:
                self._all_out.set()

    def _held_ns(self, row: Row) -> int:
        """How long a user is to wait because the answer says so."""
        if not self._honors or row.retry_after_s is None:
            return 0
        return round(min(row.retry_after_s, LONGEST_RETRY_AFTER_S) * 1e9)

    async def _due(self, intended_ns: int) -> bool:
        """Think until then; False when the level is over first."""
        assert self._pacer is not None
        await self._pacer.until(intended_ns)
        return not self.draining and not self._stop.level

    def _take_back(self, phase: Phase, user: int) -> None:
        """A request that was counted off and will not be sent."""
        if phase == "measure" and self._left is not None and self._counts(user):
            self._left += 1

    async def _one(self, start: Start) -> Row:
        self._ledger.start(now_ns())
        return await self._see_through(self._send(start))
