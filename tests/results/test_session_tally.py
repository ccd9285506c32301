"""Sessions and their turns, added up from rows."""

from __future__ import annotations

import pytest

from tailrace.results.session_facts import SessionBooks, session_reasons, sum_sessions
from tailrace.results.session_tally import BATCH, MOST_TURNS, SessionTally
from tailrace.results.tally import Tally

from .builders import MS, row, waited


def test_rows_without_a_session_count_nothing() -> None:
    tally = SessionTally()
    tally.add(row())
    assert tally.result(None) is None


def test_sessions_begin_finish_and_break_off() -> None:
    tally = SessionTally()
    rows = [
        row(session=0, turn=1),
        row(session=0, turn=2, session_end=True),
        row(session=1, turn=1, session_end=True, outcome="error", error_class="http_500"),
        waited("timeout", 90, session=2, turn=1, session_end=True),
        waited("censored", 90, session=3, turn=1),
        row(session=-1, turn=1, step=0, phase="warmup", session_end=True),
        row(session=4, turn=1),
        row(session=4, turn=1, step=1),
    ]
    for each in rows:
        tally.add(each)
    assert (tally.begun, tally.finished) == (6, 2)
    assert tally.broken == {"http_500": 1, "timeout": 1}
    books = SessionBooks(begun=6, finished=2, broken=2, unfinished=2)
    assert tally.agrees(books)
    assert books.balanced()
    assert not tally.agrees(SessionBooks(begun=6, finished=3, broken=2))


def test_turns_are_told_apart() -> None:
    tally = SessionTally()
    for first_ms, place in ((100, (1, 0)), (200, (1, 0)), (40, (1, 1)), (50, (2, 0))):
        turn, step = place
        tally.add(row(0, first_ms, session=0, turn=turn, step=step, input_tokens=10 * turn))
    tally.add(row(0, 999, session=0, turn=2, phase="warmup"))
    tally.add(row(0, 999, session=0, turn=2, outcome="error"))
    found = tally.result(SessionBooks())
    assert found is not None
    turns = found["turns"]
    assert [(turn["turn"], turn["step"], turn["requests"]) for turn in turns] == [
        *((1, 0, 2), (1, 1, 1), (2, 0, 1))
    ]
    ttft = turns[0]["ttft"]
    assert (ttft["n"], ttft["min_ns"], ttft["max_ns"]) == (2, 100 * MS, 200 * MS)
    assert ttft["percentiles"]["p50"]["value_ns"] == pytest.approx(100 * MS, rel=0.001)
    assert ttft["percentiles"]["p50"]["certified"] is False
    assert [turn["input_tokens_mean"] for turn in turns] == [10.0, 10.0, 20.0]


def test_cached_tokens_are_a_share_of_the_input() -> None:
    tally = SessionTally()
    tally.add(row(session=0, turn=1, input_tokens=100, cached_tokens=80))
    tally.add(row(session=0, turn=1, input_tokens=100))
    tally.add(row(session=0, turn=1))
    found = tally.result(None)
    assert found is not None
    assert found["turns"][0]["cached_share"] == 0.4
    assert found["turns"][0]["input_tokens_mean"] == 100.0
    assert found["books"] is None


def test_late_turns_share_one_place() -> None:
    tally = SessionTally()
    for turn in range(1, MOST_TURNS + 5):
        tally.add(row(session=0, turn=turn))
    found = tally.result(None)
    assert found is not None
    assert len(found["turns"]) == MOST_TURNS + 1
    last = found["turns"][-1]
    assert (last["turn"], last["and_later"], last["requests"]) == (MOST_TURNS + 1, True, 4)


def test_many_samples_are_all_counted() -> None:
    tally = SessionTally()
    for n in range(BATCH + 10):
        tally.add(row(0, n + 1, session=n, turn=1))
    found = tally.result(None)
    assert found is not None
    assert found["turns"][0]["ttft"]["n"] == BATCH + 10


def test_a_stages_tally_has_its_sessions() -> None:
    tally = Tally(0, None)
    tally.add(row(session=0, turn=1, session_end=True))
    assert (tally.sessions.begun, tally.sessions.finished) == (1, 1)


def test_books_of_workers_add_up() -> None:
    one, other = SessionBooks(3, 1, 1, 1, 4, 5, 6), SessionBooks(2, 2)
    assert sum_sessions([one, None, other]) == SessionBooks(5, 3, 1, 1, 4, 5, 6)
    assert sum_sessions([None]) is None


def test_books_that_do_not_balance_are_a_reason() -> None:
    journal = {"begun": 3, "finished": 2, "broken": 0}
    assert list(session_reasons("m", SessionBooks(3, 2, 0, 1), journal)) == []
    (reason,) = session_reasons("m", SessionBooks(3, 2), journal)
    assert "the sessions do not balance: 3 begun, 2 finished" in reason
    (reason,) = session_reasons("m", SessionBooks(3, 1, 1, 1), journal | {"broken": 1})
    assert reason == "m: 1 sessions finished, the journal has 2"


def test_the_document_of_sessions() -> None:
    tally = SessionTally()
    rows = [
        row(500, 40, session=0, turn=1, input_tokens=9, cached_tokens=None),
        row(600, 50, session=0, turn=1, input_tokens=10, cached_tokens=3),
        row(700, 60, session=0, turn=1, input_tokens=10, cached_tokens=4),
        row(800, None, session=0, turn=MOST_TURNS, session_end=True),
        row(0, 5, session=1, turn=9 * MOST_TURNS),
        *[row(0, session=n, turn=2, session_end=True, outcome="error") for n in (1, 2)],
    ]
    for each in rows:
        tally.add(each)
    books = SessionBooks(begun=3, finished=1, broken=2, tool_results=4, calls_unanswered=5)
    found = tally.result(books)
    assert found is not None
    turns = found.pop("turns")
    assert found == {
        "books": {
            **{"begun": 3, "finished": 1, "broken": 2, "unfinished": 0},
            **{"tool_results": 4, "tool_results_skipped": 0, "calls_unanswered": 5},
        },
        "journal": {"begun": 3, "finished": 1, "broken": 2},
        "broken_by": {"error": 2},
    }
    assert [(turn["turn"], turn["and_later"], turn["ttft"]["n"]) for turn in turns] == [
        *((1, False, 3), (MOST_TURNS, False, 0), (MOST_TURNS + 1, True, 1))
    ]
    assert (turns[0]["input_tokens_mean"], turns[0]["cached_share"]) == (9.7, 0.241379)
    assert (turns[0]["ttft"]["min_ns"], turns[0]["ttft"]["max_ns"]) == (40 * MS, 60 * MS)
    without = tally.result(None)
    assert without is not None
    assert without["books"] is None
