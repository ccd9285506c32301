"""Laws of dialects: whatever a server says is a row or a fault, never an exception.

An input is the body of an answer as it is on the wire, its HTTP framing removed.
"""

from __future__ import annotations

from collections.abc import Callable

from fuzz.pieces import every_way
from tailrace.engine.answer import Answer
from tailrace.engine.dialects.choice import OWN, dialect_of
from tailrace.engine.dialects.delta import Dialect
from tailrace.results.schema import Row, parse_row

_KINDS = {
    "sse": "text/event-stream",
    "ndjson": "application/x-ndjson",
    "whole": "application/json",
}


def _law(name: str) -> Callable[[bytes], None]:
    dialect = dialect_of(name)

    def law(data: bytes) -> None:
        if dialect.framing != "whole":
            first, *others = (_said(dialect, pieces, True) for pieces in every_way(data))
            assert all(other == first for other in others)
        _said(dialect, [data], False)
        for event_type in ("", "error", data[:40].decode("utf-8", "replace")):
            _refused_or_read(dialect, event_type, data)

    law.__doc__ = f"An answer of {name}, streamed and whole."
    return law


def _said(dialect: Dialect, pieces: list[bytes], streamed: bool) -> tuple[bytes, object]:
    """The journal's line and the fault, as they come of these reads."""
    answer = Answer(dialect, keep_text=True, streamed=streamed)
    answer.accept(200, _KINDS[dialect.framing if streamed else "whole"])
    for piece in pieces:
        answer.on_body(1, piece)
    answer.close(1)
    row = Row("r", 0, 0, "measure", 0)
    answer.timeline.fill(row, 0)
    fault = answer.fault()
    if fault is not None:
        row.outcome = "error"
        row.error_class, row.error = fault
    line = row.to_json()
    assert parse_row(line, "the journal") == row
    return line, fault


def _refused_or_read(dialect: Dialect, event_type: str, data: bytes) -> None:
    for read in (lambda: dialect.read(event_type, data), lambda: dialect.read_whole(data)):
        try:
            read()
        except ValueError:
            continue


DIALECTS = {name: _law(name) for name in OWN}
