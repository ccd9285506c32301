"""The closed loop with requests that only sleep: the load it holds, how it ends, its books.

Times are tens of milliseconds; what is asserted are laws that hold on a busy machine too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from tailrace.engine import closed_loop
from tailrace.engine.clock import now_ns
from tailrace.engine.closed_loop import ClosedLoop, Thoughts
from tailrace.engine.ledger import Ledger
from tailrace.engine.recorder import Recorder
from tailrace.engine.scheduler import Bounds, Start
from tailrace.engine.stop import Stop
from tailrace.results.facts import Books
from tailrace.results.schema import Outcome, Row, parse_row
from tailrace.results.tally import Tally

pytestmark = pytest.mark.asyncio

MS = 1_000_000
FOREVER_S = 3600.0


@dataclass
class Level:
    """One level under test, with all that it leaves behind. Rows hold the clock's own stamps."""

    users: int
    duration_ms: int | None = None
    requests: int | None = None
    warmup_ms: int = 0
    drain_ms: int = 60_000
    takes_s: Callable[[int], float] = lambda sequence: 0.004
    ends: Callable[[int], Outcome] = lambda sequence: "ok"
    stop: Stop = field(default_factory=Stop)
    starts: list[Start] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)
    books: Books = field(default_factory=Books)
    alive: int = 0
    most_alive: int = 0
    on_start: Callable[[int], None] = lambda sequence: None
    thoughts: Thoughts | None = None

    def keep_lines(self, data: bytes) -> None:
        self.lines += data.splitlines(keepends=True)

    async def run(self) -> None:
        self.began_ns = now_ns()
        measure_from_ns = self.began_ns + self.warmup_ms * MS
        duration_ns = None if self.duration_ms is None else self.duration_ms * MS
        self.bounds = Bounds(
            self.began_ns,
            measure_from_ns,
            duration_ns,
            self.requests,
            self.drain_ms * MS,
        )
        self.ledger = Ledger(self.books, measure_from_ns, self.bounds.measure_until_ns)
        self.tally = Tally(measure_from_ns, self.bounds.measure_until_ns)
        recorder = Recorder(self.tally, self.keep_lines)
        self.loop = ClosedLoop(
            self.bounds,
            self.send,
            self.ledger,
            recorder,
            self.stop,
            range(self.users),
            self.thoughts,
        )
        await asyncio.wait_for(self.through(), 60)
        self.ended_ns = now_ns()
        self.ledger.close(self.loop.measured_until_ns)

    async def through(self) -> None:
        await self.loop.run()
        self.kept_at_end = len(self.lines)

    def send(self, start: Start) -> Sleeping:
        self.starts.append(start)
        sequence = len(self.starts) - 1
        self.on_start(sequence)
        return Sleeping(self, sequence, start)

    @property
    def rows(self) -> list[Row]:
        return [parse_row(line, "here") for line in self.lines]

    def of_phase(self, phase: str) -> list[Row]:
        return [row for row in self.rows if row.phase == phase]


class Sleeping:
    """A request that takes its time and does nothing."""

    def __init__(self, level: Level, sequence: int, start: Start) -> None:
        self._level = level
        self._sequence = sequence
        self.row = Row(str(sequence), 0, start.user, start.phase, start.intended_ns)
        self.row.sent_ns = now_ns()

    async def perform(self) -> Row:
        level = self._level
        level.alive += 1
        level.most_alive = max(level.most_alive, level.alive)
        try:
            await asyncio.sleep(level.takes_s(self._sequence))
        finally:
            level.alive -= 1
        self.row.outcome = level.ends(self._sequence)
        return self.cut()

    def cut(self) -> Row:
        self.row.ended_ns = now_ns()
        return self.row


def check_books(level: Level) -> None:
    """What is true after any level, however it ended."""
    books = level.books
    assert books.balanced()
    assert books.started == len(level.starts) == len(level.rows) == level.kept_at_end
    assert level.alive == level.ledger.in_flight == 0
    for outcome in ("ok", "error", "timeout", "cancelled", "censored"):
        counted = sum(row.outcome == outcome for row in level.rows)
        assert getattr(books, outcome) == counted == level.tally.outcomes_all[outcome]


@pytest.mark.parametrize("users", [1, 3, 40])
async def test_as_many_are_in_flight_as_there_are_users(users: int) -> None:
    level = Level(users, duration_ms=60)
    await level.run()
    check_books(level)
    assert level.most_alive == level.ledger.max_in_flight == users
    assert {start.user for start in level.starts} == set(range(users))
    time_ns = level.ledger.in_flight_ns
    assert sum(time_ns.values()) == 60 * MS
    mean = sum(count * ns for count, ns in time_ns.items()) / (60 * MS)
    assert mean > 0.5 * users


