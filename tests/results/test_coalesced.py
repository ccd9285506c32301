"""Which reads of an answer hold several outputs, and which samples that makes uncertain."""

from __future__ import annotations

from itertools import accumulate, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.results.coalesced import UNSURE_NS, shared_reads

from .builders import shared_in

MS = 1_000_000


@pytest.mark.parametrize(
    ("gaps", "lead", "expected"),
    [
        ([], 5 * MS, []),
        ([20 * MS, 20 * MS], 5 * MS, []),
        ([0, 20 * MS], 5 * MS, [(5 * MS, 2, True)]),
        ([20 * MS, 0], 5 * MS, [(20 * MS, 2, False)]),
        ([20 * MS, 0, 0, 30 * MS], 5 * MS, [(20 * MS, 3, False)]),
        ([20 * MS, 0, 30 * MS, 0], 5 * MS, [(20 * MS, 2, False), (30 * MS, 2, False)]),
        ([0, 0, 0], 7, [(7, 4, True)]),
    ],
)
def test_a_table(gaps: list[int], lead: int, expected: list[tuple[int, int, bool]]) -> None:
    found = shared_in(gaps, lead)
    assert list(zip(*(column.tolist() for column in found[:3]), strict=True)) == expected


@given(st.lists(st.sampled_from([0, 1_000, 3 * MS]), max_size=12), st.sampled_from([10, 9 * MS]))
def test_the_same_by_the_definition(gaps: list[int], lead: int) -> None:
    """Output by output: its read is its stamp, the last of a read is certain."""
    stamps = list(accumulate([lead, *gaps]))
    reads = [0, *sorted(set(stamps))]
    widths = {after: after - before for before, after in pairwise(reads)}
    hidden = [
        index + 1 < len(stamps) and stamps[index + 1] == stamp for index, stamp in enumerate(stamps)
    ]
    unsure = [
        each and widths[stamp] > UNSURE_NS for each, stamp in zip(hidden, stamps, strict=True)
    ]
    found = shared_in(gaps, lead)
    assert sum(found.outputs - 1) == sum(hidden) == gaps.count(0)
    assert sum(found.unsure.gaps) == sum(a or b for a, b in pairwise(unsure))
    assert any(found.unsure.first) == unsure[0]


ANSWERS = st.lists(
    st.tuples(st.lists(st.sampled_from([0, 0, 3 * MS]), max_size=5), st.sampled_from([0, 7])),
    max_size=6,
)


@given(ANSWERS)
def test_many_answers_at_once_give_what_each_gives(answers: list[tuple[list[int], int]]) -> None:
    gaps = [gap for each, _ in answers for gap in each]
    numbers = (gaps, [len(each) for each, _ in answers], [lead for _, lead in answers])
    found = shared_reads(*(np.array(each, dtype=np.int64) for each in numbers))
    one_by_one = [shared_in(*answer) for answer in answers]
    for place in range(3):
        assert found[place].tolist() == [v for each in one_by_one for v in each[place].tolist()]
    counts = [len(each.outputs) for each in one_by_one]
    assert found.answer.tolist() == np.repeat(np.arange(len(counts)), counts).tolist()


def test_chosen_reads_keep_their_widths_and_answers() -> None:
    gaps = np.array([0, 3 * MS, 0, 0], dtype=np.int64)
    found = shared_reads(gaps, np.array([1, 2, 1]), np.array([7, 8, 4 * MS]))
    assert found.unsure.width_ns.tolist() == [3 * MS, 4 * MS]
    assert found.unsure.answer.tolist() == [1, 2]
