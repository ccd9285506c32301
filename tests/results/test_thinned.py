"""Thinning: which rows are kept, and that they are never more than asked."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tailrace.results.thinned import Thinned


@given(st.integers(0, 3000), st.integers(2, 100), st.integers(1, 4))
def test_every_so_many_rows_one_is_kept_in_order(rows: int, most: int, width: int) -> None:
    made = Thinned(width, most)
    for number in range(rows):
        made.add([number] * width)
    kept = made.table
    assert made.seen == rows
    assert kept.tolist() == [[number] * width for number in range(0, rows, made.every)]
    assert len(kept) < most
    assert made.every & (made.every - 1) == 0
    assert made.every == 1 or len(kept) >= most // 2
