"""Sessions as a file describes them, and made up."""

from __future__ import annotations

import statistics
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.errors import UsageError
from tailrace.scenarios.parse import LONGEST_S, MOST_TOKENS
from tailrace.scenarios.session_files import read_sessions, scripts_of
from tailrace.scenarios.sessions import (
    MOST_TURNS,
    MadeScripts,
    Sessions,
    SessionScript,
    ToolResult,
    Turn,
    parse_document,
    parse_lines,
    pause_s,
)

TOOL = {"type": "function", "function": {"name": "weather", "parameters": {}}}
FULL = {
    "id": "trip",
    "system": "Be brief.",
    "tools": [TOOL],
    "turns": [
        "Hello",
        {
            "user": "How is the weather?",
            "think_s": 2,
            "max_tokens": 50,
            "tool_results": [{"name": "weather", "content": {"celsius": 12}}, "dry"],
        },
    ],
}
SCRIPT = SessionScript(
    "trip",
    (
        Turn("Hello"),
        Turn(
            "How is the weather?",
            2.0,
            50,
            (ToolResult('{"celsius":12}', "weather"), ToolResult("dry")),
        ),
    ),
    "Be brief.",
    (TOOL,),
)


@pytest.mark.parametrize(
    "document", [[FULL], {"sessions": [FULL]}, FULL], ids=["list", "object", "one"]
)
def test_a_document(document: object) -> None:
    assert parse_document(orjson.dumps(document), "f") == [SCRIPT]


def test_lines() -> None:
    data = b"\xef\xbb\xbf" + orjson.dumps(FULL) + b"\n\n" + b'{"turns": ["a"]}\r\n'
    assert parse_lines(data, "f") == [SCRIPT, SessionScript("2", (Turn("a"),))]


