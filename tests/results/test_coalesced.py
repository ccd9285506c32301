"""Which reads of an answer hold several outputs, and which samples that makes uncertain."""

from __future__ import annotations

from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.results.coalesced import UNSURE_NS, SharedRead, shared_reads

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
    assert shared_reads(gaps, lead) == [SharedRead(*read) for read in expected]


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
    found = shared_reads(gaps, lead)
    assert sum(read.outputs - 1 for read in found) == sum(hidden) == gaps.count(0)
    known = [read for read in found if read.unsure]
    assert sum(read.gaps for read in known) == sum(a or b for a, b in pairwise(unsure))
    assert any(read.first for read in known) == unsure[0]
