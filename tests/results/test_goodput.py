"""Goodput: which requests are good, and of how many."""

from __future__ import annotations

from tailrace.results.goodput import Goodput
from tailrace.results.slo import parse_slos

from .builders import MS, S, row, waited

SLOS = parse_slos("ttft:p99<100ms, icl:p99<50ms, error_rate<1%")


def test_a_good_request_meets_every_latency_objective() -> None:
    found = Goodput(SLOS, 0, S)
    found.add(row(0, 50))  # good
    found.add(row(1, 100))  # too late
    found.add(row(2, 50, (10, 60)))  # a gap too long
    found.add(row(3, 50, ()))  # good: no gap to miss by
    assert found.result(1.0) == {
        "objectives": ["ttft:p99<100ms", "icl:p99<50ms"],
        "good": 2,
        "measured": 4,
        "share": 0.5,
        "per_s": 2.0,
    }


def test_figures_are_rounded_and_missing_where_nothing_was_measured() -> None:
    found = Goodput(SLOS, 0, S)
    empty = found.result(None)
    assert empty is not None
    assert (empty["share"], empty["per_s"]) == (None, None)
    assert found.result(0.0) == empty
    for index, first_ms in enumerate((50, 500, 500)):
        found.add(row(index, first_ms))
    result = found.result(7.0)
    assert result is not None
    assert (result["share"], result["per_s"]) == (0.333333, 0.1429)


def test_what_ended_before_the_window_is_in_no_rate() -> None:
    found = Goodput(SLOS, 500 * MS, S)
    found.add(row(0, 50))
    found.add(row(600, 50))
    assert (found.in_window, found.good) == (1, 2)


def test_what_failed_counts_in_the_denominator_and_what_was_cancelled_does_not() -> None:
    found = Goodput(SLOS)
    for each in (row(0, 50), row(1, 50, outcome="error"), waited("timeout", 500)):
        found.add(each)
    found.add(row(2, 50, outcome="cancelled"))
    assert (found.good, found.measured) == (1, 3)


def test_a_rate_counts_what_ended_in_the_window_and_a_share_what_was_measured() -> None:
    found = Goodput(SLOS, 100 * MS, 200 * MS)
    found.add(row(60, 50, (10,), phase="warmup"))  # ends at 121 ms
    found.add(row(150, 60, (10,)))  # ends at 221 ms
    result = found.result(0.1)
    assert result is not None
    assert (result["per_s"], result["good"], result["measured"]) == (10.0, 1, 1)


def test_without_a_latency_objective_there_is_none() -> None:
    found = Goodput(parse_slos("error_rate<1%"))
    found.add(row())
    assert found.result(1.0) is None


def test_an_attempt_that_was_followed_by_another_does_not_count() -> None:
    found = Goodput(SLOS)
    found.add(row(0, 50, outcome="error", retried=True))
    assert found.measured == 0
