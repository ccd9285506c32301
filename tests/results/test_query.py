"""Query: every field comes back as it was written, and nothing else can be reached."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tailrace.errors import ResultError, TailraceError, UsageError
from tailrace.results.query import named_runs, query
from tailrace.results.schema import Row

from .builders import MS, row, run_folder, waited

ROWS = [
    row(0, 100, (10, 20), id="a", text="it's 'so'\n\"ünï\"", tool_calls=[{"name": "f", "n": [1]}]),
    row(5, 50, (), id="b", stage=1, chunk_tokens=[3], model="base", reused=None),
    waited("timeout", 900, 100, (5,), id="c", error="late"),
    row(7, 60, (1,), id="d", retried=True),
]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return run_folder(tmp_path / "it's [a] run*", ROWS, stages=2).path


def ask(run: Path, sql: str) -> list[tuple[Any, ...]]:
    return query({"r": run}, sql).rows


def test_every_field_comes_back(run: Path) -> None:
    fields = [field.name for field in msgspec.structs.fields(Row)]
    names = ["asked_model" if name == "model" else name for name in fields]
    found = ask(run, f"SELECT {', '.join(names)} FROM requests")
    for wanted, got in zip(ROWS, found, strict=True):
        for name, value in zip(fields, got, strict=True):
            is_json = name == "tool_calls" and value is not None
            read = msgspec.json.decode(value) if is_json else value
            assert read == getattr(wanted, name), name


def test_what_is_added(run: Path) -> None:
    found = ask(run, "SELECT run, model, load, users, measured, ttft_ns FROM requests ORDER BY id")
    assert found == [
        ("r", "m", "1", 1, True, 100 * MS),
        ("r", "m", "1", 1, True, 50 * MS),
        ("r", "m", "1", 1, True, 100 * MS),
        ("r", "m", "1", 1, False, 60 * MS),
    ]


def test_gaps_are_one_row_each_in_order(run: Path) -> None:
    found = ask(run, "SELECT id, place, gap_ns FROM gaps ORDER BY id, place")
    assert found == [("a", 1, 10 * MS), ("a", 2, 20 * MS), ("c", 1, 5 * MS), ("d", 1, MS)]


def test_several_runs_are_one_table(run: Path, tmp_path: Path) -> None:
    other = run_folder(tmp_path / "other", ROWS[:1]).path
    sql = "SELECT run, count(*) FROM requests GROUP BY run ORDER BY run"
    assert query({"x": run, "y": other}, sql).rows == [("x", 4), ("y", 1)]


def test_a_torn_line_is_left_out_and_a_bad_one_is_named(run: Path) -> None:
    journal = run / "m/requests.jsonl"
    whole = journal.read_bytes()
    journal.write_bytes(whole + b'{"id":"torn","sta')
    assert ask(run, "SELECT count(*) FROM requests") == [(4,)]
    journal.write_bytes(whole + b'{"id":7}\n')
    with pytest.raises(ResultError, match=r"line 5 is not a request line.*\$\.id"):
        ask(run, "SELECT 1")
    journal.unlink()
    assert ask(run, "SELECT count(*) FROM requests") == [(0,)]


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT * FROM read_csv('{file}')", "disabled"),
        ("SELECT * FROM '{file}'", "cannot be answered"),
        ("SELECT content FROM read_text('{file}')", "disabled"),
        ("COPY requests TO '{file}'", "only reads: SELECT, not COPY"),
        ("EXPLAIN ANALYZE COPY requests TO '{file}'", "disabled"),
        ("ATTACH '{file}'", "not ATTACH"),
        ("CREATE TABLE x AS SELECT 1", "not CREATE"),
        ("DELETE FROM rows", "not DELETE"),
        ("SET enable_external_access = true", "not SET"),
        ("INSTALL httpfs", "not LOAD"),
        ("SELECT 1; SELECT 2", "one statement, here are 2"),
        ("", "one statement, here are 0"),
        ("SELEC 1", "syntax error"),
        ("SELECT nope FROM requests", "nope"),
        ("SELECT * FROM runs", "does not exist"),
    ],
)
def test_nothing_else_can_be_reached(run: Path, tmp_path: Path, sql: str, said: str) -> None:
    file = tmp_path / "secret.csv"
    file.write_text("a\n1\n", encoding="utf-8")
    with pytest.raises(TailraceError, match=said) as caught:
        ask(run, sql.format(file=file))
    assert "\n" not in str(caught.value)
    assert file.read_text(encoding="utf-8") == "a\n1\n"


@pytest.mark.parametrize("sql", ["FROM gaps", "SUMMARIZE requests", "DESCRIBE gaps", "SHOW TABLES"])
def test_other_ways_to_read(run: Path, sql: str) -> None:
    assert ask(run, sql)


def test_without_duckdb_one_sentence_says_how_to_get_it(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(UsageError, match=r"pip install 'tailrace\[query\]'"):
        ask(run, "SELECT 1")


def test_names_of_runs(run: Path, tmp_path: Path) -> None:
    assert list(named_runs(run, {"b": tmp_path})) == ["it's [a] run*", "b"]
    with pytest.raises(UsageError, match="two runs are named"):
        named_runs(run, {"it's [a] run*": run})
    with pytest.raises(ResultError, match="--run NAME=PATH"):
        named_runs(None, {})
