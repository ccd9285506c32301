"""Traces: what was asked of some server at some time, to be asked again with the same times. Pure.

A trace is a stream of rows, never a list: a row is read, put in order with those around it, cut to
the window, scaled, and sent. Times of a trace are nanoseconds on its own clock; the first row's is
the zero that a window counts from.

Rule for rows whose time goes back: those within ``reach`` rows of their place are put there, which
is all that a log written by several processes, or a journal written as requests end, needs. What is
further off is refused, since to sort it would need the whole file in memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from heapq import heapify, heappop, heappushpop
from itertools import islice
from typing import Literal, NamedTuple

from tailrace.errors import UsageError
from tailrace.scenarios.parse import LONGEST_S, seconds

FormatName = Literal["mooncake", "azure", "burstgpt", "tailrace"]
FORMATS: tuple[FormatName, ...] = ("mooncake", "azure", "burstgpt", "tailrace")

REACH = 4096
"""Rows within which a trace may be out of order."""
REACH_OF_A_JOURNAL = 65_536
"""A journal's lines come as requests end: as far off as there were requests in flight."""
LEAST_SCALE, MOST_SCALE = 1e-4, 1e4
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


class TraceRow(NamedTuple):
    """One request of a trace; rows sort by time, then by line."""

    at_ns: int
    line: int
    input_tokens: int | None
    """None where it is not known; the prompt is then."""
    output_tokens: int | None
    """None leaves the length of the answer to the run's own limit."""
    blocks: tuple[int, ...] = ()
    """Hash ids of the prompt's blocks: where two prompts have the same ids, they are the same."""
    prompt: str = ""
    """Id of the item that was asked, where the trace says it."""


class Skip(NamedTuple):
    """A line that is no request to be sent, and why."""

    line: int
    why: str


@dataclass(frozen=True, slots=True)
class Trace:
    """A trace as a run replays it: where it is, which part of it, and how fast."""

    path: str
    format: FormatName
    rows: int
    """Requests in the window."""
    zero_ns: int
    """Time of the trace's first row, on the trace's own clock."""
    last_s: float
    """When the window's last row is due, in seconds of the run."""
    reach: int = 0
    """Rows held back to put them in order; 0 where the file is in order."""
    before: int = 0
    """Rows before the window, that are read and not sent."""
    time_scale: float = 1.0
    """What the trace's times are multiplied with: 0.5 is twice as fast."""
    from_s: float = 0.0
    until_s: float | None = None
    """The window, in seconds of the trace since its first row; None is its end."""
    words_per_token: float = 1.0
    fresh: bool = True
    """Whether the made-up texts are unlike those of any other run."""
    prompts_of: str | None = None
    """The run.json of a past run, whose prompts are asked again by their ids."""
    input_tokens: int = 0
    """Of all prompts in the window together, and below of all answers."""
    output_tokens: int = 0
    skipped: tuple[tuple[str, int], ...] = ()
    """Why lines of the file are no requests, and how many."""

    @property
    def mean_per_s(self) -> float:
        """Requests a second of the run, on average over the window."""
        return self.rows / max(self.last_s * self.time_scale, 1.0)

    @property
    def text(self) -> str:
        """In a table's cell."""
        return "trace" if self.time_scale == 1 else f"trace x{self.time_scale:g}"


def in_order(rows: Iterable[TraceRow], reach: int, where: str) -> Iterator[TraceRow]:
    """The rows by their times; UsageError for one that is further than ``reach`` rows off."""
    source = iter(rows)
    held = list(islice(source, reach))
    heapify(held)
    last: TraceRow | None = None
    for row in source:
        following = heappushpop(held, row) if reach else row
        last = _later(last, following, reach, where)
        yield following
    while held:
        yield heappop(held)


def _later(last: TraceRow | None, row: TraceRow, reach: int, where: str) -> TraceRow:
    if last is not None and row.at_ns < last.at_ns:
        back_s = (last.at_ns - row.at_ns) / 1e9
        raise UsageError(
            f"{where} line {row.line}: its time is {back_s:g} s before that of line {last.line}, "
            f"which is more than {reach} rows earlier; sort the file by time"
        )
    return row


