"""The journal line: what is written is read back, and what is no line is refused."""

from __future__ import annotations

from typing import get_args

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tailrace.errors import ResultError
from tailrace.results.schema import OUTCOMES, Outcome, Phase, Row, TokenSource, parse_row

from .builders import row

many = settings(max_examples=200, deadline=None)

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
times = st.integers(-(2**62), 2**62)
counts = st.integers(0, 2**53)
made_by = {
    "str": texts,
    "str | None": st.none() | texts,
    "int": times,
    "int | None": st.none() | times,
    "float | None": st.none() | st.floats(0, 1e9),
    "bool": st.booleans(),
    "bool | None": st.none() | st.booleans(),
    "Phase": st.sampled_from(get_args(Phase)),
    "Outcome": st.sampled_from(get_args(Outcome)),
    "TokenSource": st.sampled_from(get_args(TokenSource)),
    "list[dict[str, Any]] | None": st.none() | st.lists(st.dictionaries(texts, texts), max_size=2),
    "list[int]": st.lists(times, max_size=5),
    "list[int] | None": st.none() | st.lists(counts, max_size=5),
}
rows = st.builds(Row, **{name: made_by[kind] for name, kind in Row.__annotations__.items()})


@many
@given(rows)
def test_a_row_reads_back_as_it_was(made: Row) -> None:
    line = made.to_json()
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    back = parse_row(line, "here")
    assert back == made
    assert back.to_json() == line


def test_the_least_row_has_its_defaults() -> None:
    line = b'{"id":"a","stage":0,"user":1,"phase":"measure","intended_ns":5}'
    made = parse_row(line, "here")
    assert made == Row("a", 0, 1, "measure", 5)
    assert (made.outcome, made.token_source, made.gaps_ns) == ("ok", "unknown", [])


def test_keys_of_a_newer_version_are_left_out() -> None:
    data = orjson.loads(row().to_json()) | {"colour": "red"}
    assert parse_row(orjson.dumps(data), "here") == parse_row(row().to_json(), "here")


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"x",
        b"\xff\xfe",
        b"{",
        row().to_json()[:-20],
        b"[]",
        b"null",
        b"1",
        b'"text"',
        b"{}",
        b'{"id":"a"}',
        b'{"id":"a","stage":0,"user":1,"phase":"measure"}',
    ],
)
def test_what_is_no_row_is_refused_by_name(line: bytes) -> None:
    with pytest.raises(ResultError, match=r"journal\.jsonl line 3"):
        parse_row(line, "journal.jsonl line 3")


def test_the_list_of_outcomes_is_whole() -> None:
    assert set(OUTCOMES) == set(get_args(Outcome))
