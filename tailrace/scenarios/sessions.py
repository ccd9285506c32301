"""Sessions: conversations of several turns, as a scenario describes them and as a file holds them.

Pure. A session is a script of what the user says; what the server answers is its own, and is
carried on as the history. ``think_s`` is the pause between an answer and the next turn.

    {"id": "trip", "system": "...", "tools": [...],
     "turns": [{"user": "..."}, {"user": "...", "think_s": 2, "max_tokens": 50,
                                 "tool_results": [{"name": "weather", "content": "12 degrees"}]}]}

An error names the file, the line or the session, and the field.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Protocol

from tailrace.errors import UsageError
from tailrace.scenarios.parse import LONGEST_S, MOST_TOKENS
from tailrace.scenarios.texts import WORDS_PER_TOKEN, text_of_tokens

MOST_TURNS = 10_000


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool says when the assistant calls it."""

    content: str
    name: str | None = None
    """Only a call of this function is answered with it; None is any."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What the user says, and what comes with it."""

    user: str
    think_s: float | None = None
    """Pause before it, from the end of the answer before; None is the scenario's."""
    max_tokens: int | None = None
    tool_results: tuple[ToolResult, ...] = ()


@dataclass(frozen=True, slots=True)
class SessionScript:
    """One conversation's user side."""

    id: str
    turns: tuple[Turn, ...]
    system: str | None = None
    tools: tuple[dict[str, Any], ...] = ()
    """Tool definitions, as the chat API takes them, sent with every request of the session."""


@dataclass(frozen=True, slots=True)
class Sessions:
    """Where the sessions of a run come from: a file, or made up with these lengths."""

    file: str | None = None
    turns: tuple[int, int] = (1, 1)
    """Fewest and most turns of a made-up session."""
    turn_tokens: tuple[int, int] = (64, 64)
    """Fewest and most tokens of what its user says in a turn."""
    words_per_token: float = WORDS_PER_TOKEN
    think_s: float = 0.0
    """Mean pause before a turn that states none of its own."""
    think_exponential: bool = False


class Scripts(Protocol):
    """Sessions by number: the same for the same number, whichever worker holds it."""

    def script(self, number: int) -> SessionScript:
        """The ``number``-th session of a level."""
        ...


class ListedScripts:
    """Those of a file, in turn, for as long as the run goes."""

    def __init__(self, scripts: Sequence[SessionScript]) -> None:
        self.scripts = tuple(scripts)

    def script(self, number: int) -> SessionScript:
        """See Scripts."""
        return self.scripts[number % len(self.scripts)]


class MadeScripts:
    """Made up: each session its own, of the lengths that were asked for."""

    def __init__(self, sessions: Sessions, seed: int, salt: str) -> None:
        self._sessions = sessions
        self._seed = seed
        self._salt = salt

    def script(self, number: int) -> SessionScript:
        """See Scripts."""
        wanted = self._sessions
        dice = Random(f"session:{self._seed}:{number}")
        turns = []
        for turn in range(dice.randint(*wanted.turns)):
            key = f"{self._salt} session {number} turn {turn}"
            tokens = dice.randint(*wanted.turn_tokens)
            turns.append(Turn(text_of_tokens(tokens, key, wanted.words_per_token)))
        return SessionScript(str(number), tuple(turns))


def pause_s(sessions: Sessions, seed: int, number: int, turn: int, script: SessionScript) -> float:
    """Pause before turn ``turn`` (from 1) of session ``number``; none before the first."""
    if turn <= 1:
        return 0.0
    own = script.turns[turn - 1].think_s
    if own is not None:
        return own
    if not sessions.think_exponential or not sessions.think_s:
        return sessions.think_s
    return Random(f"think:{seed}:{number}:{turn}").expovariate(1 / sessions.think_s)


def parse_document(data: bytes, where: str) -> list[SessionScript]:
    """A JSON file: a list of sessions, an object with ``sessions``, or one session."""
    import orjson

    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError as exc:
        raise UsageError(
            f"{where} is not JSON: {exc}; write a list of sessions, or one session a line in a "
            "file that ends in .jsonl"
        ) from None
    if isinstance(document, dict) and "sessions" in document:
        document = document["sessions"]
    entries = document if isinstance(document, list) else [document]
    return _named(
        [session_of(entry, f"{where} session {n}") for n, entry in enumerate(entries, 1)], where
    )


