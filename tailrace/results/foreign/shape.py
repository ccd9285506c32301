"""Shape: what a foreign result is read as, and the requests of a level as facts of it. Pure.

Rule: what the other tool did not keep stays None; nothing is made up. A level's books are counted
from its requests, because no others were kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tailrace.errors import ResultError
from tailrace.results.facts import Books, StageFacts
from tailrace.results.merge import in_flight_of
from tailrace.results.schema import OUTCOMES, Row


@dataclass(slots=True)
class ForeignLevel:
    """One load; points in time of its rows are ns of the tool's own clock."""

    load: str
    users: int | None
    rows: list[Row]


@dataclass(slots=True)
class ForeignRun:
    """A result of another tool."""

    tool: str
    version: str
    model: str
    levels: list[ForeignLevel]
    began_wall_ns: int
    """CLOCK_REALTIME of the earliest request, as well as the tool tells it."""
    url: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    """What else it says of the run."""


def ns(seconds: Any) -> int | None:
    """Seconds as whole nanoseconds."""
    return None if seconds is None else round(float(seconds) * 1e9)


def row_of(number: int, level: int, outcome: str, **points: Any) -> Row:
    """A request with what a tool told of it; what it did not stays as it is in a new row."""
    made: dict[str, Any] = {
        "id": f"{level}-{number}",
        "stage": level,
        "user": 0,
        "phase": "measure",
        "outcome": outcome,
        "prompt": str(number),
    }
    return Row(**made | {name: value for name, value in points.items() if value is not None})


def require(document: Mapping[str, Any], name: str, where: str, hint: str) -> Any:
    """A field without which nothing can be told; raises ResultError with the hint."""
    value = document.get(name)
    if value is None:
        raise ResultError(f"{where} has no {name!r}: {hint}")
    return value


POINTS = (
    *("intended_ns", "sent_ns", "headers_ns", "first_event_ns", "first_output_ns"),
    *("first_answer_ns", "last_output_ns", "closed_ns", "ended_ns"),
)


def from_zero(run: ForeignRun) -> None:
    """Make the earliest moment of the run its origin."""
    zero = min(row.intended_ns for level in run.levels for row in level.rows)
    for level in run.levels:
        for row in level.rows:
            for name in POINTS:
                at_ns = getattr(row, name)
                if at_ns is not None:
                    setattr(row, name, at_ns - zero)


def stage_of(index: int, level: ForeignLevel) -> StageFacts:
    """The level's facts, from the first intended request to the last end."""
    counts = Counter(row.outcome for row in level.rows)
    n = len(level.rows)
    from_ns = min(row.intended_ns for row in level.rows)
    until_ns = max(row.ended_ns for row in level.rows) + 1
    flown = [row for row in level.rows if row.sent_ns is not None]
    spans_ns = [at_ns for row in flown for at_ns in (row.sent_ns or 0, row.ended_ns)]
    in_flight_ns, most = in_flight_of(spans_ns, from_ns, until_ns)
    return StageFacts(
        index=index,
        users=level.users,
        load=level.load,
        warmup_s=0.0,
        duration_s=None,
        requests=n,
        began_ns=from_ns,
        measure_from_ns=from_ns,
        measure_until_ns=until_ns,
        ended_ns=until_ns,
        books=Books(planned=n, started=n, **{name: counts[name] for name in OUTCOMES}),
        in_flight_ns=in_flight_ns,
        max_in_flight=most,
    )
