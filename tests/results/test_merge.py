"""A level from its workers' shares: what stays with each, and when."""

from __future__ import annotations

from dataclasses import fields

import pytest

from tailrace.results.facts import Books
from tailrace.results.hist import Hist
from tailrace.results.merge import in_flight_of, merge_into, pool
from tailrace.results.pulse_facts import PulseFacts
from tailrace.results.session_facts import SessionBooks
from tailrace.results.spread import Spread, spread_of
from tailrace.results.stamp_facts import StampFacts

from .builders import MS, row, stage


@pytest.mark.parametrize(("node", "parts"), [("", 0), ("b", 1)])
def test_a_lone_worker_is_the_level_and_elsewhere_keeps_its_place(node: str, parts: int) -> None:
    whole = stage([row(1)], users=3)
    part = stage([row(1)], users=3, node=node, max_in_flight=2, pulse=PulseFacts(wall_ns=7))
    merge_into(whole, [part])
    assert [each.node for each in whole.parts] == [node] * parts
    assert (whole.max_in_flight, whole.pulse.wall_ns) == (2, 7)
    assert whole.books == part.books


def spread(*values_ms: int) -> Spread:
    hist = Hist()
    hist.add_many([value * MS for value in values_ms])
    return spread_of(hist)


def test_of_several_workers_everything_that_adds_up() -> None:
    one = stage(
        [row(1)],
        users=3,
        connections_opened=2,
        measure_until_ns=7,
        stamps=StampFacts(10, 4, 3, spread(1, 2)),
        books=Books(*range(1, 1 + len(fields(Books)))),
    )
    two = stage(
        [row(1)],
        users=4,
        connections_opened=5,
        measure_until_ns=9,
        stamps=StampFacts(20, 6, 1, spread(9)),
        books=Books(*range(10, 10 + len(fields(Books)))),
    )
    idle = stage([], measure_until_ns=None)
    whole = stage([row(1)], users=7)
    flying = whole.in_flight_ns
    merge_into(whole, [one, two, idle])
    assert whole.parts == [one, two, idle]
    assert (whole.connections_opened, whole.measure_until_ns) == (7, 9)
    assert (whole.in_flight_ns, whole.max_in_flight) == (flying, 7)
    assert whole.pulse == PulseFacts()
    books = [getattr(whole.books, field.name) for field in fields(Books)]
    assert books == [11 + 2 * place for place in range(len(books))]
    stamps = whole.stamps
    assert (stamps.kernel_reads, stamps.user_reads, stamps.refused) == (30, 10, 4)
    assert (stamps.lag.n, stamps.lag.max_ns) == (3, 9 * MS)
    assert stamps.lag.p50_ns == pytest.approx(2 * MS, rel=2e-3)
    nothing = stage([], users=2, connections_opened=8)
    merge_into(nothing, [])
    assert (nothing.connections_opened, nothing.parts) == (8, [])


def test_pooling_nothing_and_parts_of_it() -> None:
    assert pool([]).n == 0
    assert pool([Spread(), spread(3), Spread()]).max_ns == 3 * MS
    assert pool([Spread(5, 1, 1, 1, None, "x"), Spread(5, 1, 1, 1, 1, None)]).n == 0


@pytest.mark.parametrize(
    ("spans", "bounds", "spent", "highest"),
    [
        ([], (0, 10), {0: 10}, 0),
        ([], (10, 10), {}, 0),
        ([(2, 5)], (0, 10), {0: 7, 1: 3}, 1),
        ([(2, 5), (5, 8)], (0, 10), {0: 4, 1: 6}, 1),
        ([(2, 6), (5, 8)], (0, 10), {0: 4, 1: 5, 2: 1}, 2),
        ([(2, 6), (5, 8)], (3, 7), {1: 3, 2: 1}, 2),
        ([(2, 6), (5, 8)], (6, 7), {1: 1}, 2),
        ([(-5, 20)], (0, 10), {1: 10}, 1),
        ([(3, 3)], (0, 10), {0: 10}, 0),
        ([(0, 4), (1, 4), (2, 4)], (0, 5), {0: 1, 1: 1, 2: 1, 3: 2}, 3),
    ],
)
def test_time_at_each_number_in_flight(
    spans: list[tuple[int, int]], bounds: tuple[int, int], spent: dict[int, int], highest: int
) -> None:
    flat = [edge for span in spans for edge in span]
    found, most = in_flight_of(flat, *bounds)
    assert (found, list(found), most) == (spent, sorted(spent), highest)


def test_two_workers_stay_apart_and_their_sessions_add_up() -> None:
    parts = [stage([], sessions=SessionBooks(begun=n, broken=1)) for n in (2, 3)]
    whole = stage([])
    merge_into(whole, parts)
    assert whole.parts == parts
    assert whole.sessions == SessionBooks(begun=5, broken=2)
