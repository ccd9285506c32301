"""An hour of an open loop: every request starts in the nanosecond that the schedule says.

So the realised rate is the schedule's and no clock, timer or sum drifts away from it; and a client
that is held up sends what it owes as soon as it can, which shows in the lag and not in the rate.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

import pytest

from tailrace.engine.arrivals import schedule
from tailrace.engine.load import WHOLE, arrivals_judged, bounds_of, starts_of
from tailrace.results.facts import Books, StageFacts
from tailrace.scenarios.model import Level
from tailrace.scenarios.rates import Arrivals, ProcessName, RatePhase

from ..virtual_clock import VirtualLoop, run_virtually
from .served import Served

MS = 1_000_000
S = 1000 * MS
HOUR_S = 3600.0
RATE = 20.0
ANSWER_NS = 2 * S
"""Some 40 requests are in flight all the time; it makes no difference."""


class Hour:
    """A level of an hour, held up for ``length_ns`` at some moments."""

    def __init__(
        self, process: ProcessName, holdups: Sequence[int] = (), length_ns: int = 0
    ) -> None:
        arrivals = Arrivals((RatePhase(RATE, RATE, None),), process)
        level = Level(None, 0.0, HOUR_S, None, arrivals=arrivals)
        bounds = bounds_of(level, WHOLE, began_ns=S, drain_s=30.0)
        self.due_ns = list(schedule(arrivals, 1, round(HOUR_S * S), None))
        self.served = Served(
            starts_of(level, arrivals, WHOLE, 1, bounds), bounds, lambda index: ANSWER_NS
        )

        async def hold() -> None:
            loop = asyncio.get_running_loop()
            assert isinstance(loop, VirtualLoop)
            for at_ns in holdups:
                loop.call_at((S + at_ns) / 1e9, loop.stand_still, length_ns)
            await self.served.hold()

        run_virtually(hold)
        self.begun_ns = [at_ns - S for at_ns in self.served.loop.begun_ns]
        stage = StageFacts(
            *(0, None, 0.0, level.duration_s, None, 0, Books()),
            measure_from_ns=bounds.measure_from_ns,
            measure_until_ns=self.served.loop.measured_until_ns,
        )
        begun_ns = self.served.loop.begun_ns
        self.found: dict[str, Any] = arrivals_judged(level, stage, begun_ns) or {}


def test_constant_arrivals_are_counted_and_placed_exactly() -> None:
    hour = Hour("constant")
    assert hour.begun_ns == [50 * MS * index for index in range(72_000)]
    assert hour.found["rate_error_percent"] == 0
    assert hour.served.tally.hists["start_lag"].max_ns == 0
    assert hour.served.books.ok == hour.served.books.planned == 72_000


def test_poisson_arrivals_come_as_they_were_drawn() -> None:
    """Their number is a matter of chance (0.4 % is one standard deviation), but not of the client:
    against the schedule that was drawn not one is missing or late."""
    hour = Hour("poisson")
    assert hour.begun_ns == hour.due_ns
    assert hour.served.tally.hists["start_lag"].max_ns == 0
    assert hour.served.books.ok == len(hour.due_ns)
    assert abs(hour.found["rate_error_percent"]) < 4 * hour.found["rate_error_sd_percent"]
    assert hour.found["dispersion"] == pytest.approx(1, abs=0.1)
    assert hour.found["ks_p"] > 1e-4


@pytest.mark.parametrize("process", ["constant", "poisson"])
def test_a_client_that_is_held_up_is_late_by_just_that_and_keeps_the_rate(
    process: ProcessName,
) -> None:
    length_ns = 200 * MS
    holdups = [second * S + 777_777_777 for second in range(5, 3600, 10)]
    hour = Hour(process, holdups, length_ns)

    def as_soon_as_may_be(due_ns: int) -> int:
        last = bisect_right(holdups, due_ns) - 1
        return due_ns if last < 0 else max(due_ns, holdups[last] + length_ns)

    assert hour.begun_ns == [as_soon_as_may_be(due_ns) for due_ns in hour.due_ns]
    assert abs(len(hour.begun_ns) / len(hour.due_ns) - 1) < 0.001
    lag = hour.served.tally.hists["start_lag"]
    lags = [begun - due for begun, due in zip(hour.begun_ns, hour.due_ns, strict=True)]
    assert (lag.n, lag.max_ns) == (len(lags), max(lags))
    assert 0.8 * length_ns < lag.max_ns <= length_ns
    assert lag.share_above(0) == pytest.approx(0.02, rel=0.1)
