"""The truth counts once, forgets the oldest first, and says how many it forgot."""

import json

from hypothesis import given
from hypothesis import strategies as st

from tailrace.simulate.truth import STAMPS_PER_RECORD, Record, Truth


def enter(truth: Truth, name: str | None = None, *, first: bool = False) -> Record:
    return truth.received(name, 1, first, 4, 5)


def test_counts_and_names() -> None:
    truth = Truth(10)
    named, numbered = enter(truth, "abc", first=True), enter(truth)
    named.writes_ns.extend([7, 9])
    truth.closed(named, "done")
    third = enter(truth)
    values = truth.values()
    assert [record["id"] for record in values["requests"]] == ["abc", "2", "3"]
    assert [record["in_flight"] for record in values["requests"]] == [1, 2, 2]
    assert values["requests"][0]["writes_ns"] == [7, 9]
    assert (values["max_in_flight"], values["in_flight"], values["connections"]) == (2, 2, 1)
    assert truth.values(records=False)["requests"] == []
    json.dumps(values)
    for record in (numbered, third):
        truth.closed(record, "left")
    assert truth.in_flight == 0


def test_reset_keeps_what_is_in_flight() -> None:
    truth = Truth(10)
    old = enter(truth)
    truth.reset()
    assert (truth.max_in_flight, truth.requests, truth.in_flight) == (1, 0, 1)
    enter(truth)
    truth.closed(old, "done")
    assert (truth.max_in_flight, truth.in_flight) == (2, 1)
    assert len(truth.values()["requests"]) == 1


@given(
    st.integers(0, 5),
    st.lists(st.tuples(st.booleans(), st.integers(0, 3 * STAMPS_PER_RECORD)), max_size=30),
)
def test_memory_is_bounded(limit: int, steps: list[tuple[bool, int]]) -> None:
    truth = Truth(limit)
    flying: list[Record] = []
    for finish, stamps in steps:
        flying.append(enter(truth))
        flying[-1].writes_ns.extend(range(stamps))
        if finish:
            truth.closed(flying.pop(0), "done")
        kept = truth.values()["requests"]
        ended = sum(len(record["writes_ns"]) for record in kept if record["end"])
        assert len(kept) <= limit
        assert ended <= limit * STAMPS_PER_RECORD
        assert len(kept) + truth.dropped == truth.requests
        assert truth.in_flight == len(flying)
