"""Requests that were sent again: counted once as requests, once for each attempt that failed."""

from __future__ import annotations

from tailrace.results.retried import Retried
from tailrace.results.schema import Row

from .builders import MS, row, tally


def failed(number: int, attempt: int = 1, **more: object) -> Row:
    """An attempt that was followed by another."""
    made: dict[str, object] = {
        "outcome": "error",
        "error_class": "http_503",
        "status": 503,
        "attempt": attempt,
        "retried": True,
    }
    return row(number, None, (), **(made | more))


def test_one_request_of_three_attempts() -> None:
    found = Retried()
    for each in (failed(0), failed(5, 2), row(9, attempt=3)):
        found.add(each)
    assert (found.all_requests, found.all_retries) == (1, 2)
    assert found.result() == {"requests": 1, "retries": 2, "ok": 1, "classes": {"http_503": 2}}


def test_requests_add_up() -> None:
    found = Retried()
    for number in range(3):
        for each in (failed(number), row(number, attempt=2), row(number)):
            found.add(each)
    assert (found.all_requests, found.all_retries) == (3, 3)
    assert found.result() == {"requests": 3, "retries": 3, "ok": 3, "classes": {"http_503": 3}}


def test_warm_up_is_in_the_books_and_in_no_result() -> None:
    found = Retried()
    for each in (failed(0, phase="warmup"), row(9, attempt=2, phase="warmup")):
        found.add(each)
    assert (found.all_requests, found.all_retries) == (1, 1)
    assert found.result() == {"requests": 0, "retries": 0, "ok": 0, "classes": {}}


def test_a_request_that_never_came_through() -> None:
    found = Retried()
    found.add(failed(0))
    found.add(row(9, None, (), attempt=2, outcome="error", error_class="http_500"))
    assert found.result() == {"requests": 1, "retries": 1, "ok": 0, "classes": {"http_503": 1}}


def test_a_tally_takes_the_last_attempt_alone() -> None:
    last = row(900, 100, intended_ns=0, attempt=2)
    added = tally(failed(0, intended_ns=0), last)
    assert added.outcomes.total() == added.outcomes["ok"] == 1
    assert added.error_classes.total() == 0
    assert added.hists["ttft"].n == 1
    assert added.hists["ttft"].max_ns == 100 * MS  # from its own sent
    assert added.hists["ttft_response"].max_ns == 1000 * MS  # from the intended start
    assert added.hists["start_lag"].n == 0  # it waited for the retry, not for the client
