"""OpenSessions: an open loop whose arrivals are sessions; the turns of each follow its answers.

Rule: the schedule decides when sessions come, and nothing else; a turn is due when the answer
before it ended, and a think time later. A session keeps its place among those let in until it is
over, so a cap on requests in flight is one on sessions.
"""

from __future__ import annotations

from collections.abc import Iterator

from anyio.abc import TaskGroup

from tailrace.engine.admission import Admission
from tailrace.engine.clock import now_ns
from tailrace.engine.ledger import Ledger
from tailrace.engine.open_loop import OpenLoop
from tailrace.engine.pacer import Pacer
from tailrace.engine.recorder import Recorder
from tailrace.engine.scheduler import Bounds, Send, Sending, Start
from tailrace.engine.stop import Stop
from tailrace.engine.talks import Speaking, Talks
from tailrace.results.schema import Phase, Row


class OpenSessions(OpenLoop):
    """``talks`` makes the requests, and knows when a session is over."""

    def __init__(
        self,
        bounds: Bounds,
        send: Send,
        ledger: Ledger,
        recorder: Recorder,
        stop: Stop,
        starts: Iterator[Start],
        admission: Admission[Sending],
        talks: Talks,
    ) -> None:
        super().__init__(bounds, send, ledger, recorder, stop, starts, admission)
        self._talks = talks
        self._pacer: Pacer | None = None

    def _begin(self, group: TaskGroup) -> None:
        self._pacer = Pacer()
        super()._begin(group)

    async def _whole(self, sending: Sending) -> None:
        assert isinstance(sending, Speaking)
        assert self._pacer is not None
        start = sending.start
        row = await self._see_through(sending)
        while (following := self._following(start, row)) is not None:
            await self._pacer.until(following.intended_ns)
            if self._over or self._stop.level:
                return
            start = following
            self._ledger.start(now_ns())
            row = await self._see_through(self._send(start))

    def _following(self, start: Start, row: Row) -> Start | None:
        """The session's next request; None when the session, or the level, is over."""
        pause_ns = None if start.seat is None else self._talks.pause_ns(start.seat)
        if pause_ns is None or self._over or self._stop.level:
            return None
        intended_ns = start.intended_ns + row.ended_ns - row.intended_ns + pause_ns
        bounds = self._bounds
        if bounds.measure_until_ns is not None and intended_ns >= bounds.measure_until_ns:
            return None
        phase: Phase = "warmup" if intended_ns < bounds.measure_from_ns else "measure"
        return start._replace(phase=phase, intended_ns=intended_ns)

    def _start_no_more(self) -> None:
        super()._start_no_more()
        if self._pacer is not None:
            self._pacer.release()

    def _give_up(self) -> None:
        super()._give_up()
        if self._pacer is not None:
            self._pacer.close()
