"""Check: one row of ``tailrace check``: what was looked at, what was found, what mends it. Pure.

Rule: a row that is not OK says in one sentence what to do. FAIL is what a run would stumble over,
WARN is what makes its figures mean less; only FAIL decides the exit code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

CHECK_SCHEMA = "tailrace.check/1"

Status = Literal["ok", "warn", "fail"]
WORDS: dict[Status, str] = {"ok": "OK", "warn": "WARN", "fail": "FAIL"}


class Check(NamedTuple):
    """One row."""

    group: str
    """``this machine``, ``server URL``, ``model NAME``."""
    name: str
    status: Status
    found: str
    fix: str = ""
    """What to do, of a row that is not OK."""


@dataclass(slots=True)
class Report:
    """All rows of one check, and what they cost the server."""

    rows: list[Check] = field(default_factory=list)
    requests: int = 0
    """Completions that were asked for."""
    lookups: int = 0
    """Other questions: lists, versions, metrics, and empty requests that no model sees."""
    took_s: float = 0.0

    @property
    def first_failure(self) -> Check | None:
        """What to mend first: each row rests on those before it."""
        return next((row for row in self.rows if row.status == "fail"), None)

    @property
    def counts(self) -> dict[Status, int]:
        """Rows by status."""
        return {status: sum(row.status == status for row in self.rows) for status in WORDS}

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, schema name first."""
        first = self.first_failure
        return {
            "schema": CHECK_SCHEMA,
            "passed": first is None,
            "first_failure": None if first is None else first._asdict(),
            "counts": self.counts,
            "requests": self.requests,
            "lookups": self.lookups,
            "took_s": self.took_s,
            "rows": [row._asdict() for row in self.rows],
        }


def failure_line(row: Check) -> str:
    """The row in one sentence, for the end of the command."""
    return f"{row.group}, {row.name}: {row.found}; {row.fix}"


def groups_of(rows: Sequence[Check]) -> list[tuple[str, list[Check]]]:
    """The rows by group, in the order in which the groups first came."""
    found: dict[str, list[Check]] = {}
    for row in rows:
        found.setdefault(row.group, []).append(row)
    return list(found.items())
