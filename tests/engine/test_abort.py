"""A running level is stopped once a threshold has been passed for long enough."""

from __future__ import annotations

from collections.abc import Sequence

import anyio
import pytest

from tailrace.engine.abort import abort_watched, pooled_figures, rules_of
from tailrace.engine.progress import Progress
from tailrace.engine.stop import Stop

RULES = rules_of(["error_rate>10% for 100ms", "ttft:p99>1s", "tokens_per_s<5"])


def part(done: int, *figures: float | None) -> Progress:
    return Progress(
        *(False, done, 0, 0, 0, 0, 0, 0.0), *(None, None, None, None), figures=list(figures)
    )


def test_workers_are_pooled() -> None:
    parts = [part(90, 0.0, 5e8, 3.0), part(10, 1.0, 2e9, None)]
    assert pooled_figures(RULES, parts) == (pytest.approx(0.1), 2e9, 3.0)
    assert pooled_figures(RULES, [part(0, None, None, None)]) == (None, None, None)
    assert pooled_figures(RULES, []) == (None, None, None)


async def watched(values: Sequence[float | None], seconds: float) -> Stop:
    stop = Stop()
    async with abort_watched(RULES[:1], lambda: [part(10, *values)], stop, "m at 8 users"):
        with anyio.move_on_after(seconds):
            await stop.wait(1)
    return stop


@pytest.mark.asyncio
async def test_it_stops_the_run_and_says_why() -> None:
    stop = await watched([0.5], 20)
    assert stop.level == 1
    assert stop.reason == "m at 8 users: error_rate>10% for 100ms: it was 50.0 %"


@pytest.mark.asyncio
async def test_it_leaves_a_good_run_alone() -> None:
    assert (await watched([0.0], 0.6)).level == 0


@pytest.mark.asyncio
async def test_without_thresholds_nothing_is_watched() -> None:
    stop = Stop()
    async with abort_watched((), lambda: [], stop, ""):
        await anyio.sleep(0)
    assert stop.level == 0
