"""Flat: a request as one line of a table, with the columns that ``tailrace query`` has. Pure."""

from __future__ import annotations

from typing import Any

from tailrace.results.export.placed import Placed
from tailrace.results.query_schema import DERIVED, LEVEL_COLUMNS, columns

LEVEL = tuple((name, kind) for name, kind, _ in LEVEL_COLUMNS)
OF_ROW = tuple((column.name, column.type, column.field) for column in columns())
TYPES: dict[str, str] = {
    **dict(LEVEL),
    **{name: kind for name, kind, _ in OF_ROW},
    **{name: kind for name, kind, _, _ in DERIVED},
}
"""Column -> its SQL type, in the order of the table."""


def flat(run: str, placed: Placed) -> dict[str, Any]:
    """Every column's value; points in time are ns since the run's origin."""
    model, stage, row = placed
    line: dict[str, Any] = {
        "run": run,
        "model": model.model,
        "load": placed.load,
        "users": None if stage is None else stage.users,
        "round": 0 if stage is None else stage.round,
    }
    line |= {name: getattr(row, field) for name, _, field in OF_ROW}
    line["measured"] = row.phase == "measure" and not row.retried
    line["ttft_ns"] = _between(row.sent_ns, row.first_output_ns)
    line["e2e_ns"] = _between(row.sent_ns, row.last_output_ns)
    line["start_lag_ns"] = _between(row.intended_ns, row.sent_ns)
    return line


def _between(from_ns: int | None, until_ns: int | None) -> int | None:
    return None if from_ns is None or until_ns is None else until_ns - from_ns
