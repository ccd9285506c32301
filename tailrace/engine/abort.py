"""Abort: looks at a running level's thresholds and stops the run when one is passed.

What it looks at is each worker's own glance: shares are pooled by their requests, rates are added
up, and of latencies the worst worker's counts, as the live panel has it.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence

import anyio

from tailrace.engine.clock import now_ns
from tailrace.engine.progress import Progress
from tailrace.engine.stop import Stop
from tailrace.results.abort import AbortRule, AbortWatch, parse_abort

LOOK_S = 0.25


def rules_of(texts: Sequence[str]) -> tuple[AbortRule, ...]:
    """The thresholds of a scenario."""
    return tuple(rule for text in texts for rule in parse_abort(text))


@contextlib.asynccontextmanager
async def abort_watched(
    rules: Sequence[AbortRule], progress: Callable[[], Sequence[Progress]], stop: Stop, where: str
) -> AsyncIterator[None]:
    """While this is open, ``stop`` is told to abort once a threshold is passed."""
    if not rules:
        yield
        return
    async with anyio.create_task_group() as group:

        async def look() -> None:
            watch = AbortWatch(rules)
            while True:
                await anyio.sleep(LOOK_S)
                reason = watch.look(now_ns(), pooled_figures(rules, progress()))
                if reason is not None:
                    stop.abort(f"{where}: {reason}")
                    return

        group.start_soon(look)
        yield
        group.cancel_scope.cancel()


def pooled_figures(
    rules: Sequence[AbortRule], parts: Sequence[Progress]
) -> tuple[float | None, ...]:
    """Each threshold's figure over all workers; None while nobody has one."""
    return tuple(_pooled(rule, place, parts) for place, rule in enumerate(rules))


def _pooled(rule: AbortRule, place: int, parts: Sequence[Progress]) -> float | None:
    known = [(part.figures[place], part.done) for part in parts if len(part.figures) > place]
    values = [(value, done) for value, done in known if value is not None]
    if not values:
        return None
    if rule.beyond.is_share:
        total = sum(done for _, done in values)
        return sum(value * done for value, done in values) / total if total else None
    if not rule.beyond.of_latency:
        return sum(value for value, _ in values)
    worst = max if rule.beyond.relation.startswith(">") else min
    return worst(value for value, _ in values)
