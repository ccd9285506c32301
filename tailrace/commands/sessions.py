"""Options of ``tailrace run`` that hold conversations, from a file or made up."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tailrace.commands.option import Command, option
from tailrace.commands.traces import refuse_prompts
from tailrace.errors import UsageError
from tailrace.scenarios import parse
from tailrace.scenarios.sessions import MOST_TURNS, Sessions

OPTIONS: tuple[Callable[[Command], Command], ...] = (
    option(
        "--sessions",
        metavar="FILE",
        help="Conversations of several turns (JSON or JSONL), instead of single requests; "
        "--requests then counts sessions.",
    ),
    option(
        "--turns",
        metavar="N|N..M",
        help="Made-up conversations of so many turns.",
    ),
    option(
        "--turn-tokens",
        metavar="N|N..M",
        help="Tokens of what the user says in each turn of --turns.  [default: 64]",
    ),
    option(
        "--turn-think",
        metavar="TIME|exp:TIME",
        help="Pause before each turn that states none of its own.  [default: none]",
    ),
)
_RANGE = re.compile(r"(\d{1,9})(?:\.\.(\d{1,9}))?")


def session_fields(values: dict[str, Any]) -> dict[str, Any]:
    """The scenario's ``sessions``; nothing where single requests are wanted."""
    file, turns = values["sessions"], values["turns"]
    if file is None and turns is None:
        for name in ("turn_tokens", "turn_think"):
            if values[name] is not None:
                flag = f"--{name.replace('_', '-')}"
                raise UsageError(f"{flag} is about sessions; add --sessions FILE or --turns N")
        return {}
    if file is not None and turns is not None:
        raise UsageError("--sessions and --turns exclude each other; give one of them")
    if file is not None and values["turn_tokens"] is not None:
        raise UsageError("--turn-tokens is for --turns; the turns of --sessions have their text")
    for name in ("trace", "replay"):
        if values[name]:
            raise UsageError(f"--{name} is of single requests, and a session has its turns")
    refuse_prompts(values, "a session has its own turns")
    think_s, exponential = _think(values["turn_think"])
    if file is not None:
        from tailrace.scenarios.session_files import read_sessions

        read_sessions(file)  # refused now, not when the run has begun
    return {
        "sessions": Sessions(
            file=file,
            turns=_range(turns or "1", "--turns", MOST_TURNS),
            turn_tokens=_range(values["turn_tokens"] or "64", "--turn-tokens", parse.MOST_TOKENS),
            words_per_token=values["words_per_token"],
            think_s=think_s,
            think_exponential=exponential,
        )
    }


def _range(text: str, what: str, most: int) -> tuple[int, int]:
    match = _RANGE.fullmatch(text.strip())
    low = int(match[1]) if match else 0
    high = int(match[2]) if match and match[2] else low
    if not 1 <= low <= high <= most:
        raise UsageError(
            f"{what} {text[:40]!r} is neither a whole number from 1 to {most:,} nor a range of "
            "them like 3..8"
        )
    return low, high


def _think(text: str | None) -> tuple[float, bool]:
    if text is None:
        return 0.0, False
    mean, exponential = parse.spread(text)
    return parse.seconds(mean, "--turn-think"), exponential
