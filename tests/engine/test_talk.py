"""A session under way: what it asks, how it goes on, how it ends."""

from __future__ import annotations

from typing import Any

import pytest

from tailrace.engine.talk import UNSCRIPTED, Talk
from tailrace.results.schema import Row
from tailrace.results.session_facts import SessionBooks
from tailrace.scenarios.sessions import SessionScript, ToolResult, Turn


def answer(text: str = "", calls: list[dict[str, Any]] | None = None, **more: Any) -> Row:
    return Row("r", 0, 0, "measure", 0, text=text, tool_calls=calls, **more)


def call(name: str, identity: str) -> dict[str, Any]:
    function = {"name": name, "arguments": "{}"}
    return {"id": identity, "type": "function", "function": function}


def talk(*turns: Turn, **more: Any) -> tuple[Talk, SessionBooks]:
    books = SessionBooks()
    return Talk(SessionScript("s", turns, **more), 4, 99, books), books


def test_the_history_carries_the_real_answers() -> None:
    session, books = talk(Turn("one"), Turn("two", max_tokens=7), Turn("three"), system="Be brief.")
    asked = [session.item()]
    for text in ("first", "second"):
        session.note(answer(text))
        asked.append(session.item())
    history = [("system", "Be brief."), ("user", "one")]
    assert asked[0].messages == tuple(history)
    history += [("assistant", "first"), ("user", "two")]
    assert asked[1].messages == tuple(history)
    history += [("assistant", "second"), ("user", "three")]
    assert asked[2].messages == tuple(history)
    assert [item.max_tokens for item in asked] == [None, 7, None]
    assert [item.id for item in asked] == ["s/1", "s/2", "s/3"]
    last = answer("third")
    session.note(last)
    assert session.over
    assert (last.session, last.turn, last.step, last.session_end) == (4, 3, 0, True)
    assert books == SessionBooks(finished=1)


@pytest.mark.parametrize("outcome", ["error", "timeout"])
def test_a_turn_that_fails_ends_the_session(outcome: Any) -> None:
    session, books = talk(Turn("one"), Turn("two"))
    row = answer(outcome=outcome)
    session.note(row)
    assert session.over
    assert row.session_end
    assert books == SessionBooks(broken=1)


def test_a_call_is_answered_under_its_id_in_the_same_turn() -> None:
    tools = ({"type": "function"},)
    turn = Turn("weather?", tool_results=(ToolResult("12 degrees"),))
    session, books = talk(turn, Turn("thanks"), tools=tools)
    assert session.item().extra == {"tools": [{"type": "function"}]}
    first = answer("", [call("weather", "c7")])
    session.note(first)
    assert (first.turn, first.step, session.step, session.turn) == (1, 0, 1, 1)
    asked = session.item()
    assert asked.messages[1:] == (
        ("assistant", {"content": None, "tool_calls": [call("weather", "c7")]}),
        ("tool", {"tool_call_id": "c7", "content": "12 degrees"}),
    )
    second = answer("It is 12 degrees.")
    session.note(second)
    assert (second.turn, second.step) == (1, 1)
    assert session.item().messages[3:] == (("assistant", "It is 12 degrees."), ("user", "thanks"))
    assert books == SessionBooks(tool_results=1)


def test_a_result_that_no_call_asks_for_is_skipped_and_counted() -> None:
    session, books = talk(Turn("a", tool_results=(ToolResult("x"), ToolResult("y"))), Turn("b"))
    session.note(answer("no tool needed"))
    assert session.item().messages[1:] == (("assistant", "no tool needed"), ("user", "b"))
    assert books == SessionBooks(tool_results_skipped=2)


def test_results_go_to_the_calls_that_they_name() -> None:
    results = (ToolResult("G", "g"), ToolResult("F", "f"), ToolResult("any"))
    session, books = talk(Turn("a", tool_results=results))
    session.note(answer("", [call("f", "1"), call("h", "2")]))
    answers = [content for role, content in session.item().messages if role == "tool"]
    assert answers == [
        {"tool_call_id": "1", "content": "F"},
        {"tool_call_id": "2", "content": "any"},
    ]
    session.note(answer("", [call("f", "3")]))  # only the result for g is left
    assert session.over
    assert books == SessionBooks(
        finished=1, tool_results=2, tool_results_skipped=1, calls_unanswered=1
    )


def test_a_call_beside_an_answered_one_gets_an_answer_too() -> None:
    session, books = talk(Turn("a", tool_results=(ToolResult("F", "f"),)))
    session.note(answer("", [call("g", "1"), call("f", "2")]))
    answers = [content for role, content in session.item().messages if role == "tool"]
    assert answers == [
        {"tool_call_id": "1", "content": UNSCRIPTED},
        {"tool_call_id": "2", "content": "F"},
    ]
    assert books.tool_results == 1


def test_a_call_without_an_id_is_given_one() -> None:
    session, _ = talk(Turn("a", tool_results=(ToolResult("F"),)))
    session.note(answer("", [call("f", "")]))
    (_, assistant), (_, tool) = session.item().messages[1:]
    assert assistant["tool_calls"][0]["id"] == tool["tool_call_id"] == "call_1_0_0"  # type: ignore


def test_a_model_that_always_calls_comes_to_an_end() -> None:
    session, books = talk(Turn("a", tool_results=(ToolResult("1"), ToolResult("2"))))
    for _ in range(2):
        session.note(answer("", [call("f", "x")]))
        assert not session.over
    session.note(answer("", [call("f", "x")]))
    assert session.over
    assert books == SessionBooks(finished=1, tool_results=2, calls_unanswered=1)


def test_a_history_that_was_handed_out_does_not_grow() -> None:
    session, _ = talk(Turn("a"), Turn("b"))
    first = session.item()
    session.note(answer("x"))
    assert len(first.messages) == 1


def test_the_books_are_those_of_all_sessions() -> None:
    books = SessionBooks()
    for outcome in ("ok", "error", "ok", "error"):
        script = SessionScript("s", (Turn("a", tool_results=(ToolResult("x", "f"),)),))
        session = Talk(script, 4, 99, books)
        assert (session.nonce_of, session.step, session.over) == (99, 0, False)
        session.note(answer("", [call("g", "1")], outcome=outcome))
    assert books == SessionBooks(finished=2, broken=2, tool_results_skipped=2, calls_unanswered=2)


def test_a_turn_may_take_several_steps() -> None:
    results = (ToolResult("1"), ToolResult("2"))
    session, _ = talk(Turn("a", tool_results=results), Turn("b"))
    steps = []
    for _ in results:
        session.note(answer("Let me see.", [call("f", "x")]))
        steps.append(session.step)
    assert steps == [1, 2]
    assert session.item().messages[1][1]["content"] == "Let me see."  # type: ignore[index]
    session.note(answer())
    assert (session.turn, session.step) == (2, 0)
    assert session.item().messages[-2:] == (("assistant", ""), ("user", "b"))
    assert "tools" not in session.item().extra
