"""The cap's transitions against tables, and its books against a plain model."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tailrace.engine.admission import Admission
from tailrace.scenarios.model import PolicyName as Policy

many = settings(max_examples=200, deadline=None)


@pytest.mark.parametrize("policy", ["queue", "drop", "abort"])
def test_over_the_cap_the_policy_decides(policy: Policy) -> None:
    admission: Admission[int] = Admission(2, policy)
    assert [admission.arrive(item) for item in range(4)] == ["start", "start", policy, policy]
    counts = (admission.queued, admission.dropped, admission.aborted)
    assert counts == {"queue": (2, 0, 0), "drop": (0, 2, 0), "abort": (0, 0, 2)}[policy]
    assert (admission.in_flight, admission.max_in_flight) == (2, 2)


def test_those_that_wait_leave_in_their_order() -> None:
    admission: Admission[int] = Admission(1, "queue")
    for item in range(4):
        admission.arrive(item)
    assert [admission.free() for _ in range(4)] == [1, 2, 3, None]
    assert (admission.in_flight, admission.started, admission.max_queued) == (0, 4, 3)


def test_an_arrival_does_not_overtake_those_that_wait() -> None:
    """The place that became free is taken by the first of them at once."""
    admission: Admission[str] = Admission(1, "queue")
    assert [admission.arrive(item) for item in "ab"] == ["start", "queue"]
    assert admission.free() == "b"
    assert admission.arrive("c") == "queue"


def test_the_first_index_can_wait_too() -> None:
    admission: Admission[int] = Admission(1, "queue")
    admission.arrive(9)
    admission.arrive(0)
    assert admission.free() == 0


@pytest.mark.parametrize("policy", ["queue", "drop", "abort"])
def test_without_a_cap_all_start(policy: Policy) -> None:
    admission: Admission[int] = Admission(None, policy)
    assert {admission.arrive(item) for item in range(1000)} == {"start"}
    assert admission.in_flight == admission.max_in_flight == 1000


def test_who_still_waits_at_the_end_is_dropped() -> None:
    admission: Admission[int] = Admission(1, "queue")
    for item in range(3):
        admission.arrive(item)
    assert admission.give_up() == (1, 2)
    assert admission.give_up() == ()
    assert (admission.queued, admission.dropped, admission.max_queued) == (0, 2, 2)
    assert admission.free() is None


def test_a_cap_of_none_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="one request"):
        Admission(0, "queue")


def test_nothing_ends_that_did_not_start() -> None:
    with pytest.raises(ValueError, match="in flight"):
        Admission(1, "queue").free()


@many
@given(
    st.none() | st.integers(1, 4),
    st.sampled_from(["queue", "drop", "abort"]),
    st.lists(st.sampled_from("+-x"), max_size=60),
)
def test_the_books_balance(limit: int | None, policy: Policy, moves: list[str]) -> None:
    admission: Admission[int] = Admission(limit, policy)
    started: list[int] = []
    for item, move in enumerate(moves):
        if move == "+" and admission.arrive(item) == "start":
            started.append(item)
        elif move == "-" and admission.in_flight:
            following = admission.free()
            started += [] if following is None else [following]
        elif move == "x":
            admission.give_up()
        lost = admission.dropped + admission.aborted
        assert admission.arrived == admission.started + admission.queued + lost
        assert limit is None or admission.in_flight <= limit
        assert not admission.queued or admission.in_flight == limit
    assert started == sorted(started)
    assert len(started) == admission.started


def test_before_the_first_nothing_is_counted() -> None:
    admission: Admission[int] = Admission(3, "queue")
    assert (admission.max_in_flight, admission.max_queued) == (0, 0)
    with pytest.raises(ValueError, match=r"^nothing is in flight"):
        admission.free()
