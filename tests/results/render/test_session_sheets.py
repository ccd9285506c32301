"""Sessions in the tables and on the terminal."""

from __future__ import annotations

from typing import Any

from tailrace.results.render.session_sheets import session_lines, session_sheets
from tailrace.results.render.table import Level
from tailrace.results.session_facts import SessionBooks
from tailrace.results.session_tally import SessionTally

from ..builders import row


def level(books: SessionBooks | None, *rows: Any) -> Level:
    tally = SessionTally()
    for each in rows:
        tally.add(each)
    return Level("m", 0, "ok", None, None, 0, 4, "4", sessions=tally.result(books))


HELD = level(
    SessionBooks(3, 1, 1, 1, tool_results=2, tool_results_skipped=1),
    row(0, 100, session=0, turn=1, input_tokens=8, cached_tokens=2),
    row(0, 50, session=0, turn=1, step=1),
    row(0, 200, session=0, turn=2, session_end=True),
    row(session=1, turn=1, outcome="error", error_class="http_500", session_end=True),
    row(session=2, turn=1, phase="warmup"),
)


def test_the_sessions_of_a_level_are_a_row() -> None:
    sheet, _ = session_sheets([HELD])
    assert (sheet.title, len(sheet.columns)) == ("Sessions", 9)
    assert sheet.rows == (("4", "3", "1", "1", "1", "2", "1", "0", "http_500 1"),)


def test_each_turn_is_a_row() -> None:
    _, sheet = session_sheets([HELD])
    assert (sheet.title, sheet.columns[:3]) == ("Turns", ("load", "turn", "answered"))
    assert [each[:4] for each in sheet.rows] == [
        ("4", "1", "1", "~100"),
        ("4", "1 after 1 tool round", "1", "~50.0"),
        ("4", "2", "1", "~200"),
    ]
    assert [each[-2:] for each in sheet.rows] == [
        ("8.00", "25.0 %"),
        ("n/a", "n/a"),
        ("n/a", "n/a"),
    ]


def test_a_level_without_sessions_has_no_rows_and_no_line() -> None:
    bare = level(None)
    assert [sheet.rows for sheet in session_sheets([bare])] == [(), ()]
    assert session_lines([bare]) == []


def test_the_terminal_has_a_line() -> None:
    (line,) = session_lines([HELD])
    assert line == (
        "4 users: 3 begun, 1 finished, 1 broken off (http_500 1), 1 unfinished, 2 tool results "
        "sent, 1 skipped: no call; TTFT p50 ms by turn: 1 100, 1 after 1 tool round 50.0, 2 200"
    )


def test_a_run_that_was_killed_has_the_journals_counts() -> None:
    (line,) = session_lines([level(None, row(0, 100, session=0, turn=1))])
    assert line == "4 users: 1 begun, 0 finished; TTFT p50 ms by turn: 1 100"
