"""Options of ``tailrace find-limit``: the range to search, and the probes to spend on it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from tailrace.commands.option import Command, option
from tailrace.errors import UsageError
from tailrace.scenarios import parse

if TYPE_CHECKING:
    from tailrace.commands.options import Wanted

MOST_POINTS = 1_000_000
_RANGE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*\.\.\s*(\d+(?:\.\d+)?)\s*")

OPTIONS: tuple[Callable[[Command], Command], ...] = (
    option(
        "--users",
        metavar="FIRST..LAST",
        help="Search the most users, like 1..256; --rate 1..200 searches the highest rate.",
    ),
    option(
        "--probes",
        type=click.IntRange(2, 1000),
        default=12,
        show_default=True,
        help="Most levels to hold.",
    ),
    option(
        "--probe-duration",
        default="10s",
        show_default=True,
        metavar="TIME",
        help="How long each probe is measured, after its --warmup.",
    ),
)
_NOT_HERE = ("concurrency", "duration", "requests", "replay", "trace", "levels", "resume")


def limit_options(command: Command) -> Command:
    """Those of this file, first in the help."""
    for decorate in reversed(OPTIONS):
        command = decorate(command)
    return command


def settled_for_search(values: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The values of a run that holds the first probe, and what is searched for.

    Raises UsageError naming what is missing or does not belong.
    """
    for name in _NOT_HERE:
        if values.get(name):
            spelled = name if name == "levels" else "--" + name
            raise UsageError(f"find-limit makes its own levels; leave {spelled} out")
    if values["rounds"] != 1:
        raise UsageError("find-limit repeats probes by itself; leave --rounds out")
    if values["workers"] != "1":
        raise UsageError("find-limit holds its probes with one worker; leave --workers out")
    if values["fleet"] is not None:
        raise UsageError("find-limit holds its probes on this machine; leave --fleet out")
    if not values["slo"]:
        raise UsageError("find-limit needs objectives; give --slo, like --slo 'ttft:p95<500ms'")
    if (values["users"] is None) == (values["rate"] is None):
        raise UsageError("find-limit needs --users FIRST..LAST or --rate FIRST..LAST, one of them")
    kind = "users" if values["users"] is not None else "rate"
    first, last, step = _range(values[kind], kind)
    search = {"kind": kind, "first": first, "last": last, "step": step, "probes": values["probes"]}
    parse.positive(values["probe_duration"], "--probe-duration")
    own = {
        "duration": values["probe_duration"],
        "concurrency": str(first) if kind == "users" else None,
        "rate": f"{first * step:.9g}" if kind == "rate" else None,
    }
    return values | own, search


def _range(text: str, kind: str) -> tuple[int, int, float]:
    """First and last point in steps, and the step: 1, or the last decimal that was typed."""
    example = "1..256" if kind == "users" else "1..200 or 0.5..20"
    match = _RANGE.fullmatch(text)
    if match is None:
        raise UsageError(f"--{kind} {text[:40]!r} is not a range; write it like {example}")
    digits = max(len(part.partition(".")[2]) for part in match.groups())
    if kind == "users" and digits:
        raise UsageError(f"--users {text!r} is not a range of whole numbers like {example}")
    step = 10.0**-digits
    first, last = (round(float(part) / step) for part in match.groups())
    if not 1 <= first < last:
        raise UsageError(f"--{kind} {text!r} must rise from more than nothing, like {example}")
    most = parse.MOST_USERS if kind == "users" else MOST_POINTS
    if last > most:
        raise UsageError(f"--{kind} {text!r} is too wide: at most {most} steps of {step:g}")
    return first, last, step


def with_search(want: Wanted, search: dict[str, Any]) -> Wanted:
    """The scenario with what is searched for; raises UsageError for several models."""
    if len(want.scenario.models) != 1:
        raise UsageError("find-limit searches one model at a time; give one --model")
    return want._replace(scenario=replace(want.scenario, search=search))
