"""A request's own latency is the sample that the tally takes of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.results.metrics import NAMES
from tailrace.results.request_values import start_lag_of, value_of
from tailrace.results.schema import Row

from .builders import MS, row, tally

ONE = row(
    100,
    50,
    (10, 30, 20),
    connect_begin_ns=80 * MS,
    connect_end_ns=85 * MS,
    tls_end_ns=98 * MS,
    intended_ns=99 * MS,
    token_source="usage",
)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("icl", "itl")])
def test_it_is_the_tallys_sample(name: str) -> None:
    hist = tally(ONE).hists[name]
    assert hist.n == 1
    assert value_of(ONE, name) == hist.max_ns


@st.composite
def answers(draw: st.DrawFn) -> Row:
    """Of any pace, sent late, early, after a queue, a connect or another attempt."""
    gaps = draw(st.lists(st.integers(0, 90), max_size=3))
    tokens = draw(st.lists(st.integers(0, 3), min_size=len(gaps) + 1, max_size=len(gaps) + 1))
    connected = draw(st.sampled_from((None, 98 * MS, 99 * MS, 99 * MS + 1)))
    secured = None if connected is None else draw(st.sampled_from((None, connected, 100 * MS)))
    by_chunk = draw(st.booleans())
    return row(
        draw(st.sampled_from((99, 100, 101))),
        draw(st.sampled_from((None, 7))),
        gaps,
        intended_ns=99 * MS,
        queued=draw(st.booleans()),
        attempt=draw(st.integers(1, 3)),
        connect_begin_ns=None if connected is None else 90 * MS,
        connect_end_ns=connected,
        tls_end_ns=secured,
        chunk_tokens=tokens if by_chunk else None,
        output_tokens=sum(tokens) if by_chunk else draw(st.sampled_from((None, 0, 1, 2, 9))),
        token_source="usage",
    )


@given(answers())
def test_of_any_answer_it_is_the_tallys_sample_or_none(answer: Row) -> None:
    hists = tally(answer).hists
    for name in NAMES:
        hist = hists[name]
        if name == "max_gap" and not hist.n:  # of which a tally leaves noughts out
            assert not value_of(answer, name)
        elif name not in ("icl", "itl"):
            assert value_of(answer, name) == (hist.max_ns if hist.n else None), name


@pytest.mark.parametrize(
    ("more", "lag_ns"),
    [
        ({}, 5),
        ({"sent_ns": 100}, 0),
        ({"sent_ns": 99}, 0),
        ({"sent_ns": None}, None),
        ({"queued": True}, None),
        ({"attempt": 2}, None),
        ({"connect_end_ns": 100}, 5),
        ({"connect_end_ns": 101}, None),
        ({"connect_end_ns": 90, "tls_end_ns": 101}, None),
        ({"connect_end_ns": 90, "tls_end_ns": 100}, 5),
    ],
)
def test_a_start_is_late_by_what_the_client_alone_took(
    more: dict[str, Any], lag_ns: int | None
) -> None:
    answer = Row("r", 0, 0, "measure", **({"intended_ns": 100, "sent_ns": 105} | more))
    assert start_lag_of(answer) == value_of(answer, "start_lag") == lag_ns


@pytest.mark.parametrize(("stat", "ms"), [("p50", 20), ("p99", 30), ("max", 30), ("mean", 20)])
def test_of_gaps_it_is_of_the_requests_own(stat: str, ms: int) -> None:
    assert value_of(ONE, "icl", stat) == value_of(ONE, "itl", stat) == ms * MS
    assert value_of(row(gaps_ms=()), "icl", stat) is None


def test_what_a_request_does_not_have_is_none() -> None:
    bare = row(first_ms=None)
    absent = ("ttft", "e2e", "tpot", "ntpot", "connect", "max_gap")
    assert all(value_of(bare, name) is None for name in absent)
    assert value_of(row(0, 5, ()), "tpot") is None
    unsent = row(sent_ms=None, first_ms=None, last_output_ns=5, output_tokens=5)
    assert value_of(unsent, "ntpot") is None
    assert value_of(unsent, "start_lag") is None
