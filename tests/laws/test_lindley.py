"""The open loop is a queue, and queues have laws: what it reports is what theory says, to the ns.

With one request in flight a request waits W' = max(0, W + S - A), where W and S are wait and
service of the one before, and A is the time between the two arrivals (D. V. Lindley, The theory of
queues with a single server, 1952). With k in flight it waits for the least of k workloads (J.
Kiefer and J. Wolfowitz, On the theory of queues with many servers, 1955). A response time is wait
and service together. The recursions know nothing of event loops, tasks or timers.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tailrace.engine.arrivals import schedule
from tailrace.results.schema import Row
from tailrace.scenarios.rates import Arrivals, ProcessName, RatePhase

from .served import Served, serve

MS = 1_000_000
S = 1000 * MS

SERVICE_NS, STALL_NS = 10 * MS, 2 * S
STALLED = 500
"""The request, of 1000, that the server stalls on."""


def lindley(due_ns: Sequence[int], service_ns: Sequence[int]) -> list[int]:
    """Response times with one in flight."""
    wait, responses = 0, [service_ns[0]]
    for (before, due), (served, service) in zip(
        pairwise(due_ns), pairwise(service_ns), strict=True
    ):
        wait = max(0, wait + served - (due - before))
        responses.append(wait + service)
    return responses


def kiefer_wolfowitz(due_ns: Sequence[int], service_ns: Sequence[int], servers: int) -> list[int]:
    """Response times with so many in flight."""
    work, before, responses = [0] * servers, 0, []
    for due, service in zip(due_ns, service_ns, strict=True):
        work = sorted(max(0, left - (due - before)) for left in work)
        work[0] += service
        responses.append(work[0])
        before = due
    return responses


def responses_of(rows: Sequence[Row]) -> list[int]:
    return [row.ended_ns - row.intended_ns for row in rows]


def services_of(rows: Sequence[Row]) -> list[int]:
    return [row.ended_ns - row.sent_ns for row in rows if row.sent_ns is not None]


def with_a_stall(index: int) -> int:
    return SERVICE_NS + STALL_NS * (index == STALLED)


def due_of(process: ProcessName) -> list[int]:
    return list(schedule(Arrivals((RatePhase(50.0, 50.0, None),), process), 3, None, 1000))


def check_books(served: Served, n: int) -> None:
    books = served.books
    assert (books.planned, books.started, books.ok) == (n, n, n)
    assert books.balanced()


@pytest.mark.parametrize("process", ["constant", "poisson"])
@pytest.mark.parametrize("limit", [1, 2, 3])
def test_responses_around_a_stall_are_those_of_queueing_theory(
    process: ProcessName, limit: int
) -> None:
    due_ns = due_of(process)
    service_ns = [with_a_stall(index) for index in range(len(due_ns))]
    served = serve(due_ns, with_a_stall, limit)
    expected = kiefer_wolfowitz(due_ns, service_ns, limit)
    check_books(served, len(due_ns))
    assert responses_of(served.rows) == expected
    assert limit > 1 or expected == lindley(due_ns, service_ns)
    responses = served.tally.hists["e2e_response"]
    assert (responses.n, responses.min_ns, responses.max_ns) == (1000, min(expected), max(expected))
    assert responses.mean_ns == sum(expected) / 1000
    assert served.tally.hists["start_lag"].max_ns == 0


@pytest.mark.parametrize("process", ["constant", "poisson"])
def test_times_from_the_send_would_hide_the_stall(process: ProcessName) -> None:
    """Coordinated omission: the client waits, and what it waits for is in no sample.

    From the send, 999 of 1000 samples are 10 ms and one is 2.01 s: the server looks perfect up to
    p99.9. But it was asked 50 times a second, and a hundred users came while it stood still and a
    hundred more before it had caught up. From the intended time each has its wait, the last of
    them less than the first, and p90 is already a second.
    """
    served = serve(due_of(process), with_a_stall, limit=1)
    assert sorted(services_of(served.rows)) == [SERVICE_NS] * 999 + [SERVICE_NS + STALL_NS]
    service, response = (served.tally.hists[name] for name in ("e2e", "e2e_response"))
    (service_p99,) = service.percentiles((99.0,))
    response_p90, response_p99 = response.percentiles((90.0, 99.0))
    assert (service_p99 or 0) < 1.001 * SERVICE_NS
    assert (response_p90 or 0) > 0.8 * S
    assert (response_p99 or 0) > 1.7 * S
    assert response.share_above(100 * MS) > 0.15
    assert service.share_above(100 * MS) == 0.001


def test_without_a_cap_nobody_waits() -> None:
    served = serve(due_of("poisson"), with_a_stall)
    assert responses_of(served.rows) == [with_a_stall(index) for index in range(1000)]
    assert not any(row.queued for row in served.rows)


times_ns = st.integers(0, 3) | st.integers(0, 50 * MS) | st.integers(0, 5 * S)
customers = st.lists(st.tuples(times_ns, times_ns), min_size=1, max_size=150)


@settings(max_examples=60, deadline=None)
@given(customers, st.integers(1, 5))
def test_any_arrivals_and_services_obey_the_law(
    customers: list[tuple[int, int]], limit: int
) -> None:
    """Bunches in one nanosecond and answers in none among them."""
    due_ns = list(accumulate(gap for gap, _ in customers))
    service_ns = [service for _, service in customers]
    served = serve(due_ns, service_ns.__getitem__, limit)
    check_books(served, len(customers))
    assert responses_of(served.rows) == kiefer_wolfowitz(due_ns, service_ns, limit)
    assert limit > 1 or responses_of(served.rows) == lindley(due_ns, service_ns)
    assert services_of(served.rows) == service_ns
    sent = [row.sent_ns for row in served.rows]
    assert sent == sorted(sent, key=lambda at_ns: at_ns or 0)  # first come, first served
