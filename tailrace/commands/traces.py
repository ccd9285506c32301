"""Options of ``tailrace run`` that replay a trace: ``--trace`` and what belongs to it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import click

from tailrace.commands.option import Command, option
from tailrace.errors import UsageError
from tailrace.scenarios import parse
from tailrace.scenarios.model import Level
from tailrace.scenarios.rates import Arrivals
from tailrace.scenarios.texts import WORDS_PER_TOKEN
from tailrace.scenarios.traces import FORMATS, Trace, parse_scales, parse_window

OPTIONS: tuple[Callable[[Command], Command], ...] = (
    option(
        "--trace",
        metavar="FILE",
        help="Open loop: replay a trace's times and lengths (Mooncake, Azure, BurstGPT, or the "
        "requests.jsonl of an earlier run).",
    ),
    option(
        "--trace-format",
        type=click.Choice(["auto", *FORMATS]),
        default="auto",
        show_default=True,
    ),
    option(
        "--time-scale",
        metavar="X[,X…]",
        help="What the trace's times are multiplied with: 0.5 is twice as fast; several are "
        "levels.  [default: 1]",
    ),
    option(
        "--window",
        metavar="FROM..TO",
        help="Part of the trace, in its own time since its first row: 10m..20m, ..1h.",
    ),
    option(
        "--words-per-token",
        type=click.FloatRange(0.01, 100),
        default=WORDS_PER_TOKEN,
        show_default=True,
        help="How many words of made-up text are taken as a token.",
    ),
)

_LEAD_S, _ROW_S = 0.1, 20e-6
"""Time to open a file and to look through a row of it, generously."""


def trace_levels(values: dict[str, Any]) -> tuple[Level, ...] | None:
    """The levels that replay a trace, one a time scale; None without ``--trace``."""
    if values["trace"] is None:
        for name in ("time_scale", "window"):
            if values[name] is not None:
                raise UsageError(f"--{name.replace('_', '-')} is about a trace; add --trace FILE")
        return None
    refuse_prompts(values, "a trace has its own prompts")
    from tailrace.scenarios.trace_files import survey

    scales = parse_scales(values["time_scale"] or "1")
    window = parse_window(values["window"]) if values["window"] is not None else (0.0, None)
    wanted = None if values["trace_format"] == "auto" else values["trace_format"]
    found = replace(
        survey(values["trace"], wanted, window),
        words_per_token=values["words_per_token"],
        fresh=values["nonce"],
    )
    return tuple(_level(values, replace(found, time_scale=scale)) for scale in scales)


_PROMPTS = {
    "prompts": "--prompt",
    "prompts_file": "--prompts",
    "input_tokens": "--input-tokens",
    "output_tokens": "--output-tokens",
    "prefix_tokens": "--prefix-tokens",
    "images": "--image",
    "made_images": "--images",
    "mix": "--mix",
}


def refuse_prompts(values: dict[str, Any], why: str) -> None:
    """UsageError for an option about prompts, which would do nothing."""
    for name, flag in _PROMPTS.items():
        if values.get(name):
            raise UsageError(f"{flag} would do nothing here: {why}; leave it out")


def trace_fields(values: dict[str, Any], levels: tuple[Level, ...]) -> dict[str, Any]:
    """Settings of the scenario that a trace has a say in.

    Prompts that share their blocks must begin alike, so no nonce may stand before them; that runs
    are unlike each other is then up to their texts.
    """
    traces = [level.arrivals.trace for level in levels if level.arrivals is not None]
    shared = any(trace is not None and trace.format == "mooncake" for trace in traces)
    return {"nonce": values["nonce"] and not shared}


def _level(values: dict[str, Any], trace: Trace) -> Level:
    """A trace has no warm-up; the time before it is for reading up to its window."""
    duration_s: float | None = math.floor(trace.last_s * trace.time_scale + 1)
    if values["duration"] is not None:
        duration_s = parse.positive(values["duration"], "--duration")
    if values["requests"] is not None:
        duration_s = None
    return Level(
        None,
        round(_LEAD_S + _ROW_S * (trace.before + trace.reach), 1),
        duration_s,
        values["requests"],
        arrivals=Arrivals((), "trace", trace=trace),
        max_in_flight=values["max_in_flight"],
        when_full=values["when_full"],
    )
