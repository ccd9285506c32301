"""Query schema: Row's fields as SQL columns, each with its own type."""

from __future__ import annotations

import msgspec

from tailrace.results.query_schema import DERIVED, LEVEL_COLUMNS, columns, quoted
from tailrace.results.schema import Row


def test_every_field_of_row_is_a_column_with_its_type() -> None:
    found = {column.field: column for column in columns()}
    assert list(found) == [field.name for field in msgspec.structs.fields(Row)]
    wanted = {
        "id": ("VARCHAR", "NULL"),
        "intended_ns": ("BIGINT", "NULL"),
        "tls_end_ns": ("BIGINT", "NULL"),
        "ended_ns": ("BIGINT", "0"),
        "gaps_ns": ("BIGINT[]", "[]"),
        "chunk_tokens": ("BIGINT[]", "NULL"),
        "token_source": ("VARCHAR", "'unknown'"),
        "outcome": ("VARCHAR", "'ok'"),
        "reused": ("BOOLEAN", "NULL"),
        "streamed": ("BOOLEAN", "TRUE"),
        "prompt": ("VARCHAR", "''"),
        "tool_calls": ("JSON", "NULL"),
    }
    assert {name: (found[name].type, found[name].default) for name in wanted} == wanted


def test_no_two_columns_have_one_name() -> None:
    names = [name for name, *_ in (*LEVEL_COLUMNS, *DERIVED)] + [c.name for c in columns()]
    assert len(names) == len(set(names))
    assert "asked_model" in names


def test_a_quote_is_doubled() -> None:
    assert quoted("a'b") == "'a''b'"
