"""An open loop on the real clock: no request is early, and most are late by less than 1 ms."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

import pytest

from tailrace.scenarios.model import Level, Scenario
from tailrace.scenarios.rates import Arrivals, RatePhase
from tailrace.simulate import Script, background

from .matched import Matched, run_matched

pytestmark = pytest.mark.realtime

RATE, SECONDS = 200.0, 5.0


@pytest.fixture(scope="module", params=["auto", "asyncio"])
def paced(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Matched]:
    """200 a second for 5 seconds, answered at once with one token."""
    arrivals = Arrivals((RatePhase(RATE, RATE, None),), "constant")
    with background(Script(ttft_ns=1_000_000, gap_ns=0, tokens=1)) as url:
        scenario = Scenario(
            base_url=url,
            models=("sim",),
            levels=(Level(None, 0.0, SECONDS, None, arrivals=arrivals),),
            max_tokens=1,
            loop=request.param,
        )
        yield run_matched(scenario, tmp_path_factory.mktemp("runs"))


def test_no_request_is_early(paced: Matched) -> None:
    assert len(paced.rows) == RATE * SECONDS
    for row in paced.rows:
        assert row.sent_ns is not None
        assert row.sent_ns >= row.intended_ns


def test_intended_times_are_the_schedules(paced: Matched) -> None:
    rows = sorted(paced.rows, key=lambda row: row.user)
    first_ns = rows[0].intended_ns
    assert [row.intended_ns - first_ns for row in rows] == [5_000_000 * row.user for row in rows]


def test_most_starts_are_late_by_less_than_a_millisecond(paced: Matched) -> None:
    lags = [row.sent_ns - row.intended_ns for row in paced.rows if row.sent_ns is not None]
    assert statistics.median(lags) < 1e6
    reported = paced.stage["metrics"]["start_lag"]["percentiles"]["p50"]["value_ns"]
    assert reported < 1e6


def test_the_rate_is_kept(paced: Matched) -> None:
    """The client's count and span, and the server's: arrivals at its kernel."""
    found = paced.stage["arrivals"]
    assert abs(found["rate_error_percent"]) < 0.5
    arrived = sorted(paced.true_by_id[row.id]["arrived_ns"] for row in paced.rows)
    per_s = (len(arrived) - 1) / (arrived[-1] - arrived[0]) * 1e9
    assert abs(per_s / RATE - 1) < 0.005
