"""The window of the rates: which tokens and which answers are in it."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tailrace.results.schema import Row
from tailrace.results.window import Window

from .builders import MS, row

WINDOW = (1_000 * MS, 2_000 * MS)
WINDOWED = {
    "inside": (row(1_000, 100, (10,) * 9), 10, 1),
    "before": (row(100, 100, (10,) * 9), 0, 0),
    "after": (row(2_000, 100, (10,) * 9), 0, 0),
    "starts at the beginning": (row(900, 100, (10,) * 9), 10, 1),
    "ends before the end": (row(1_000, 100, (898,)), 2, 1),
    "ends at the end": (row(1_000, 100, (900,)), 1, 0),
    "the beginning is in it": (row(850, 100, (10,) * 9), 5, 1),
    "the end is in it": (row(1_900, 50, (10,) * 9), 5, 0),
    "it is inside the answer": (row(800, 100, (200,) * 9), 5, 0),
    "closed after it": (row(1_000, 100, (10,), closed_ns=2_000 * MS), 2, 0),
    "closed just in it": (row(1_000, 100, (10,), closed_ns=2_000 * MS - 1), 2, 1),
    "a gap over all of it": (row(400, 500, (1_200,)), 0, 0),
    "usage is spread over the chunks": (
        row(850, 100, (10,) * 9, output_tokens=20, token_source="usage"),
        10,
        1,
    ),
    "one chunk": (row(1_000, 100, ()), 1, 1),
    "one chunk at the end": (row(1_900, 100, ()), 0, 0),
    "of a failed request": (row(1_000, 100, (10,), outcome="error"), 2, 0),
    "of a censored request": (row(1_000, 100, (10,), outcome="censored", closed_ns=None), 2, 0),
    "of a request of the warm-up": (row(900, 200, (10,), phase="warmup"), 2, 1),
    "whole, within it": (
        row(
            900,
            None,
            (),
            streamed=False,
            output_tokens=9,
            last_output_ns=1_500 * MS,
            closed_ns=1_500 * MS,
        ),
        9,
        1,
    ),
    "whole, at the end": (
        row(
            1_900,
            None,
            (),
            streamed=False,
            output_tokens=9,
            last_output_ns=2_000 * MS,
            closed_ns=2_000 * MS,
        ),
        0,
        0,
    ),
    "ends at the beginning": (row(800, 100, (100,)), 1, 1),
    "closed at the beginning": (row(800, 100, (10,), closed_ns=1_000 * MS), 0, 1),
    "the first chunk just in it": (
        row(1_900, 100, (10,), first_output_ns=2_000 * MS - 1),
        1,
        0,
    ),
    "no known first output": (row(1_000, None, last_output_ns=1_500 * MS, output_tokens=5), 0, 0),
    "unknown tokens": (row(1_000, 100, (10,), output_tokens=None), 0, 1),
}


@pytest.mark.parametrize(("made", "tokens", "requests"), WINDOWED.values(), ids=WINDOWED.keys())
def test_the_window(made: Row, tokens: float, requests: int) -> None:
    window = Window(*WINDOW)
    assert window.tokens(made) == pytest.approx(tokens)
    assert window.has_end(made) == bool(requests)


def test_it_counts_what_is_added() -> None:
    window, rows = Window(*WINDOW), [made for made, _, _ in WINDOWED.values()]
    for made in rows:
        window.add(made)
    assert window.requests == sum(requests for _, _, requests in WINDOWED.values())
    assert window.all_tokens == sum((Fraction(window.tokens(made)) for made in rows), Fraction())


def test_the_window_counts_each_chunks_own_tokens_where_they_are_known() -> None:
    """Tokens by the time of their chunk: 9 tokens came inside and 1 after."""
    made = row(1_900, 50, (100,), output_tokens=10, token_source="usage", chunk_tokens=[9, 1])
    assert Window(*WINDOW).tokens(made) == pytest.approx(9)


def test_without_a_window_everything_is_in_it() -> None:
    window, rows = Window(), (row(0, 0, (0,), closed_ns=0), row(10**9, 100, (10,)))
    assert [(window.tokens(made), window.has_end(made)) for made in rows] == [(2, True)] * 2


@settings(max_examples=100, deadline=None)
@given(
    st.integers(0, 3_000),
    st.lists(st.integers(0, 700), max_size=8),
    st.integers(1, 30),
)
def test_the_window_takes_the_share_of_the_chunks_in_it(
    sent_ms: int, gaps_ms: list[int], tokens: int
) -> None:
    made = row(sent_ms, 5, gaps_ms, output_tokens=tokens, token_source="usage")
    times = [sent_ms + 5 + sum(gaps_ms[:k]) for k in range(len(gaps_ms) + 1)]
    share = Fraction(sum(1_000 <= at < 2_000 for at in times), len(times))
    assert Window(*WINDOW).tokens(made) == pytest.approx(float(share * tokens))
