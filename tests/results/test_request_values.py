"""A request's own latency is the sample that the tally takes of it."""

from __future__ import annotations

import pytest

from tailrace.results.metrics import NAMES
from tailrace.results.request_values import value_of

from .builders import MS, row, tally

ONE = row(
    100,
    50,
    (10, 30, 20),
    connect_begin_ns=80 * MS,
    connect_end_ns=85 * MS,
    tls_end_ns=98 * MS,
    intended_ns=99 * MS,
    token_source="usage",
)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("icl", "itl")])
def test_it_is_the_tallys_sample(name: str) -> None:
    hist = tally(ONE).hists[name]
    assert hist.n == 1
    assert value_of(ONE, name) == hist.max_ns


@pytest.mark.parametrize(("stat", "ms"), [("p50", 20), ("p99", 30), ("max", 30), ("mean", 20)])
def test_of_gaps_it_is_of_the_requests_own(stat: str, ms: int) -> None:
    assert value_of(ONE, "icl", stat) == ms * MS
    assert value_of(row(gaps_ms=()), "icl", stat) is None


def test_what_a_request_does_not_have_is_none() -> None:
    bare = row(first_ms=None)
    absent = ("ttft", "e2e", "tpot", "ntpot", "connect", "max_gap")
    assert all(value_of(bare, name) is None for name in absent)
    assert value_of(row(0, 5, ()), "tpot") is None
