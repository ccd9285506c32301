"""Sessions in a closed loop: each user holds one, and takes up another when it is over."""

from __future__ import annotations

from tailrace.engine.closed_loop import SPACING_NS
from tailrace.engine.scheduler import Bounds
from tailrace.results.schema import Row
from tailrace.scenarios.sessions import Sessions, SessionScript, Turn

from .held_sessions import HeldSessions, S

TWO = SessionScript("two", (Turn("a"), Turn("b", 3.0)))
ONE = SessionScript("one", (Turn("c"),))


def test_users_hold_sessions_one_after_another_and_each_number_once() -> None:
    held = HeldSessions([TWO, ONE], Bounds(0, 0, None, 5, 0), users=2).run()
    prompts = [[row.prompt for row in held.rows if row.session == number] for number in range(5)]
    two, one = ["two/1", "two/2"], ["one/1"]
    assert prompts == [two, one, two, one, two]
    assert [{row.user for row in held.rows if row.session == n} for n in range(3)] == [
        {0},
        {1},
        {1},
    ]
    assert held.session_books.begun == held.session_books.finished == 5
    assert held.books.balanced()
    assert held.books.unsent == 0


def test_a_number_of_requests_is_one_of_sessions_and_each_is_held_to_its_end() -> None:
    held = HeldSessions([TWO], Bounds(0, 0, None, 3, 0), users=3).run()
    assert len(held.rows) == 6
    assert held.session_books.finished == 3


def test_a_turn_is_due_a_think_time_after_the_answer() -> None:
    held = HeldSessions([TWO], Bounds(0, 0, None, 1, 0), users=1).run()
    first, second = held.rows
    assert (first.intended_ns, first.ended_ns) == (0, S)
    assert second.intended_ns == second.sent_ns == 4 * S
    assert (first.turn, second.turn, second.session_end) == (1, 2, True)


def test_the_history_is_in_the_next_request_and_the_nonce_stays() -> None:
    held = HeldSessions([TWO], Bounds(0, 0, None, 2, 0), users=1).run()
    first, second, third, _ = held.asked
    assert second.item.messages == (("user", "a"), ("assistant", "answer to 1"), ("user", "b"))
    assert third.item.messages == first.item.messages
    assert first.nonce_of == second.nonce_of != third.nonce_of
    assert all(asked.keep_text for asked in held.asked)
    assert all(row.text is None for row in held.rows)  # the run does not keep it


def test_a_failed_turn_ends_its_session_and_the_user_begins_another() -> None:
    def fail_once(row: Row) -> str:
        return "error" if row.prompt == "two/2" and row.intended_ns < 5 * S else "ok"

    held = HeldSessions([TWO], Bounds(0, 0, None, 2, 0), users=1, outcome=fail_once).run()
    books = held.session_books
    assert (books.begun, books.broken, books.finished, books.unfinished) == (2, 1, 1, 0)
    ends = [(row.session, row.turn, row.session_end, row.outcome) for row in held.rows]
    assert ends == [
        *((0, 1, False, "ok"), (0, 2, True, "error")),
        *((1, 1, False, "ok"), (1, 2, True, "ok")),
    ]
    assert held.tally.sessions.agrees(books)
    assert held.books.balanced()


def test_sessions_that_the_level_ends_are_unfinished() -> None:
    held = HeldSessions([TWO], Bounds(0, 0, 2 * S, None, 30 * S), users=4).run()
    books = held.session_books
    assert (books.begun, books.finished, books.unfinished) == (4, 0, 4)
    assert books.balanced()
    assert held.books.balanced()
    assert held.books.started == 4
    assert held.ended_ns < 3 * S  # nobody thinks any more when the level is over


def test_requests_cut_off_by_the_drain_leave_their_sessions_unfinished() -> None:
    held = HeldSessions([ONE], Bounds(0, 0, S // 2, None, S // 10), users=2).run()
    assert {row.outcome for row in held.rows} == {"censored"}
    assert {row.session for row in held.rows} == {0, 1}
    assert held.session_books.unfinished == held.session_books.begun == 2
    assert held.tally.sessions.agrees(held.session_books)


def test_a_think_time_of_the_scenario_is_for_turns_that_state_none() -> None:
    script = SessionScript("s", (Turn("a"), Turn("b"), Turn("c", 0.0)))
    held = HeldSessions(
        [script], Bounds(0, 0, None, 1, 0), users=1, sessions=Sessions(think_s=10.0)
    ).run()
    assert [row.intended_ns for row in held.rows] == [0, 11 * S, 12 * S]


def test_users_come_in_spaced() -> None:
    held = HeldSessions([ONE], Bounds(0, 0, None, 3, 0), users=3).run()
    assert [row.intended_ns for row in held.rows] == [0, SPACING_NS, 2 * SPACING_NS]