def parse_lines(data: bytes, where: str) -> list[SessionScript]:
    """A JSONL file: one session a line; blank lines are skipped."""
    import orjson

    found = []
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if not line.strip():
            continue
        at = f"{where} line {number}"
        try:
            entry = orjson.loads(line)
        except orjson.JSONDecodeError as exc:
            raise UsageError(f"{at} is not JSON: {exc}; a line holds one session") from None
        found.append(session_of(entry, at))
    return _named(found, where)


def _named(scripts: list[SessionScript], where: str) -> list[SessionScript]:
    """Sessions without an id get their place as one; two may not share one."""
    if not scripts:
        raise UsageError(f"{where} holds no session; write one like {_EXAMPLE}")
    named: dict[str, SessionScript] = {}
    for number, script in enumerate(scripts, 1):
        name = script.id or str(number)
        if name in named:
            raise UsageError(f"{where}: two sessions have the id {name!r}; ids must differ")
        named[name] = replace(script, id=name)
    return list(named.values())


_EXAMPLE = '{"turns": [{"user": "Hello"}, {"user": "And then?", "think_s": 2}]}'


def session_of(entry: Any, at: str) -> SessionScript:
    """One session; UsageError names ``at`` and the field."""
    _known(entry, ("id", "system", "tools", "turns"), at, "a session")
    turns = entry.get("turns")
    if not isinstance(turns, list) or not turns:
        raise UsageError(f"{at}: field turns must be a list of at least one turn, like {_EXAMPLE}")
    if len(turns) > MOST_TURNS:
        raise UsageError(f"{at}: field turns has more than {MOST_TURNS:,} turns; split the session")
    tools = [] if entry.get("tools") is None else entry["tools"]
    if not isinstance(tools, list) or not all(isinstance(tool, dict) for tool in tools):
        raise UsageError(f"{at}: field tools must be a list of objects, as the chat API takes them")
    name = entry.get("id", "")
    if not isinstance(name, str | int) or isinstance(name, bool):
        raise UsageError(f"{at}: field id must be a text or a whole number")
    return SessionScript(
        str(name),
        tuple(_turn(turn, f"{at}, turn {n}") for n, turn in enumerate(turns, 1)),
        _text(entry, "system", at, required=False),
        tuple(tools),
    )


def _turn(entry: Any, at: str) -> Turn:
    if isinstance(entry, str):
        entry = {"user": entry}
    _known(entry, ("user", "think_s", "max_tokens", "tool_results"), at, "a turn")
    think_s, max_tokens = entry.get("think_s"), entry.get("max_tokens")
    if think_s is not None and not (type(think_s) in (int, float) and 0 <= think_s <= LONGEST_S):
        raise UsageError(f"{at}: field think_s must be a number of seconds, not below 0")
    if max_tokens is not None and not (type(max_tokens) is int and 1 <= max_tokens <= MOST_TOKENS):
        raise UsageError(f"{at}: field max_tokens must be a whole number of at least 1")
    results = [] if entry.get("tool_results") is None else entry["tool_results"]
    if not isinstance(results, list):
        raise UsageError(f"{at}: field tool_results must be a list")
    return Turn(
        _text(entry, "user", at) or "",
        None if think_s is None else float(think_s),
        max_tokens,
        tuple(_result(result, f"{at}, tool result {n}") for n, result in enumerate(results, 1)),
    )


def _result(entry: Any, at: str) -> ToolResult:
    if isinstance(entry, str):
        return ToolResult(entry)
    _known(entry, ("name", "content"), at, "a tool result")
    content = entry.get("content")
    if isinstance(content, dict | list):  # what a tool returned, kept as JSON
        import orjson

        content = orjson.dumps(content).decode()
    if not isinstance(content, str):
        raise UsageError(f"{at}: field content must be a text, or JSON that the tool returned")
    return ToolResult(content, _text(entry, "name", at, required=False))


def _known(entry: Any, names: Sequence[str], at: str, what: str) -> None:
    if not isinstance(entry, Mapping):
        raise UsageError(f"{at} must be an object; {what} has {', '.join(names)}")
    for name in entry:
        if name not in names:
            raise UsageError(f"{at}: field {name!r} is unknown; {what} has {', '.join(names)}")


def _text(entry: Mapping[str, Any], name: str, at: str, required: bool = True) -> str | None:
    value = entry.get(name)
    if value is None and not required:
        return None
    if not isinstance(value, str) or not value.strip():
        raise UsageError(f"{at}: field {name} must be a text that is not empty")
    return value