@pytest.mark.parametrize(("users", "requests"), [(1, 1), (1, 5), (4, 4), (4, 10), (7, 3), (3, 50)])
async def test_exactly_the_requests_asked_for_are_measured(users: int, requests: int) -> None:
    level = Level(users, requests=requests, takes_s=lambda sequence: 0.001)
    await level.run()
    check_books(level)
    assert len(level.of_phase("measure")) == len(level.starts) == requests
    assert level.books.planned == level.books.ok == requests
    assert level.books.unsent == 0
    assert level.most_alive == min(users, requests)


async def test_warm_up_requests_are_not_of_those_asked_for() -> None:
    level = Level(3, requests=10, warmup_ms=30)
    await level.run()
    check_books(level)
    assert len(level.of_phase("measure")) == 10
    assert len(level.of_phase("warmup")) >= 3
    assert level.books.planned == len(level.rows)


async def test_a_duration_measures_what_was_meant_to_start_in_it() -> None:
    level = Level(4, duration_ms=50, warmup_ms=20)
    await level.run()
    check_books(level)
    assert level.loop.measured_until_ns == level.bounds.measure_until_ns
    from_ns, until_ns = level.bounds.measure_from_ns, level.loop.measured_until_ns
    assert all(from_ns <= row.intended_ns < until_ns for row in level.of_phase("measure"))
    assert all(level.began_ns <= row.intended_ns < from_ns for row in level.of_phase("warmup"))
    assert len(level.of_phase("measure")) >= 4
    assert level.books.unsent == 0
    assert level.ended_ns >= until_ns


async def test_requests_in_flight_at_the_end_may_finish() -> None:
    level = Level(4, duration_ms=20, takes_s=lambda sequence: 0.05)
    await level.run()
    check_books(level)
    assert level.books.ok == level.books.started == 4
    assert all(row.ended_ns > level.loop.measured_until_ns for row in level.rows)
    assert level.ledger.in_flight_ns.get(4, 0) > 10 * MS
    assert sum(level.ledger.in_flight_ns.values()) == 20 * MS


async def test_users_come_in_one_after_another_from_the_beginning() -> None:
    level = Level(5, requests=5, takes_s=lambda sequence: 0.05)
    await level.run()
    assert [start.intended_ns - level.began_ns for start in level.starts] == [
        user * closed_loop.SPACING_NS for user in range(5)
    ]
    sent = {row.user: row.sent_ns for row in level.rows}
    assert all((sent[start.user] or 0) >= start.intended_ns for start in level.starts)
    assert [start.user for start in level.starts] == [0, 1, 2, 3, 4]


async def test_warm_up_hands_over_without_a_gap() -> None:
    """Each user's next request is meant for the very moment its last one ended, phase or not."""
    level = Level(4, duration_ms=80, warmup_ms=30)
    level.takes_s = lambda sequence: (3 + sequence % 5) / 1e3
    await level.run()
    check_books(level)
    for user in range(4):
        mine = sorted((row for row in level.rows if row.user == user), key=lambda row: row.ended_ns)
        assert {"warmup", "measure"} == {row.phase for row in mine}
        for before, after in pairwise(mine):
            assert after.intended_ns == before.ended_ns
    spent = level.ledger.in_flight_ns
    assert sum(spent.values()) == 80 * MS


async def test_a_drain_that_takes_too_long_leaves_censored_requests() -> None:
    level = Level(
        3,
        duration_ms=20,
        drain_ms=30,
        takes_s=lambda sequence: FOREVER_S if sequence == 1 else 0.004,
    )
    await level.run()
    check_books(level)
    assert level.books.censored == 1
    (row,) = [row for row in level.rows if row.outcome == "censored"]
    assert row.id == "1"
    assert row.ended_ns >= level.loop.measured_until_ns + 29 * MS
    assert level.loop.draining


async def test_no_drain_censors_at_once() -> None:
    level = Level(2, duration_ms=15, drain_ms=0, takes_s=lambda sequence: FOREVER_S)
    await level.run()
    check_books(level)
    assert level.books.censored == 2


def stop_after(level: Level, seconds: float, times: int) -> None:
    loop = asyncio.get_running_loop()
    for _ in range(times):
        loop.call_later(seconds, level.stop.ask)


async def test_the_first_asking_drains() -> None:
    level = Level(4, duration_ms=60_000, takes_s=lambda sequence: 0.02)
    stop_after(level, 0.05, 1)
    await level.run()
    check_books(level)
    assert level.books.ok == level.books.started >= 4
    until_ns = level.loop.measured_until_ns
    assert until_ns < level.bounds.measure_from_ns + 60_000 * MS
    assert all(row.intended_ns <= until_ns for row in level.rows)


async def test_the_window_of_a_stopped_level_ends_with_the_asking() -> None:
    """What the drain holds in flight is not load that was measured."""
    level = Level(4, duration_ms=60_000, takes_s=lambda sequence: 0.02 + 0.08 * (sequence == 0))
    stop_after(level, 0.03, 1)
    await level.run()
    check_books(level)
    window_ns = level.loop.measured_until_ns - level.bounds.measure_from_ns
    assert sum(level.ledger.in_flight_ns.values()) == window_ns


