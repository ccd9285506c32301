"""The other clock's offset is known to half the quickest round trip, however the ways differ."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.results.clock_facts import Ping, clock_of

WAYS_NS = st.tuples(st.integers(0, 10**9), st.integers(0, 10**9))


@given(
    st.integers(-(10**18), 10**18),
    st.lists(WAYS_NS, min_size=1, max_size=20),
    st.integers(0, 10**9),
)
def test_the_true_offset_is_within_the_uncertainty(
    offset_ns: int, ways: list[tuple[int, int]], between_ns: int
) -> None:
    pings, now_ns = [], 0
    for there_ns, back_ns in ways:
        told_ns = now_ns + there_ns + offset_ns
        pings.append(Ping(now_ns, told_ns, now_ns + there_ns + back_ns))
        now_ns += there_ns + back_ns + between_ns
    found = clock_of(pings)
    assert abs(found.offset_ns - offset_ns) <= found.uncertainty_ns
    assert found.uncertainty_ns == -(-min(map(sum, ways)) // 2)


def test_the_quickest_ping_is_believed() -> None:
    found = clock_of([Ping(0, 1_000_900, 1000), Ping(5000, 1_005_010, 5020)])
    assert (found.offset_ns, found.uncertainty_ns) == (1_000_000, 10)


def test_no_ping_is_no_clock() -> None:
    with pytest.raises(ValueError, match="empty"):
        clock_of([])
