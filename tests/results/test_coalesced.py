"""Which samples a shared read makes uncertain."""

from __future__ import annotations

from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.results.coalesced import UNSURE_NS, Coalesced, coalesced

MS = 1_000_000


@pytest.mark.parametrize(
    ("gaps", "lead", "expected"),
    [
        ([], 5 * MS, (0, 0, False)),
        ([20 * MS, 20 * MS], 5 * MS, (0, 0, False)),
        ([0, 20 * MS], 5 * MS, (1, 1, True)),  # the first two in one read: TTFT is unsure
        ([0, 20 * MS], 1_000, (1, 0, False)),  # but the read before it was only 1 us ago
        ([20 * MS, 0], 5 * MS, (1, 2, False)),  # both gaps have the uncertain second output
        ([20 * MS, 0, 0, 20 * MS], 5 * MS, (2, 3, False)),
        ([20 * MS, 0, 20 * MS, 0], 5 * MS, (2, 4, False)),
        ([0, 0, 0], UNSURE_NS, (3, 0, False)),
        ([0, 0, 0], UNSURE_NS + 1, (3, 3, True)),
    ],
)
def test_a_table(gaps: list[int], lead: int, expected: tuple[int, int, bool]) -> None:
    assert coalesced(gaps, lead) == Coalesced(*expected)


@given(st.lists(st.sampled_from([0, 1_000, 3 * MS]), max_size=12), st.sampled_from([10, 9 * MS]))
def test_the_same_by_the_definition(gaps: list[int], lead: int) -> None:
    """Output by output: its read is its stamp, the last of a read is certain."""
    stamps = list(accumulate([lead, *gaps]))
    reads = [0, *sorted(set(stamps))]
    widths = {after: after - before for before, after in pairwise(reads)}
    unsure = [
        index + 1 < len(stamps) and stamps[index + 1] == stamp and widths[stamp] > UNSURE_NS
        for index, stamp in enumerate(stamps)
    ]
    found = coalesced(gaps, lead)
    assert found.chunks == gaps.count(0)
    assert found.unsure_first == unsure[0]
    assert found.unsure_gaps == sum(a or b for a, b in pairwise(unsure))
