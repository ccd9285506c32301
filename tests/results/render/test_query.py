"""An answer in each format."""

from __future__ import annotations

import csv
import datetime
import io
import json
from decimal import Decimal
from pathlib import Path

from tailrace.results.render.query import answer_csv, answer_json, answer_table, schema_lines

from ..golden_files import assert_golden

GOLDEN = Path(__file__).with_name("golden")
COLUMNS = ["load", "n", "share", "list"]
ROWS = [("8", 12, 0.123456789, [1, 2]), ("=x", None, Decimal("2.50"), None)]


def test_a_table_rounds_and_keeps_words_left() -> None:
    lines = list(answer_table(COLUMNS, ROWS, 80))
    assert lines[0].split() == COLUMNS
    assert lines[1].split() == ["8", "12", "0.123", "[1,", "2]"]
    assert lines[2].split() == ["=x", "2.50"]
    assert list(answer_table([], [], 80)) == []
    assert len(list(answer_table(COLUMNS, [], 80))) == 1


def test_a_table_shows_no_escape_sequence() -> None:
    (_, line) = answer_table(["text"], [("a\x1b[31m\nb",)], 80)
    assert line == "a b"


def test_an_explanation_is_printed_as_it_is() -> None:
    columns = ["explain_key", "explain_value"]
    assert list(answer_table(columns, [("plan", "a\n  b")], 80)) == ["a", "  b"]


def test_csv_rounds_nothing() -> None:
    rows = list(csv.reader(io.StringIO(answer_csv(COLUMNS, ROWS), newline="")))
    assert rows == [COLUMNS, ["8", "12", "0.123456789", "[1, 2]"], ["'=x", "", "2.50", ""]]
    assert answer_csv(["a"], [(True,)]) == "a\r\ntrue\r\n"


def test_json_is_a_list_of_objects() -> None:
    assert json.loads(answer_json(COLUMNS, ROWS))[0] == {
        "load": "8",
        "n": 12,
        "share": 0.123456789,
        "list": [1, 2],
    }
    assert json.loads(answer_json(["a", "a"], [(2**70, b"x")])) == [{"a": 2**70, "a_2": "eA=="}]


def test_the_schema_names_both_views() -> None:
    lines = list(schema_lines())
    assert lines[0] == "requests"
    assert "gaps" in lines
    assert any(line.split()[:2] == ["ttft_ns", "BIGINT"] for line in lines)


def test_a_table_line_for_line() -> None:
    rows = [
        ("a", True, 1, 2.5, None, "x" * 70),
        ("bb", False, None, 1e15, None, b"y"),
        (None, None, 1234567, -0.000123456, None, datetime.date(2026, 11, 25)),
        ("c", True, 0, Decimal("0.1"), None, 1),
    ]
    columns = ["name", "flag", "n", "value", "nothing", "last"]
    text = "\n".join(line.rstrip() for line in answer_table(columns, rows, 200))
    assert_golden(GOLDEN / "query-table.txt", text + "\n")
    assert list(answer_table(["explain_key", "x", "y"], [("a", 1, 2)], 80)) == [
        "explain_key   x   y",
        "a             1   2",
    ]
    assert list(answer_table(["explain_key"], [("a",)], 80)) == ["explain_key", "a"]


def test_every_column_that_can_be_asked_for() -> None:
    lines = list(schema_lines())
    assert_golden(GOLDEN / "query-schema.txt", "\n".join(lines) + "\n")


def test_json_text() -> None:
    day = datetime.date(2026, 11, 25)
    assert answer_json(["é", "d"], [(Decimal("2.50"), day)]) == (
        '[\n  {\n    "é": 2.5,\n    "d": "2026-11-25"\n  }\n]'
    )


def test_csv_text() -> None:
    day = datetime.date(2026, 11, 25)
    rows = [([day, "é"], {"a": Decimal("1.5")}, False, day)]
    assert answer_csv(["=a", "b", "c", "d"], rows) == (
        '\'=a,b,c,d\r\n"[""2026-11-25"", ""é""]","{""a"": 1.5}",false,2026-11-25\r\n'
    )
