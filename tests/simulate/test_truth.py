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


def test_a_new_record_says_that_nothing_has_happened_yet() -> None:
    truth = Truth(10)
    truth.received("abc", 6, True, 40, 50)
    assert truth.values() == {
        "clock": "perf_counter_ns",
        "request_count": 1,
        "in_flight": 1,
        "max_in_flight": 1,
        "connections": 1,
        "connections_accepted": 0,
        "dropped": 0,
        "requests": [
            {"number": 1, "id": "abc", "connection": 6, "arrived_ns": 40, "received_ns": 50}
            | dict.fromkeys(("started_ns", "headers_ns", "finish_ns", "done_ns"), 0)
            | dict.fromkeys(("status", "tokens", "bytes"), 0)
            | {"writes_ns": [], "end": "", "fault": None, "in_flight": 1}
        ],
    }


def test_the_oldest_go_first_and_only_as_many_as_must() -> None:
    truth = Truth(2)
    for stamps in (STAMPS_PER_RECORD, STAMPS_PER_RECORD):
        record = enter(truth)
        record.writes_ns.extend(range(stamps))
        truth.closed(record, "done")
    assert truth.dropped == 0, "as many stamps as are allowed"
    record = enter(truth)
    assert (truth.dropped, truth.values()["requests"][0]["number"]) == (1, 2)
    record.writes_ns.extend(range(STAMPS_PER_RECORD + 1))
    truth.closed(record, "fault")
    kept = truth.values()["requests"]
    assert [(one["number"], one["end"]) for one in kept] == [(3, "fault")]
    assert truth.dropped == 2


def test_a_record_that_was_forgotten_still_leaves() -> None:
    truth = Truth(1)
    first, second = enter(truth), enter(truth)
    first.writes_ns.extend(range(10 * STAMPS_PER_RECORD))
    truth.closed(first, "done")
    assert (truth.in_flight, truth.dropped) == (1, 1)
    truth.closed(second, "done")
    assert [one["number"] for one in truth.values()["requests"]] == [2]


def test_a_reset_begins_another_epoch() -> None:
    truth = Truth(1)
    begun = truth.epoch
    enter(truth, first=True)
    enter(truth, first=True)
    truth.reset()
    assert truth.epoch == begun + 1
    assert (truth.connections, truth.dropped, truth.requests) == (0, 0, 0)
    assert enter(truth).number == 1
