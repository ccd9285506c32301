"""The closed loop on the virtual clock: when each user asks is arithmetic, to the nanosecond.

User k comes in k tenths of a millisecond after the first, and asks again when it has been answered
and has thought. So all intended times follow from service and think times alone, and the time that
requests were in flight is the sum of their lengths (J. D. C. Little, 1961, over a whole level).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import repeat

from hypothesis import given, settings
from hypothesis import strategies as st

from tailrace.engine.closed_loop import ClosedLoop
from tailrace.engine.ledger import Ledger
from tailrace.engine.recorder import Recorder
from tailrace.engine.scheduler import Bounds, Start
from tailrace.engine.stop import Stop
from tailrace.results.facts import Books
from tailrace.results.schema import Row, parse_row
from tailrace.results.tally import Tally

from ..virtual_clock import run_virtually
from .served import Timed

MS = 1_000_000
S = 1000 * MS
SPACING_NS = 100_000


@dataclass
class Held:
    """A level of 3 s, after 1 s of warm-up, of users who each get answers of one length."""

    service_ns: list[int]
    """By user."""
    think_ns: int
    lines: list[bytes] = field(default_factory=list)
    books: Books = field(default_factory=Books)

    def keep_lines(self, data: bytes) -> None:
        self.lines += data.splitlines(keepends=True)

    async def hold(self) -> None:
        bounds = Bounds(S, 2 * S, 3 * S, None, 60 * S)
        self.ledger = Ledger(self.books, bounds.measure_from_ns, bounds.measure_until_ns)
        await ClosedLoop(
            bounds,
            self.send,
            self.ledger,
            Recorder(Tally(), self.keep_lines),
            Stop(),
            range(len(self.service_ns)),
            (lambda user: repeat(self.think_ns)) if self.think_ns else None,
        ).run()

    def send(self, start: Start) -> Timed:
        return Timed(start, self.service_ns[start.user])

    def rows_of(self, user: int) -> list[Row]:
        rows = (parse_row(line, "here") for line in self.lines)
        return sorted((r for r in rows if r.user == user), key=lambda row: row.intended_ns)


some_users = st.lists(st.integers(20 * MS, 2 * S), min_size=1, max_size=12)


@settings(max_examples=40, deadline=None)
@given(some_users, st.just(0) | st.integers(1, S))
def test_users_come_in_apart_and_ask_again_when_they_have_been_answered(
    service_ns: list[int], think_ns: int
) -> None:
    held = Held(service_ns, think_ns)
    run_virtually(held.hold)
    spent_ns = 0
    for user, service in enumerate(service_ns):
        rows = held.rows_of(user)
        first = S + user * SPACING_NS
        assert [row.intended_ns for row in rows] == [
            *range(first, 5 * S, service + think_ns)  # no request is meant for after the end
        ]
        assert all(row.sent_ns == row.intended_ns for row in rows)
        assert all(row.ended_ns == row.intended_ns + service for row in rows)
        assert all((row.phase == "warmup") == (row.intended_ns < 2 * S) for row in rows)
        spent_ns += sum(
            max(0, min(row.ended_ns, 5 * S) - max(row.intended_ns, 2 * S)) for row in rows
        )
    assert held.books.ok == held.books.planned == len(held.lines)
    in_flight_ns = held.ledger.in_flight_ns
    assert sum(in_flight_ns.values()) == 3 * S
    assert sum(level * length_ns for level, length_ns in in_flight_ns.items()) == spent_ns
