"""Sessions held on the virtual clock, by both loops, against a server that takes one second."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from tailrace.engine import clock
from tailrace.engine.admission import Admission
from tailrace.engine.asked import Asked
from tailrace.engine.closed_loop import ClosedLoop
from tailrace.engine.ledger import Ledger
from tailrace.engine.open_sessions import OpenSessions
from tailrace.engine.recorder import Recorder
from tailrace.engine.scheduler import Bounds, Scheduler, Sending, Start
from tailrace.engine.stop import Stop
from tailrace.engine.talks import Talks, seated
from tailrace.results.facts import Books
from tailrace.results.schema import Row, parse_row
from tailrace.results.session_facts import SessionBooks
from tailrace.results.tally import Tally
from tailrace.scenarios.sessions import ListedScripts, Sessions, SessionScript

from ..virtual_clock import run_virtually, sleep_ns

S = 1_000_000_000


class Spoken:
    """A request that is answered all at once after a second, by a count of what was said."""

    def __init__(self, row: Row, asked: Asked, outcome: str) -> None:
        self.row = row
        self.asked = asked
        self._outcome = outcome

    async def perform(self) -> Row:
        self.row.sent_ns = clock.now_ns()
        await sleep_ns(S)
        row = self.cut()
        row.first_output_ns = row.last_output_ns = row.closed_ns = row.ended_ns
        row.outcome = self._outcome  # type: ignore[assignment]
        row.text = f"answer to {len(self.asked.item.messages)}"
        return row

    def cut(self) -> Row:
        self.row.ended_ns = clock.now_ns()
        return self.row


@dataclass
class HeldSessions:
    """One level of these scripts; everything else is known after ``run``."""

    scripts: list[SessionScript]
    bounds: Bounds
    users: int | None = None
    starts: Iterable[Start] = ()
    limit: int | None = None
    policy: str = "queue"
    outcome: Callable[[Row], str] = lambda row: "ok"
    sessions: Sessions = field(default_factory=Sessions)
    lines: list[bytes] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    books: Books = field(default_factory=Books)

    def keep_lines(self, data: bytes) -> None:
        self.lines += data.splitlines(keepends=True)

    def run(self) -> HeldSessions:
        run_virtually(self._hold)
        return self

    async def _hold(self) -> None:
        share = None if self.users is None else (0, 1)
        scripts = ListedScripts(self.scripts)
        talks = Talks(scripts, self.sessions, 0, share, self._number, False)
        bounds = self.bounds
        self.tally = Tally(bounds.measure_from_ns, bounds.measure_until_ns)

        def send(start: Start) -> Sending:
            row = Row("r", 0, start.user, start.phase, start.intended_ns)

            def make(asked: Asked) -> Sending:
                self.asked.append(asked)
                row.prompt = asked.item.id
                return Spoken(row, asked, self.outcome(row))

            return talks.sending(start, row, make)

        own = (
            bounds,
            send,
            Ledger(self.books, bounds.measure_from_ns, bounds.measure_until_ns),
            Recorder(self.tally, self.keep_lines),
            Stop(),
        )
        loop: Scheduler
        if self.users is not None:
            thoughts = talks.thoughts(None)
            loop = ClosedLoop(*own, range(self.users), thoughts, talks.begins)
        else:
            admission = Admission[Sending](self.limit, self.policy)  # type: ignore[arg-type]
            loop = OpenSessions(*own, seated(self.starts), admission, talks)
        await loop.run()
        self.ended_ns = clock.now_ns()
        self.session_books: SessionBooks = talks.close()

    def _number(self) -> int:
        return len(self.asked)

    @property
    def rows(self) -> list[Row]:
        found = [parse_row(line, "here") for line in self.lines]
        return sorted(found, key=lambda row: (row.intended_ns, row.user))
