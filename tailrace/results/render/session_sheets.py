"""Session sheets: how the sessions of a model's levels went, and TTFT turn by turn. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tailrace.results.render.figures import (
    NOT_AVAILABLE,
    count,
    figure_of,
    latency,
    ms,
    number,
    share,
)
from tailrace.results.render.sheet import Sheet
from tailrace.results.render.table import Level
from tailrace.results.render.text import safe_text

_PERCENTILES = ("p50", "p90", "p99")
_TERMINAL_TURNS = 6


def session_sheets(levels: Sequence[Level]) -> list[Sheet]:
    """Two sheets; without rows where there were no sessions."""
    return [_sessions(levels), _turns(levels)]


def session_lines(levels: Sequence[Level]) -> list[str]:
    """For the terminal, one line a level that held sessions."""
    return [f"{level.title}: {_line(level.sessions)}" for level in levels if level.sessions]


def _line(found: Mapping[str, Any]) -> str:
    counts = found["books"] or found["journal"]
    parts = [f"{counts['begun']} begun, {counts['finished']} finished"]
    if counts["broken"]:
        parts.append(f"{counts['broken']} broken off ({_by_class(found)})")
    if counts.get("unfinished"):
        parts.append(f"{counts['unfinished']} unfinished")
    if counts.get("tool_results") or counts.get("tool_results_skipped"):
        parts.append(
            f"{counts['tool_results']} tool results sent, "
            f"{counts['tool_results_skipped']} skipped: no call"
        )
    text = ", ".join(parts)
    turns = [
        f"{_place(turn)} {number(ms(turn['ttft']['percentiles']['p50']['value_ns']))}"
        for turn in found["turns"][:_TERMINAL_TURNS]
    ]
    more = ", …" if len(found["turns"]) > _TERMINAL_TURNS else ""
    return f"{text}; TTFT p50 ms by turn: {', '.join(turns)}{more}" if turns else text


def _sessions(levels: Sequence[Level]) -> Sheet:
    names = (
        *("begun", "finished", "broken", "unfinished"),
        *("tool_results", "tool_results_skipped", "calls_unanswered"),
    )
    rows = tuple(
        (
            level.load,
            *(_counted(level.sessions, name) for name in names),
            _by_class(level.sessions) or NOT_AVAILABLE,
        )
        for level in levels
        if level.sessions
    )
    titles = (
        *("load", "begun", "finished", "broken off", "unfinished", "tool results sent"),
        *("results skipped", "calls unanswered", "broken off by"),
    )
    return Sheet("Sessions", titles, ("",) * len(titles), rows)


def _turns(levels: Sequence[Level]) -> Sheet:
    percentiles = (f"TTFT {name} ms" for name in _PERCENTILES)
    columns = ("load", "turn", "answered", *percentiles, "input tokens", "cached")
    rows = tuple(
        (
            level.load,
            _place(turn),
            count(turn["requests"]),
            *(_percentile(turn, name) for name in _PERCENTILES),
            number(turn["input_tokens_mean"]),
            share(turn["cached_share"]),
        )
        for level in levels
        if level.sessions
        for turn in level.sessions["turns"]
    )
    return Sheet("Turns", columns, ("",) * len(columns), rows)


def _percentile(turn: Mapping[str, Any], name: str) -> str:
    return latency(figure_of(turn["ttft"]["percentiles"][name]))


def _place(turn: Mapping[str, Any]) -> str:
    """``2``, ``33+``, or ``2 after 1 tool round``."""
    text = f"{turn['turn']}{'+' if turn['and_later'] else ''}"
    step = turn["step"]
    return f"{text} after {step} tool round{'s' * (step > 1)}" if step else text


def _counted(found: Mapping[str, Any], name: str) -> str:
    counts = found["books"] or found["journal"]
    return count(counts.get(name))


def _by_class(found: Mapping[str, Any]) -> str:
    return ", ".join(f"{safe_text(name, 80)} {n}" for name, n in found["broken_by"].items())
