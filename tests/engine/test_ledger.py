"""The ledger against a count by hand, for any interleaving of starts and ends."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tailrace.engine.ledger import Ledger
from tailrace.results.facts import Books
from tailrace.results.schema import OUTCOMES, Outcome

Step = tuple[int, bool, Outcome]
"""Time since the step before, whether a request starts rather than ends, outcome of an end."""

steps = st.lists(
    st.tuples(st.integers(0, 20), st.booleans(), st.sampled_from(OUTCOMES)), max_size=40
)


def played(ledger: Ledger, made: list[Step]) -> list[tuple[int, int]]:
    """Do the steps that can be done; returns (time, change) of each."""
    at, in_flight = 0, 0
    done = []
    for wait, starts, outcome in made:
        at += wait
        if starts:
            ledger.start(at)
        elif in_flight:
            ledger.end(at, outcome)
        else:
            continue
        in_flight += 1 if starts else -1
        done.append((at, 1 if starts else -1))
    return done


def counted(done: list[tuple[int, int]], from_ns: int, until_ns: int) -> dict[int, int]:
    """Time at each level, tick by tick."""
    found: dict[int, int] = {}
    for tick in range(from_ns, until_ns):
        level = sum(change for at, change in done if at <= tick)
        found[level] = found.get(level, 0) + 1
    return found


def test_counts_and_time() -> None:
    ledger = Ledger(Books(), 0, 100)
    ledger.start(0)
    ledger.start(10)
    ledger.end(30, "ok")
    ledger.end(60, "error")
    ledger.close(100)
    assert ledger.in_flight_ns == {1: 40, 2: 20, 0: 40}
    assert (ledger.books.started, ledger.books.ok, ledger.books.error) == (2, 1, 1)
    assert (ledger.in_flight, ledger.max_in_flight) == (0, 2)


def test_warm_up_and_drain_are_outside_the_window() -> None:
    ledger = Ledger(Books(), 100, 200)
    ledger.start(0)
    ledger.start(20)
    ledger.end(40, "ok")
    ledger.end(250, "ok")
    ledger.close(200)
    assert ledger.in_flight_ns == {1: 100}
    assert ledger.max_in_flight == 2, "the highest of the whole stage"


def test_without_a_planned_end_close_is_the_end() -> None:
    ledger = Ledger(Books(), 0, None)
    ledger.start(0)
    ledger.close(70)
    ledger.end(90, "censored")
    ledger.close(95)
    assert ledger.in_flight_ns == {1: 70}


def test_close_before_the_planned_end_cuts_the_window() -> None:
    ledger = Ledger(Books(), 0, 100)
    ledger.start(0)
    ledger.close(40)
    ledger.end(60, "cancelled")
    assert ledger.in_flight_ns == {1: 40}


def test_close_after_the_planned_end_does_not_stretch_it() -> None:
    ledger = Ledger(Books(), 0, 100)
    ledger.start(0)
    ledger.close(400)
    ledger.end(500, "ok")
    assert ledger.in_flight_ns == {1: 100}


def test_a_level_that_ended_in_its_warm_up_has_no_time() -> None:
    ledger = Ledger(Books(), 100, 200)
    ledger.start(0)
    ledger.end(50, "cancelled")
    ledger.close(50)
    assert ledger.in_flight_ns == {}


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_each_outcome_has_its_count(outcome: Outcome) -> None:
    ledger = Ledger(Books(), 0, None)
    ledger.start(0)
    ledger.end(1, outcome)
    books = ledger.books
    assert {name: getattr(books, name) for name in OUTCOMES} == {
        name: int(name == outcome) for name in OUTCOMES
    }
    assert books.ended == 1


@settings(max_examples=200, deadline=None)
@given(steps, st.integers(0, 300), st.integers(0, 300))
def test_books_balance_and_time_adds_up(made: list[Step], from_ns: int, length: int) -> None:
    until_ns = from_ns + length
    ledger = Ledger(Books(), from_ns, until_ns)
    done = played(ledger, made)
    level = ledger.in_flight
    assert level == ledger.books.started - ledger.books.ended
    end_ns = max([until_ns, *(at for at, _ in done)])
    for _ in range(level):
        ledger.end(end_ns, "censored")
    ledger.close(end_ns)
    assert ledger.in_flight_ns == counted(done, from_ns, until_ns)
    assert sum(ledger.in_flight_ns.values()) == length
    ledger.books.planned = ledger.books.started
    assert ledger.books.balanced()
    assert ledger.in_flight == 0


@settings(max_examples=200, deadline=None)
@given(steps, st.integers(0, 300), st.integers(0, 50))
def test_an_unplanned_end_is_where_it_was_closed(made: list[Step], from_ns: int, more: int) -> None:
    ledger = Ledger(Books(), from_ns, None)
    done = played(ledger, made)
    until_ns = max([0, *(at for at, _ in done)]) + more
    ledger.close(until_ns)
    for _ in range(ledger.in_flight):
        ledger.end(until_ns + 1000, "cancelled")
    assert ledger.in_flight_ns == counted(done, from_ns, until_ns)
    assert sum(ledger.in_flight_ns.values()) == max(0, until_ns - from_ns)


@settings(max_examples=200, deadline=None)
@given(steps)
def test_the_maximum_is_the_highest_ever(made: list[Step]) -> None:
    ledger = Ledger(Books(), 10_000, 10_001)
    level = highest = 0
    for _, change in played(ledger, made):
        level += change
        highest = max(highest, level)
    assert ledger.max_in_flight == highest


def test_a_request_that_waits_to_be_sent_again_is_not_in_flight() -> None:
    ledger = Ledger(Books(), 0, None)
    ledger.start(10)
    ledger.pause(20, first=True)
    ledger.resume(50)
    ledger.pause(60, first=False)
    ledger.resume(90)
    ledger.end(100, "ok")
    ledger.close(100)
    assert ledger.in_flight_ns == {0: 10 + 30 + 30, 1: 10 + 10 + 10}
    books = ledger.books
    assert (books.started, books.ok, books.retried, books.retries) == (1, 1, 1, 2)
    books.planned = 1
    assert books.balanced()
    assert (ledger.in_flight, ledger.max_in_flight) == (0, 1)


def test_several_that_wait_to_be_sent_again_are_not_in_flight() -> None:
    ledger = Ledger(Books(), 0, 100)
    for at_ns in (0, 0, 0):
        ledger.start(at_ns)
    ledger.pause(10, first=True)
    ledger.pause(10, first=False)
    ledger.resume(30)
    ledger.resume(60)
    ledger.start(70)
    ledger.close(100)
    assert ledger.in_flight_ns == {3: 20, 1: 20, 2: 30, 4: 30}
    assert (ledger.max_in_flight, ledger.books.retries, ledger.books.retried) == (4, 2, 1)