def test_a_file_is_read_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(orjson.dumps([FULL], option=orjson.OPT_INDENT_2))
    (tmp_path / "a.jsonl").write_bytes(orjson.dumps(FULL))
    assert read_sessions(str(tmp_path / "a.json")) == read_sessions(str(tmp_path / "a.jsonl"))
    scripts = scripts_of(Sessions(str(tmp_path / "a.json")), 0, "")
    assert scripts.script(0) == scripts.script(5) == SCRIPT


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--sessions file .*nowhere.* No such file"):
        read_sessions(str(tmp_path / "nowhere.json"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["not JSON", ".jsonl"]),
        ("[", ["not JSON"]),
        ("[]", ["holds no session", '"turns"']),
        ("3", ["session 1 must be an object"]),
        ("[{}]", ["session 1: field turns"]),
        ('[{"turns": []}]', ["session 1: field turns", "at least one"]),
        ('[{"turns": "a"}]', ["session 1: field turns"]),
        ('[{"turns": ["a"]}, {"turns": [3]}]', ["session 2, turn 1 must be an object"]),
        ('[{"turns": [{}]}]', ["turn 1: field user", "not empty"]),
        ('[{"turns": ["  "]}]', ["turn 1: field user"]),
        ('[{"turns": [{"usr": "a"}]}]', ["turn 1: field 'usr' is unknown", "user, think_s"]),
        ('[{"turn": ["a"]}]', ["field 'turn' is unknown", "id, system, tools, turns"]),
        ('[{"turns": [{"user": "a", "think_s": -1}]}]', ["field think_s", "seconds"]),
        ('[{"turns": [{"user": "a", "think_s": "2s"}]}]', ["field think_s"]),
        ('[{"turns": [{"user": "a", "max_tokens": 0}]}]', ["field max_tokens"]),
        ('[{"turns": [{"user": "a", "tool_results": "x"}]}]', ["field tool_results"]),
        ('[{"turns": [{"user": "a", "tool_results": [3]}]}]', ["tool result 1 must be an object"]),
        ('[{"turns": [{"user": "a", "tool_results": [{}]}]}]', ["tool result 1: field content"]),
        ('[{"turns": ["a"], "tools": {}}]', ["field tools", "list of objects"]),
        ('[{"turns": ["a"], "system": ""}]', ["field system"]),
        ('[{"turns": ["a"], "id": []}]', ["field id"]),
        ('[{"turns": ["a"], "id": "x"}, {"turns": ["a"], "id": "x"}]', ["two sessions", "'x'"]),
    ],
)
def test_a_malformed_document(text: str, words: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        parse_document(text.encode(), "file 'f'")
    for word in ("file 'f'", *words):
        assert word in str(caught.value), str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["holds no session"]),
        ('{"turns": ["a"]}\n{', ["line 2 is not JSON"]),
        ('{"turns": ["a"]}\n\n[1]', ["line 3 must be an object"]),
        ('{"turns": [{"user": 4}]}', ["line 1, turn 1: field user"]),
    ],
)
def test_malformed_lines(text: str, words: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        parse_lines(text.encode(), "f")
    for word in words:
        assert word in str(caught.value)


@given(st.integers(-50, 10_000), st.integers(1, 4), st.integers(0, 4))
def test_made_up_sessions_have_the_lengths_asked_for(number: int, low: int, more: int) -> None:
    wanted = Sessions(turns=(low, low + more), turn_tokens=(3, 9))
    script = MadeScripts(wanted, 7, "salt").script(number)
    assert script == MadeScripts(wanted, 7, "salt").script(number)
    assert low <= len(script.turns) <= low + more
    assert all(3 <= len(turn.user.split()) <= 9 for turn in script.turns)


def test_made_up_sessions_are_unlike_each_other() -> None:
    made = MadeScripts(Sessions(turns=(2, 2)), 0, "")
    texts = {turn.user for number in range(100) for turn in made.script(number).turns}
    assert len(texts) == 200


def test_pauses() -> None:
    script = SessionScript("a", (Turn("x", 9.0), Turn("y", 2.0), Turn("z")))
    fixed = Sessions(think_s=5.0)
    assert [pause_s(fixed, 0, 3, turn, script) for turn in (1, 2, 3)] == [0.0, 2.0, 5.0]
    random = Sessions(think_s=5.0, think_exponential=True)
    drawn = [pause_s(random, 0, number, 3, script) for number in range(4000)]
    assert statistics.mean(drawn) == pytest.approx(5.0, rel=0.05)
    assert drawn[7] == pause_s(random, 0, 7, 3, script) != pause_s(random, 1, 7, 3, script)


def test_made_up_sessions_hang_on_seed_and_salt() -> None:
    """The seed decides their lengths; the salt decides every text."""
    wanted = Sessions(turns=(1, 9), turn_tokens=(10, 90), words_per_token=2.0)
    made, seeded, salted = (
        [MadeScripts(wanted, *of).script(number) for number in range(20)]
        for of in ((7, "a"), (8, "a"), (7, "b"))
    )
    lengths = [
        [[len(turn.user.split()) for turn in script.turns] for script in scripts]
        for scripts in (made, seeded, salted)
    ]
    assert lengths[0] == lengths[2] != lengths[1]
    assert max(max(turns) for turns in lengths[0]) > 90
    assert not {turn.user for one in made for turn in one.turns} & {
        turn.user for one in salted for turn in one.turns
    }
    assert [script.id for script in made[:3]] == ["0", "1", "2"]


def test_the_ends_of_what_a_turn_may_say() -> None:
    turns = [
        {"user": "a", "think_s": 0, "max_tokens": 1},
        {"user": "b", "think_s": LONGEST_S, "max_tokens": MOST_TOKENS},
        {"user": "c", "tool_results": [{"content": "x"}]},
    ]
    (script,) = parse_document(orjson.dumps([{"turns": turns}]), "f")
    assert script.turns == (
        Turn("a", 0.0, 1),
        Turn("b", LONGEST_S, MOST_TOKENS),
        Turn("c", tool_results=(ToolResult("x"),)),
    )
    (most,) = parse_document(orjson.dumps([{"turns": ["a"] * MOST_TURNS}]), "f")
    assert len(most.turns) == MOST_TURNS


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        (3, "f session 1 must be an object; a session has id, system, tools, turns"),
        ({"turns": [3]}, "f session 1, turn 1 must be an object; a turn has user, think_s, "),
        (
            {"turns": [{"user": "a", "tool_results": [3]}]},
            "f session 1, turn 1, tool result 1 must be an object; a tool result has name, content",
        ),
        (
            {"turns": [{"user": "a", "tool_results": [{"content": "x", "name": 3}]}]},
            "f session 1, turn 1, tool result 1: field name must be a text that is not empty",
        ),
        (
            {"turns": ["a"] * (MOST_TURNS + 1)},
            f"f session 1: field turns has more than {MOST_TURNS:,}",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(entry: object, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_document(orjson.dumps([entry]), "f")
    assert str(caught.value).startswith(says)


def test_sessions_that_share_an_id_are_named_with_their_file() -> None:
    twice = orjson.dumps({"id": "x", "turns": ["a"]})
    for parse, text in (
        (parse_lines, twice + b"\n" + twice),
        (parse_document, b"[%b,%b]" % (twice, twice)),
    ):
        with pytest.raises(UsageError, match=r"^f: two sessions have the id 'x'"):
            parse(text, "f")
