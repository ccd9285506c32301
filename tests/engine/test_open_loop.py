"""The open loop with requests that only sleep: it keeps its schedule, whatever they take."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from tailrace.engine.admission import Admission
from tailrace.engine.clock import now_ns
from tailrace.engine.ledger import Ledger
from tailrace.engine.open_loop import OpenLoop
from tailrace.engine.recorder import Recorder
from tailrace.engine.scheduler import Bounds, Sending, Start
from tailrace.engine.stop import Stop
from tailrace.results.facts import Books
from tailrace.results.schema import Row, parse_row
from tailrace.results.tally import Tally
from tailrace.scenarios.model import PolicyName

pytestmark = pytest.mark.asyncio

MS = 1_000_000
FOREVER_S = 3600.0


@dataclass
class Level:
    """One level under test: arrivals at these ms, each answer taking so long."""

    due_ms: Sequence[int]
    duration_ms: int | None = None
    drain_ms: int = 60_000
    takes_s: Callable[[int], float] = lambda index: 0.004
    limit: int | None = None
    policy: PolicyName = "queue"
    warmup_ms: int = 0
    stop: Stop = field(default_factory=Stop)
    lines: list[bytes] = field(default_factory=list)
    books: Books = field(default_factory=Books)
    alive: int = 0
    most_alive: int = 0
    steps: list[tuple[str, int]] = field(default_factory=list)
    """What was done with which request, in order."""

    def keep_lines(self, data: bytes) -> None:
        self.lines += data.splitlines(keepends=True)

    async def run(self) -> None:
        self.began_ns = now_ns()
        measure_from_ns = self.began_ns + self.warmup_ms * MS
        duration_ns = None if self.duration_ms is None else self.duration_ms * MS
        self.bounds = Bounds(
            self.began_ns, measure_from_ns, duration_ns, len(self.due_ms), self.drain_ms * MS
        )
        self.ledger = Ledger(self.books, measure_from_ns, self.bounds.measure_until_ns)
        recorder = Recorder(Tally(measure_from_ns, self.bounds.measure_until_ns), self.keep_lines)
        starts = (
            Start(
                index,
                "warmup" if due < self.warmup_ms else "measure",
                self.began_ns + due * MS,
            )
            for index, due in enumerate(self.due_ms)
        )
        self.loop = OpenLoop(
            self.bounds,
            lambda start: Sleeping(self, start),
            self.ledger,
            recorder,
            self.stop,
            starts,
            Admission[Sending](self.limit, self.policy),
        )
        await asyncio.wait_for(self.loop.run(), 30)

    @property
    def rows(self) -> list[Row]:
        return [parse_row(line, "here") for line in self.lines]


class Sleeping:
    """A request that takes its time and does nothing."""

    def __init__(self, level: Level, start: Start) -> None:
        self._level = level
        self._index = start.user
        level.steps.append(("made", start.user))
        self.row = Row(str(start.user), 0, start.user, start.phase, start.intended_ns)

    async def perform(self) -> Row:
        level = self._level
        self.row.sent_ns = now_ns()
        level.steps.append(("sent", self._index))
        level.alive += 1
        level.most_alive = max(level.most_alive, level.alive)
        try:
            await asyncio.sleep(level.takes_s(self._index))
        finally:
            level.alive -= 1
        return self.cut()

    def cut(self) -> Row:
        self.row.ended_ns = now_ns()
        return self.row


def check_books(level: Level) -> None:
    books = level.books
    assert books.balanced()
    assert books.planned == len(level.due_ms)
    assert books.started == len(level.rows)
    assert level.alive == level.ledger.in_flight == 0
    for outcome in ("ok", "error", "timeout", "cancelled", "censored"):
        assert getattr(books, outcome) == sum(row.outcome == outcome for row in level.rows)


async def test_no_request_is_early_and_slow_answers_delay_none() -> None:
    level = Level(range(0, 100, 5), takes_s=lambda index: 1.0)
    await level.run()
    check_books(level)
    assert level.books.ok == 20
    assert all(row.sent_ns is not None and row.sent_ns >= row.intended_ns for row in level.rows)
    assert level.most_alive == 20  # all were out before the first came back
    assert [row.user for row in sorted(level.rows, key=lambda row: row.sent_ns or 0)] == [
        *range(20)
    ]
    assert len(level.loop.begun_ns) == 20


@pytest.mark.parametrize("due_ms", [[0] * 100, [0, 5, 5, 5, 10]])
async def test_a_request_is_sent_before_the_next_is_made(due_ms: list[int]) -> None:
    level = Level(due_ms)
    await level.run()
    check_books(level)
    wanted = [(step, index) for index in range(len(due_ms)) for step in ("made", "sent")]
    assert level.steps == wanted


async def test_warm_up_hands_over_and_is_not_counted_as_measured() -> None:
    level = Level(range(0, 60, 10), duration_ms=30, warmup_ms=30)
    await level.run()
    check_books(level)
    assert [row.phase for row in sorted(level.rows, key=lambda row: row.user)] == [
        *["warmup"] * 3,
        *["measure"] * 3,
    ]
    assert len(level.loop.begun_ns) == 3


async def test_a_full_house_queues_in_order_and_counts_the_wait() -> None:
    level = Level([0, 1, 2, 3, 4], duration_ms=10, takes_s=lambda index: 0.03, limit=2)
    await level.run()
    check_books(level)
    assert (level.books.ok, level.books.dropped, level.most_alive) == (5, 0, 2)
    rows = sorted(level.rows, key=lambda row: row.user)
    assert [row.queued for row in rows] == [False, False, True, True, True]
    assert [row.user for row in sorted(rows, key=lambda row: row.sent_ns or 0)] == [0, 1, 2, 3, 4]
    assert (rows[4].sent_ns or 0) - rows[4].intended_ns >= 50 * MS


async def test_a_full_house_drops_and_says_how_many() -> None:
    level = Level([0, 1, 2, 3, 4], duration_ms=10, takes_s=lambda i: 0.05, limit=2, policy="drop")
    await level.run()
    check_books(level)
    assert (level.books.ok, level.books.dropped) == (2, 3)
    assert len(level.loop.begun_ns) == 5


async def test_a_full_house_aborts_the_run_and_says_why() -> None:
    due = [0, 1, 2, *range(1000, 2000, 100)]
    level = Level(due, duration_ms=5000, takes_s=lambda index: 0.02, limit=2, policy="abort")
    await level.run()
    check_books(level)
    assert (level.books.ok, level.books.dropped, level.books.unsent) == (2, 1, 10)
    assert level.stop.level == 1
    assert level.stop.reason is not None
    assert "2 were in flight" in level.stop.reason


@pytest.mark.parametrize("policy", ["queue", "drop"])
async def test_who_never_came_in_is_censored_with_the_time_it_waited(policy: PolicyName) -> None:
    level = Level(
        [0, 1, 2], duration_ms=20, drain_ms=30, takes_s=lambda i: FOREVER_S, limit=1, policy=policy
    )
    await level.run()
    check_books(level)
    assert level.books.dropped == (0 if policy == "queue" else 2)
    assert {row.outcome for row in level.rows} == {"censored"}
    for row in level.rows[1:]:
        assert row.sent_ns is None
        assert row.ended_ns - row.intended_ns >= 40 * MS


async def test_a_stop_starts_no_more_and_lets_answers_finish() -> None:
    level = Level(range(0, 10_000, 10), duration_ms=10_000, takes_s=lambda index: 0.05, limit=2)
    asyncio.get_running_loop().call_later(0.045, level.stop.ask)
    await level.run()
    check_books(level)
    assert level.books.ok == 2
    assert level.books.unsent > 900
    assert level.books.censored == level.books.started - 2


async def test_two_stops_cancel_what_is_in_flight() -> None:
    level = Level([0, 1], duration_ms=10_000, takes_s=lambda index: FOREVER_S)
    loop = asyncio.get_running_loop()
    loop.call_later(0.03, level.stop.ask)
    loop.call_later(0.05, level.stop.ask)
    await level.run()
    check_books(level)
    assert level.books.cancelled == 2


async def test_by_requests_the_window_ends_with_the_last_answer() -> None:
    level = Level([0, 5, 10], takes_s=lambda index: 0.02)
    await level.run()
    check_books(level)
    assert level.books.ok == 3
    assert level.loop.measured_until_ns >= level.began_ns + 30 * MS


async def test_a_schedule_without_arrivals_ends() -> None:
    level = Level([], duration_ms=20)
    await level.run()
    check_books(level)