async def test_the_second_asking_cancels() -> None:
    level = Level(4, duration_ms=60_000, takes_s=lambda sequence: FOREVER_S)
    stop_after(level, 0.02, 1)
    stop_after(level, 0.05, 1)
    await level.run()
    check_books(level)
    assert level.books.cancelled == 4
    assert all(row.ended_ns >= level.loop.measured_until_ns for row in level.rows)


async def test_requests_that_outlast_an_asked_for_drain_are_censored() -> None:
    level = Level(2, duration_ms=60_000, drain_ms=20, takes_s=lambda sequence: FOREVER_S)
    stop_after(level, 0.02, 1)
    await level.run()
    check_books(level)
    assert level.books.censored == 2


async def test_both_askings_at_once_cancel() -> None:
    level = Level(4, duration_ms=60_000, takes_s=lambda sequence: FOREVER_S)
    stop_after(level, 0.02, 2)
    await level.run()
    check_books(level)
    assert level.books.cancelled == 4


async def test_an_asking_in_the_drain_cancels_only_when_it_is_the_second() -> None:
    level = Level(2, duration_ms=20, takes_s=lambda sequence: FOREVER_S)
    running = asyncio.create_task(level.run())
    await asyncio.sleep(0)
    while not level.loop.draining:
        await asyncio.sleep(0.001)
    level.stop.ask()
    await asyncio.sleep(0.03)
    assert not running.done()
    level.stop.ask()
    await running
    check_books(level)
    assert level.books.cancelled == 2
    assert level.loop.measured_until_ns == level.bounds.measure_until_ns


async def test_an_asking_before_the_level_sends_nothing() -> None:
    level = Level(4, requests=7)
    level.stop.ask()
    await level.run()
    check_books(level)
    assert (level.starts, level.books.unsent, level.books.planned) == ([], 7, 7)


async def test_stopped_requests_are_unsent() -> None:
    level = Level(2, requests=10)
    level.on_start = lambda sequence: level.stop.ask() if sequence == 3 else None
    await level.run()
    check_books(level)
    assert (level.books.started, level.books.unsent, level.books.planned) == (4, 6, 10)


async def test_a_failed_request_makes_its_user_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closed_loop, "FAILURE_PAUSE_S", 0.04)
    level = Level(1, requests=3, ends=lambda sequence: "error" if sequence == 0 else "ok")
    await level.run()
    check_books(level)
    first, second, third = level.rows
    assert second.intended_ns - first.ended_ns >= 39 * MS, "the pause is not waited by the request"
    assert third.intended_ns == second.ended_ns


@pytest.mark.parametrize("outcome", ["ok", "timeout"])
async def test_others_do_not(outcome: Outcome, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closed_loop, "FAILURE_PAUSE_S", FOREVER_S)
    level = Level(1, requests=3, ends=lambda sequence: outcome)
    await level.run()
    check_books(level)
    assert getattr(level.books, outcome) == 3


async def test_a_pause_with_nothing_left_to_send_does_not_stretch_the_window(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By requests, the window ends with the last measured request, failed or not."""
    monkeypatch.setattr(closed_loop, "FAILURE_PAUSE_S", 1.5)
    level = Level(1, requests=1, ends=lambda sequence: "error")
    await level.run()
    check_books(level)
    assert level.loop.measured_until_ns - level.rows[0].ended_ns < 700 * MS


async def test_rows_that_end_together_are_all_kept_when_the_level_is_over() -> None:
    level = Level(600, requests=600, takes_s=lambda sequence: 0.0)
    await level.run()
    check_books(level)


async def test_rows_reach_the_journal_while_the_level_runs() -> None:
    level = Level(2, requests=60, takes_s=lambda sequence: 0.001)
    seen: list[int] = []
    level.on_start = lambda sequence: seen.append(len(level.lines))
    await level.run()
    assert seen[-1] >= 30
    assert [row.id for row in level.rows if row.user == 0] == sorted(
        (row.id for row in level.rows if row.user == 0), key=int
    )


@pytest.mark.parametrize("seed", range(6))
async def test_books_balance_however_it_goes(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closed_loop, "FAILURE_PAUSE_S", 0.005)
    outcomes: tuple[Outcome, ...] = ("ok", "ok", "error", "timeout")
    by_requests = seed % 2 == 0
    level = Level(
        5,
        duration_ms=None if by_requests else 40,
        requests=60 if by_requests else None,
        warmup_ms=10 * (seed % 3),
        drain_ms=20,
        ends=lambda sequence: outcomes[(sequence + seed) % 4],
    )
    level.takes_s = lambda n: FOREVER_S if n == 37 else (n * 7919 + seed) % 9 / 1e3
    stop_after(level, 0.03 if seed < 4 else 0.15, 1)
    stop_after(level, 0.15, 1)
    await level.run()
    check_books(level)
    assert level.most_alive <= 5
