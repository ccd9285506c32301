"""Options of ``tailrace run`` about how is asked: whole answers, retries, repeatable runs.

Rule: ``--deterministic`` fills in what was left open and refuses what would make a run that no
other can repeat; it never overrides what was given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import click
from click.core import ParameterSource

from tailrace.commands.option import Command, Times, option
from tailrace.errors import UsageError
from tailrace.scenarios import parse
from tailrace.scenarios.model import Level, Scenario
from tailrace.scenarios.retries import MOST_RETRIES, Retries

OPTIONS: tuple[Callable[[Command], Command], ...] = (
    option(
        "--stream/--no-stream",
        env=["BENCH_STREAM"],
        default=True,
        show_default=True,
        help="Ask for streams; --no-stream for whole answers, without TTFT and gaps.",
    ),
    option(
        "--retries",
        cls=Times,
        env=["RETRY_ON_FAIL"],
        type=click.IntRange(0, MOST_RETRIES),
        default=0,
        show_default=True,
        metavar="N",
        help="Send a request again, up to N times, that was refused or answered 429 or 5xx.",
    ),
    option(
        "--retry-backoff",
        env=["RETRY_BACKOFF"],
        default="500ms",
        show_default=True,
        metavar="TIME",
        help="Longest wait before the first retry; doubles with each. Retry-After is honoured.",
    ),
    option(
        "--deterministic",
        is_flag=True,
        help="Ask each prompt once, one by one, at temperature 0, with a seed and no nonce, and "
        "hash the answers for `tailrace outputs`.",
    ),
    option(
        "--keep-text",
        is_flag=True,
        help="Keep what was answered in requests.jsonl.",
    ),
)

WHOLE_IDLE_TIMEOUT = "10m"
"""A whole answer is one long silence."""


def settled(values: dict[str, Any]) -> dict[str, Any]:
    """The options' values with what others of them imply, where nothing was given."""
    implied: dict[str, Any] = {}
    if not values["stream"]:
        implied["idle_timeout"] = WHOLE_IDLE_TIMEOUT
    if values["deterministic"]:
        _require_repeatable(values)
        implied |= {"warmup": "0s", "seed": 0, "nonce": values["salt"] is not None, "salt": ""}
    return values | {name: value for name, value in implied.items() if not _given(name, values)}


def asking(values: dict[str, Any]) -> dict[str, Any]:
    """The options of this file as fields of a Scenario."""
    return {
        "stream": values["stream"],
        "retries": Retries(
            values["retries"], parse.positive(values["retry_backoff"], "--retry-backoff")
        ),
        "deterministic": values["deterministic"],
        "keep_text": values["keep_text"],
    }


def each_once(scenario: Scenario, values: dict[str, Any]) -> Scenario:
    """A deterministic run whose length was left open asks each prompt once at each level."""
    if not scenario.deterministic:
        return scenario
    if scenario.extra_body.get("temperature", 0) != 0:
        raise UsageError(
            "--deterministic asks at temperature 0; leave temperature out of --extra-body"
        )
    lasting = ("duration", "requests", "rate", "replay", "trace")
    if any(values[name] is not None for name in lasting):
        return scenario
    prompts = _prompts(scenario)
    if prompts is None:
        raise UsageError(
            "--deterministic cannot tell how many prompts there are; say it with --requests"
        )
    return replace(scenario, levels=tuple(_of_requests(one, prompts) for one in scenario.levels))


def _prompts(scenario: Scenario) -> int | None:
    """How many there are to ask, or sessions to hold; None where each is made up."""
    if scenario.sessions is not None:
        from tailrace.scenarios.session_files import read_sessions

        file = scenario.sessions.file
        return None if file is None else len(read_sessions(file))
    from tailrace.scenarios.sources import source_of

    return source_of(scenario).distinct


def _of_requests(level: Level, requests: int) -> Level:
    return replace(level, duration_s=None, requests=requests)


def _require_repeatable(values: dict[str, Any]) -> None:
    if values["temperature"]:
        raise UsageError(
            f"--deterministic asks at temperature 0, and --temperature is {values['temperature']}; "
            "leave one of them out"
        )
    if values["nonce"] and _given("nonce", values) and values["salt"] is None:
        raise UsageError(
            "--deterministic sends the same nonces only with a fixed salt; give --salt, or leave "
            "--nonce out"
        )


def _given(name: str, values: dict[str, Any]) -> bool:
    """Whether a value was given rather than left at its default."""
    context = click.get_current_context(silent=True)
    if context is None:
        return values[name] is not None
    return context.get_parameter_source(name) not in (None, ParameterSource.DEFAULT)
