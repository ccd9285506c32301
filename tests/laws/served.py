"""An open loop held on the virtual clock, against a server that takes exactly so long.

Everything is the real thing (OpenLoop, Admission, Ledger, Recorder, Tally) but the requests: they
begin to be served when they are sent, and end a stated number of nanoseconds later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from tailrace.engine import clock
from tailrace.engine.admission import Admission
from tailrace.engine.ledger import Ledger
from tailrace.engine.open_loop import OpenLoop
from tailrace.engine.recorder import Recorder
from tailrace.engine.scheduler import Bounds, Sending, Start
from tailrace.engine.stop import Stop
from tailrace.results.facts import Books
from tailrace.results.schema import Row, parse_row
from tailrace.results.tally import Tally

from ..virtual_clock import run_virtually, sleep_ns

ServiceNs = Callable[[int], int]
"""How long the request at this place of the schedule takes."""


@dataclass
class Served:
    """One level; everything else is known after ``hold``."""

    starts: Iterable[Start]
    bounds: Bounds
    service_ns: ServiceNs
    limit: int | None = None
    lines: list[bytes] = field(default_factory=list)
    books: Books = field(default_factory=Books)

    def keep_lines(self, data: bytes) -> None:
        self.lines += data.splitlines(keepends=True)

    async def hold(self) -> None:
        """The level on the running virtual loop."""
        bounds = self.bounds
        self.tally = Tally(bounds.measure_from_ns, bounds.measure_until_ns)
        self.loop = OpenLoop(
            bounds,
            lambda start: Timed(start, self.service_ns(start.user)),
            Ledger(self.books, bounds.measure_from_ns, bounds.measure_until_ns),
            Recorder(self.tally, self.keep_lines),
            Stop(),
            iter(self.starts),
            Admission[Sending](self.limit, "queue"),
        )
        await self.loop.run()

    @property
    def rows(self) -> list[Row]:
        """In the order of the schedule."""
        return sorted((parse_row(line, "here") for line in self.lines), key=lambda row: row.user)


class Timed:
    """A request that is answered all at once, so long after it was sent."""

    def __init__(self, start: Start, service_ns: int) -> None:
        self._service_ns = service_ns
        self.row = Row(str(start.user), 0, start.user, start.phase, start.intended_ns)

    async def perform(self) -> Row:
        self.row.sent_ns = clock.now_ns()
        await sleep_ns(self._service_ns)
        row = self.cut()
        row.first_output_ns = row.last_output_ns = row.closed_ns = row.ended_ns
        return row

    def cut(self) -> Row:
        self.row.ended_ns = clock.now_ns()
        return self.row


def serve(due_ns: Iterable[int], service_ns: ServiceNs, limit: int | None = None) -> Served:
    """Hold a level of these arrivals until the last is answered."""
    starts = [Start(index, "measure", due) for index, due in enumerate(due_ns)]
    served = Served(starts, Bounds(0, 0, None, len(starts), 0), service_ns, limit)
    run_virtually(served.hold)
    return served
