"""The client at the moments of the looks: against a slow and plain count of the same rows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.results.schema import Row
from tailrace.results.server_client import ClientSide, Totals

ROWS = st.lists(
    st.tuples(
        st.integers(0, 100),  # sent
        st.integers(0, 50),  # to the first output
        st.lists(st.integers(0, 40), max_size=6),  # gaps
        st.integers(0, 20),  # to the end
    ),
    max_size=8,
)


def row_of(sent: int, to_first: int, gaps: list[int], to_end: int) -> Row:
    first = sent + to_first
    last = first + sum(gaps)
    return Row(
        *("x", 0, 0, "measure", sent),
        sent_ns=sent,
        first_output_ns=first,
        last_output_ns=last,
        ended_ns=last + to_end,
        gaps_ns=gaps,
        output_tokens=len(gaps) + 1,
        token_source="usage",
    )


@given(st.lists(st.integers(-5, 200), max_size=10), ROWS)
def test_in_flight_and_tokens_at_each_look(
    looks: list[int], told: list[tuple[int, int, list[int], int]]
) -> None:
    looks.sort()
    client = ClientSide(looks)
    rows = [row_of(*each) for each in told]
    for row in rows:
        client.add(row)
    times = [t for row in rows for t in chunk_times(row)]
    assert client.tokens() == pytest.approx([sum(t <= at for t in times) for at in looks])
    flying = [sum((row.sent_ns or 0) <= at < row.ended_ns for row in rows) for at in looks]
    assert client.in_flight() == flying


def chunk_times(row: Row) -> list[int]:
    at = row.first_output_ns or 0
    times = [at]
    for gap in row.gaps_ns:
        at += gap
        times.append(at)
    return times


def test_totals_of_a_level_hold_every_attempt() -> None:
    client = ClientSide()
    client.add(row_of(0, 1, [1], 0))
    failed = row_of(0, 1, [], 0)
    failed.outcome, failed.retried = "error", True
    client.add(failed)
    counted = row_of(0, 1, [1, 1], 0)
    counted.token_source = "counted"
    client.add(counted)
    total = client.totals[0]
    assert (total.rows, total.output_tokens, total.not_ok, total.not_told) == (3, 6, 1, 1)


def test_a_whole_answer_comes_at_its_end() -> None:
    client = ClientSide([10, 20])
    row = Row("x", 0, 0, "measure", 0, sent_ns=0, last_output_ns=15, ended_ns=15, streamed=False)
    row.output_tokens = 8
    client.add(row)
    assert client.tokens() == [0.0, 8.0]


def test_chunks_of_several_tokens_count_them() -> None:
    client = ClientSide([12])
    row = row_of(0, 10, [5, 5], 0)
    row.output_tokens, row.chunk_tokens = 9, [4, 4, 1]
    client.add(row)
    assert client.tokens() == [4.0]


def test_totals_by_level_and_by_what_the_server_told() -> None:
    client = ClientSide([5])
    for stage, outcome, source, retried in (
        (0, "ok", "usage", False),
        (0, "ok", "counted", False),
        (0, "error", "counted", False),
        (1, "ok", "usage", True),
        (1, "ok", "counted", False),
        (1, "ok", "counted", False),
    ):
        row = row_of(0, 1, [1], 0)
        row.stage, row.outcome, row.token_source, row.retried = stage, outcome, source, retried
        row.input_tokens = 10
        client.add(row)
    empty = Row("x", 1, 0, "measure", 0, outcome="ok", token_source="usage")
    client.add(empty)
    assert dict(client.totals) == {
        0: Totals(rows=3, output_tokens=6, input_tokens=30, not_ok=1, not_told=1),
        1: Totals(rows=4, output_tokens=6, input_tokens=30, not_ok=1, not_told=2),
    }


def test_what_has_no_output_has_no_tokens_at_any_look() -> None:
    client = ClientSide([5, 50])
    for missing in ("first_output_ns", "last_output_ns", "output_tokens"):
        row = row_of(0, 1, [2], 0)
        setattr(row, missing, None)
        client.add(row)
    unsent = row_of(0, 1, [2], 0)
    unsent.sent_ns = None
    client.add(unsent)
    assert client.tokens() == [0.0, 0.0]
    assert client.in_flight() == [0, 0]
    nobody = ClientSide()
    nobody.add(row_of(0, 1, [2], 0))
    assert (nobody.tokens(), nobody.in_flight()) == ([], [])
