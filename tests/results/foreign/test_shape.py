"""Shape: a foreign level begins at nought, and its books are counted from its requests."""

from __future__ import annotations

from tailrace.results.foreign.shape import POINTS, ForeignLevel, ForeignRun, from_zero, ns, stage_of
from tailrace.results.foreign.shape import row_of as made


def run(*levels: ForeignLevel) -> ForeignRun:
    return ForeignRun("t", "1", "m", list(levels), 0)


def test_all_points_in_time_count_from_the_earliest_intent() -> None:
    whole = made(0, 0, "ok", **{name: 1000 + place for place, name in enumerate(POINTS)})
    later = made(0, 1, "error", intended_ns=1500, ended_ns=1700, gaps_ns=[1200])
    from_zero(run(ForeignLevel("1", 1, [later]), ForeignLevel("2", 2, [whole])))
    assert [getattr(whole, name) for name in POINTS] == list(range(len(POINTS)))
    assert (later.intended_ns, later.ended_ns, later.sent_ns) == (500, 700, None)
    assert later.gaps_ns == [1200], "a duration, which has no origin"


def test_a_level_is_counted_from_its_requests() -> None:
    rows = [
        made(0, 3, "ok", intended_ns=10, sent_ns=10, ended_ns=30),
        made(1, 3, "error", intended_ns=5, sent_ns=20, ended_ns=40),
        made(2, 3, "cancelled", intended_ns=50, ended_ns=60),
    ]
    facts = stage_of(3, ForeignLevel("2", 2, rows))
    assert (facts.index, facts.users, facts.load, facts.requests) == (3, 2, "2", 3)
    assert (facts.warmup_s, facts.duration_s) == (0.0, None)
    assert (facts.began_ns, facts.measure_from_ns) == (5, 5)
    assert (facts.measure_until_ns, facts.ended_ns) == (61, 61), "the last end is within it"
    assert facts.books is not None
    assert (facts.books.planned, facts.books.started, facts.books.ended) == (3, 3, 3)
    assert (facts.books.ok, facts.books.error, facts.books.cancelled) == (1, 1, 1)
    assert facts.in_flight_ns == {0: 26, 1: 20, 2: 10}
    assert facts.max_in_flight == 2


def test_a_request_says_which_it_was_and_nothing_that_was_not_told() -> None:
    row = made(4, 2, "ok", intended_ns=1, chunks=None, output_tokens=3)
    assert (row.id, row.stage, row.prompt, row.user) == ("2-4", 2, "4", 0)
    assert (row.phase, row.chunks, row.output_tokens) == ("measure", 0, 3)


def test_seconds_become_whole_nanoseconds() -> None:
    assert ns("1.5") == 1_500_000_000
    assert ns(1e-9) == 1
    assert ns(None) is None
