"""Pareto: the front by hand, and the laws of domination."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.results.pareto import Better, Values, dominates, front

WAYS: list[Better] = ["lower", "higher", "lower"]
value = st.integers(0, 4).map(float)
known = st.tuples(value, value, value)
partly = st.tuples(*[st.none() | value] * 3)


@pytest.mark.parametrize(
    ("one", "other", "wins"),
    [
        ((1, 5, 1), (2, 4, 2), True),
        ((1, 5, 1), (1, 5, 2), True),
        ((1, 5, 1), (1, 5, 1), False),  # equals do not beat each other
        ((1, 3, 1), (2, 4, 2), False),  # slower in one
        ((1, 5, None), (2, 4, 0), True),  # what only one has says nothing
        ((1, 5, 0), (2, 4, None), True),
        ((None, None, 1), (1, 1, None), False),  # nothing in common
        ((2, 4, None), (1, 5, None), False),
    ],
)
def test_who_beats_whom(one: Values, other: Values, wins: bool) -> None:
    assert dominates(one, other, WAYS) is wins


@pytest.mark.parametrize(
    ("rows", "marks"),
    [
        ([], []),
        ([None], [None]),
        ([(1, 1, 1)], [True]),
        ([(1, 5, 1), (2, 4, 2), None, (9, 9, 0)], [True, False, None, True]),
        ([(1, 1, 1), (1, 1, 1)], [True, True]),
        ([(None, None, None), (1, 1, 1)], [True, True]),
        ([(1, 2, None), (None, 1, 2), (2, None, 1)], [True, False, False]),
    ],
)
def test_the_front(rows: list[Values | None], marks: list[bool | None]) -> None:
    assert front(rows, WAYS) == marks


@given(st.lists(known, min_size=1, max_size=12))
def test_with_all_values_known_somebody_is_marked(rows: list[Values]) -> None:
    marks = front(rows, WAYS)
    assert any(marks)
    for row, mark in zip(rows, marks, strict=True):
        beaten = [other for other in rows if dominates(other, row, WAYS)]
        assert mark is (not beaten)
        if beaten:  # and who is beaten, is beaten by one that is marked
            assert any(marks[rows.index(other)] for other in beaten)


@given(partly, partly)
def test_no_two_beat_each_other(one: Values, other: Values) -> None:
    assert not (dominates(one, other, WAYS) and dominates(other, one, WAYS))
    assert not dominates(one, one, WAYS)


@given(st.lists(st.none() | partly, max_size=8), st.randoms())
def test_the_order_does_not_matter(rows: list[Values | None], dice: object) -> None:
    marks = front(rows, WAYS)
    places = list(range(len(rows)))
    dice.shuffle(places)  # type: ignore[attr-defined]
    shuffled = front([rows[place] for place in places], WAYS)
    assert [marks[place] for place in places] == shuffled
