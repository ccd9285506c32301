"""Levels of ``tailrace run``: which options make the load, and which of them exclude each other."""

from __future__ import annotations

import math
from typing import Any

from tailrace.commands.rounds import repeated
from tailrace.commands.sessions import session_fields
from tailrace.commands.traces import trace_fields, trace_levels
from tailrace.errors import UsageError
from tailrace.scenarios import parse
from tailrace.scenarios.files import read_text
from tailrace.scenarios.model import Level, Think
from tailrace.scenarios.rates import Arrivals, parse_burstiness, parse_rates

MOST_WORKERS = 256


def load_fields(values: dict[str, Any]) -> dict[str, Any]:
    """What makes the load, as fields of a Scenario: levels, sessions, and whether with a nonce."""
    sessions = session_fields(values)
    found = repeated(levels(values), values["rounds"])
    return {"levels": found, **trace_fields(values, found), **sessions}


def levels(values: dict[str, Any]) -> tuple[Level, ...]:
    """The load levels that the options describe; raises UsageError naming those that clash."""
    if values.get("levels"):
        return _of_file(values)
    _one_load(values)
    traced = trace_levels(values)
    if traced is not None:
        return traced
    if values["rate"] is not None:
        loads = [
            Arrivals(phases, values["arrival"], _burstiness(values))
            for phases in parse_rates(values["rate"])
        ]
        return tuple(_open_level(values, arrivals) for arrivals in loads)
    if values["replay"] is not None:
        return (_open_level(values, Arrivals((), "replay", offsets_s=_offsets(values["replay"]))),)
    return _closed_levels(values)


def _of_file(values: dict[str, Any]) -> tuple[Level, ...]:
    """The levels of a scenario file, each a set of values of its own."""
    found: list[Level] = []
    for number, own in enumerate(values["levels"], 1):
        try:
            found += levels(values | own | {"levels": None})
        except UsageError as exc:
            raise UsageError(f"level {number}: {exc}") from None
    return tuple(found)


def workers(text: str) -> int:
    """``4``, or 0 for ``auto``."""
    if text == "auto":
        return 0
    if not text.isdecimal() or not 1 <= int(text) <= MOST_WORKERS:
        raise UsageError(
            f"--workers {text!r} is neither auto nor a number from 1 to {MOST_WORKERS}"
        )
    return int(text)


def _one_load(values: dict[str, Any]) -> None:
    given = [
        name for name in ("concurrency", "rate", "replay", "trace") if values[name] is not None
    ]
    if len(given) > 1:
        raise UsageError(f"--{given[0]} and --{given[1]} exclude each other; give one of them")
    if values["requests"] is not None and values["duration"] is not None:
        raise UsageError("--duration and --requests exclude each other; give one of them")
    closed = values["rate"] is values["replay"] is values["trace"] is None
    if closed and values["max_in_flight"] is not None:
        raise UsageError("--max-in-flight caps an open loop; --concurrency is its own cap")
    if not closed and values["think_time"] is not None:
        raise UsageError("--think-time is for the users of --concurrency; an open loop has none")


def _closed_levels(values: dict[str, Any]) -> tuple[Level, ...]:
    return tuple(
        Level(users, _warmup_s(values), _duration_s(values), values["requests"], _think(values))
        for users in parse.levels(values["concurrency"] or "1")
    )


def _open_level(values: dict[str, Any], arrivals: Arrivals) -> Level:
    lasts_s = arrivals.lasts_s
    if lasts_s is not None and values["duration"] is not None:
        raise UsageError("--rate says how long its phases last; leave --duration out")
    duration_s = _duration_s(values) if lasts_s is None else lasts_s
    if arrivals.process == "replay" and values["duration"] is None:
        duration_s = math.floor(max(arrivals.offsets_s) + 1)
    return Level(
        None,
        _warmup_s(values),
        None if values["requests"] is not None else duration_s,
        values["requests"],
        arrivals=arrivals,
        max_in_flight=values["max_in_flight"],
        when_full=values["when_full"],
    )


def _warmup_s(values: dict[str, Any]) -> float:
    return parse.seconds(values["warmup"], "--warmup")


def _duration_s(values: dict[str, Any]) -> float | None:
    if values["requests"] is not None:
        return None
    return parse.positive(values["duration"] or "30s", "--duration")


def _burstiness(values: dict[str, Any]) -> float:
    if values["burstiness"] is None:
        return 1.0
    if values["arrival"] != "gamma":
        raise UsageError("--burstiness is the shape of gamma arrivals; add --arrival gamma")
    return parse_burstiness(values["burstiness"])


def _think(values: dict[str, Any]) -> Think | None:
    text = values["think_time"]
    if text is None:
        return None
    mean, exponential = parse.spread(text)
    return Think(parse.positive(mean, "--think-time"), "exponential" if exponential else "constant")


def _offsets(path: str) -> tuple[float, ...]:
    """Seconds since the start, one a line; blank lines and lines that begin with # are skipped."""
    found = []
    for number, line in enumerate(read_text(path, "--replay file").splitlines(), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        try:
            offset_s = float(text)
        except ValueError:
            offset_s = -1.0
        if not 0 <= offset_s <= parse.LONGEST_S:
            raise UsageError(
                f"--replay file {path!r} line {number} is not a number of seconds since the start"
            )
        found.append(offset_s)
    if not found:
        raise UsageError(
            f"--replay file {path!r} holds no times; write one number of seconds a line"
        )
    return tuple(sorted(found))
