"""A query's answer as a table, as CSV and as JSON. Pure.

Rule: numbers are as the database gave them, not rounded, but that a table shows three significant
digits of a fraction. Texts from outside pass ``safe_text`` in a table.
"""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from tailrace.results.query_schema import DERIVED, GAP_COLUMNS, LEVEL_COLUMNS
from tailrace.results.query_schema import columns as columns_of_row
from tailrace.results.render.figures import amount
from tailrace.results.render.sheet import Sheet
from tailrace.results.render.sheet_text import sheet_lines
from tailrace.results.render.summary_csv import plain_cell
from tailrace.results.render.text import printable_json, safe_text

_CELL = 60
"""Most characters of a text in a table."""


def answer_table(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], width: int
) -> Iterator[str]:
    """Words to the left, numbers to the right; a narrow screen gets more blocks."""
    if not columns:
        return
    if len(columns) == 2 and columns[0] == "explain_key":
        yield from (line for row in rows for line in str(row[1]).splitlines())
        return
    numeric = [_numeric([row[place] for row in rows]) for place in range(len(columns))]
    texts = numeric.index(True) if True in numeric else len(columns)
    sheet = Sheet(
        "",
        tuple(safe_text(name, _CELL) for name in columns),
        ("",) * len(columns),
        tuple(tuple(map(_cell, row)) for row in rows),
        texts=texts,
    )
    yield from sheet_lines(sheet, width)


def _numeric(values: Sequence[Any]) -> bool:
    known = [value for value in values if value is not None]
    return bool(known) and all(
        isinstance(value, (int, float, Decimal)) and not isinstance(value, bool) for value in known
    )


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, float):
        return amount(value) if abs(value) < 1e15 else repr(value)
    return safe_text(str(value), _CELL)


def schema_lines() -> Iterator[str]:
    """Each column of the views with its type."""
    yield "requests"
    for name, kind, about in LEVEL_COLUMNS:
        yield f"  {name:<18} {kind:<9} {about}"
    for column in columns_of_row():
        yield f"  {column.name:<18} {column.type}"
    for name, kind, sql, about in DERIVED:
        yield f"  {name:<18} {kind:<9} {about}: {sql}"
    yield "gaps"
    for name, kind, about in GAP_COLUMNS:
        yield f"  {name:<18} {kind:<9} {about}".rstrip()


def answer_csv(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """RFC 4180, without a byte order mark; lists are JSON, and no text can become a formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(map(plain_cell, columns))
    for row in rows:
        writer.writerow([_plain(value) for value in row])
    return out.getvalue()


def _plain(value: Any) -> Any:
    if isinstance(value, (list, dict)):
        return plain_cell(json.dumps(value, ensure_ascii=False, default=_other))
    if isinstance(value, bool):
        return str(value).lower()
    return plain_cell(value) if isinstance(value, str) else value


def answer_json(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A list of objects; two columns of one name get numbers."""
    names = _distinct(columns)
    documents = [dict(zip(names, row, strict=True)) for row in rows]
    return printable_json(json.dumps(documents, ensure_ascii=False, indent=2, default=_other))


def _distinct(columns: Sequence[str]) -> list[str]:
    names: list[str] = []
    for column in columns:
        name, number = column, 1
        while name in names:
            number += 1
            name = f"{column}_{number}"
        names.append(name)
    return names


def _other(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    return str(value)
