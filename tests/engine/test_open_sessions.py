"""Sessions in an open loop: they come by the schedule, their turns follow the answers."""

from __future__ import annotations

from tailrace.engine.scheduler import Bounds, Start
from tailrace.results.schema import Phase, Row
from tailrace.scenarios.sessions import SessionScript, Turn

from .held_sessions import HeldSessions, S

TWO = SessionScript("two", (Turn("a"), Turn("b", 3.0)))


def arrivals(*due_s: float, phase: Phase = "measure") -> list[Start]:
    return [Start(index, phase, round(at * S)) for index, at in enumerate(due_s)]


def test_turns_follow_their_sessions_and_not_the_schedule() -> None:
    held = HeldSessions([TWO], Bounds(0, 0, None, 2, 0), starts=arrivals(0, 0.5)).run()
    found = [(row.session, row.turn, row.intended_ns / S) for row in held.rows]
    assert found == [(0, 1, 0.0), (1, 1, 0.5), (0, 2, 4.0), (1, 2, 4.5)]
    assert held.session_books.finished == held.session_books.begun == 2
    assert held.books.balanced()
    assert held.books.planned == 4
    assert [row.sent_ns for row in held.rows] == [row.intended_ns for row in held.rows]


def test_sessions_of_the_warm_up_have_numbers_of_their_own() -> None:
    starts = [*arrivals(0.0, phase="warmup"), *arrivals(2.0)]
    held = HeldSessions([TWO], Bounds(0, 2 * S, None, 1, 0), starts=starts).run()
    found = [(row.session, row.turn, row.phase) for row in held.rows]
    assert found == [(-1, 1, "warmup"), (0, 1, "measure"), (-1, 2, "measure"), (0, 2, "measure")]
    assert held.session_books.finished == 2


def test_a_cap_is_one_on_sessions() -> None:
    held = HeldSessions([TWO], Bounds(0, 0, None, 2, 0), starts=arrivals(0, 0.5), limit=1).run()
    sent = [(row.session, row.turn, (row.sent_ns or 0) / S, row.queued) for row in held.rows]
    assert sorted(sent) == [
        *((0, 1, 0.0, False), (0, 2, 4.0, False)),
        *((1, 1, 5.0, True), (1, 2, 9.0, False)),
    ]


def test_sessions_turned_away_have_not_begun() -> None:
    held = HeldSessions(
        [TWO], Bounds(0, 0, None, 3, 0), starts=arrivals(0, 0.5, 1), limit=1, policy="drop"
    ).run()
    assert held.books.dropped == 2
    assert held.session_books.begun == held.session_books.finished == 1
    assert held.books.balanced()


def test_a_level_that_ends_leaves_sessions_unfinished_at_once() -> None:
    held = HeldSessions([TWO], Bounds(0, 0, 2 * S, None, 30 * S), starts=arrivals(0, 1.5)).run()
    books = held.session_books
    assert (books.begun, books.finished, books.unfinished) == (2, 0, 2)
    assert held.books.balanced()
    assert {row.turn for row in held.rows} == {1}
    assert held.ended_ns < 3 * S


def test_sessions_that_waited_to_be_let_in_until_the_end_are_unfinished() -> None:
    held = HeldSessions(
        [TWO], Bounds(0, 0, S // 2, None, 0), starts=arrivals(0, 0.1), limit=1
    ).run()
    assert [row.outcome for row in held.rows] == ["censored", "censored"]
    assert held.session_books.unfinished == held.session_books.begun == 2
    assert held.tally.sessions.agrees(held.session_books)


def test_a_failed_turn_frees_the_place() -> None:
    def fail(row: Row) -> str:
        return "timeout" if row.session == 0 else "ok"

    held = HeldSessions(
        [TWO], Bounds(0, 0, None, 2, 0), starts=arrivals(0, 0.5), limit=1, outcome=fail
    ).run()
    books = held.session_books
    assert (books.begun, books.broken, books.finished) == (2, 1, 1)
    assert held.tally.sessions.broken == {"timeout": 1}