def due(rows: Iterable[TraceRow], trace: Trace) -> Iterator[tuple[int, TraceRow]]:
    """When each row of the window is due, in ns since the schedule began, and the row.

    ``rows`` are in order. A row is in the window if FROM <= its time < TO; FROM is due at 0.
    """
    from_ns = trace.zero_ns + round(trace.from_s * 1e9)
    until_ns = None if trace.until_s is None else trace.zero_ns + round(trace.until_s * 1e9)
    for row in rows:
        if until_ns is not None and row.at_ns >= until_ns:
            return
        if row.at_ns >= from_ns:
            yield scaled(row.at_ns - from_ns, trace.time_scale), row


def scaled(length_ns: int, scale: float) -> int:
    """A stretch of a trace in the time of the run; untouched at a scale of 1."""
    return length_ns if scale == 1.0 else round(length_ns * scale)


def parse_scales(text: str, what: str = "--time-scale") -> tuple[float, ...]:
    """``0.5`` or ``1,0.5``: a level each."""
    found = []
    for part in text.split(","):
        scale = float(part) if _NUMBER.fullmatch(part.strip()) else 0.0
        if not LEAST_SCALE <= scale <= MOST_SCALE:
            raise UsageError(
                f"{what} {text[:40]!r} is not a number from {LEAST_SCALE:g} to {MOST_SCALE:g}, or "
                "several split by commas; 0.5 replays the trace twice as fast"
            )
        found.append(scale)
    return tuple(found)


def parse_window(text: str, what: str = "--window") -> tuple[float, float | None]:
    """``10m..20m``, ``..1h`` or ``10m..``: seconds of the trace since its first row."""
    begin, dots, end = text.partition("..")
    if not dots or not (begin.strip() or end.strip()):
        raise UsageError(
            f"{what} {text[:40]!r} is not a part of a trace; write FROM..TO since its first row, "
            "like 10m..20m, ..1h or 10m.."
        )
    from_s = seconds(begin, what) if begin.strip() else 0.0
    until_s = seconds(end, what) if end.strip() else None
    if until_s is not None and until_s <= from_s:
        raise UsageError(f"{what} {text[:40]!r} ends before it begins; write FROM..TO")
    return from_s, until_s


class Survey:
    """What a trace holds, learned in one pass over its rows in order."""

    def __init__(self, from_s: float, until_s: float | None) -> None:
        self._from_ns = round(from_s * 1e9)
        self._until_ns = None if until_s is None else round(until_s * 1e9)
        self.zero_ns: int | None = None
        self.rows = 0
        self.before = 0
        self.total = 0
        self.input_tokens = self.output_tokens = 0
        """Of the window's rows together."""
        self.last_ns = 0
        """Of the window's last row, since the window's begin."""
        self.ends_ns = 0
        """Of the trace's last row, since its first."""

    def note(self, row: TraceRow) -> None:
        """One more row, not before the last."""
        if self.zero_ns is None:
            self.zero_ns = row.at_ns
        self.total += 1
        at_ns = self.ends_ns = row.at_ns - self.zero_ns
        if at_ns < self._from_ns:
            self.before += 1
        elif self._until_ns is None or at_ns < self._until_ns:
            self.rows += 1
            self.input_tokens += row.input_tokens or 0
            self.output_tokens += row.output_tokens or 0
            self.last_ns = at_ns - self._from_ns

    def check(self, where: str) -> None:
        """UsageError where there is nothing to replay."""
        if not self.total:
            raise UsageError(f"{where} holds no request that could be replayed")
        if not self.rows:
            raise UsageError(
                f"--window leaves no request of {where}, which lasts {self.ends_ns / 1e9:g} s; "
                "choose a window inside it"
            )
        if self.last_ns > LONGEST_S * 1e9:
            raise UsageError(f"{where} lasts longer than a year; cut it with --window")
