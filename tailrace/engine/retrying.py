"""Retrying: a request that may be sent more than once, as the scheduler sees it: one request.

Rule: each attempt fills a row of its own, with the intended time of the first, and an id that says
which it is. An attempt that failed and is followed by another is given away at once; the last one
is the request's outcome. While it waits for its next attempt it is not in flight, but it keeps its
user, or its place among those that are let in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

import anyio

from tailrace.engine.retry_rules import LONGEST_RETRY_AFTER_S, may_retry, retry_after_s
from tailrace.results.schema import Row
from tailrace.scenarios.retries import Retries

_EARLY_S = 0.001
"""uvloop's timers are whole milliseconds and fire up to one early; a server asked for its time."""


class Attempted(Protocol):
    """One attempt: a worker's Sending."""

    row: Row

    async def perform(self) -> Row:
        """Until its outcome."""
        ...

    def cut(self) -> Row:
        """What was seen of it until now."""
        ...

    def header(self, name: bytes) -> str:
        """A header of its answer, "" when it has none."""
        ...


class Keeper(Protocol):
    """Who keeps the rows and the books: a level's Scheduler, or whoever sends the cold request."""

    def postpone(self, row: Row) -> None:
        """An attempt failed, and its request will be sent again."""
        ...

    def resume(self) -> None:
        """The wait is over: it is sent again, or given up."""
        ...


class Patience(NamedTuple):
    """How long one request is tried."""

    retries: Retries
    seed: int
    sequence: int
    may: Callable[[], bool]
    """Whether requests are to be sent again at all any more."""

    def wait_s(self, failed: Attempted) -> float | None:
        """How long to wait before the next attempt; None when there is to be none."""
        row, retries = failed.row, self.retries
        if row.attempt > retries.times or not may_retry(row) or not self.may():
            return None
        wait_s = retries.wait_s(self.seed, self.sequence, row.attempt)
        asked_s = retry_after_s(failed.header(b"retry-after"), failed.header(b"date")) or 0.0
        return max(wait_s, asked_s) if asked_s <= LONGEST_RETRY_AFTER_S else None


class Retrying:
    """See scheduler.Sending."""

    __slots__ = ("_attempt", "_id", "_keeper", "_make", "_patience")

    def __init__(
        self, row: Row, make: Callable[[Row], Attempted], patience: Patience, keeper: Keeper
    ) -> None:
        self._id = row.id
        self._make = make
        self._patience = patience
        self._keeper = keeper
        self._attempt = make(row)

    @property
    def row(self) -> Row:
        """Of the attempt under way."""
        return self._attempt.row

    def cut(self) -> Row:
        """What was seen of the attempt under way; one that still waits was never sent."""
        return self._attempt.cut()

    async def perform(self) -> Row:
        """Attempt after attempt, until one is the last; returns its row."""
        while True:
            row = await self._attempt.perform()
            wait_s = self._patience.wait_s(self._attempt)
            if wait_s is None:
                return row
            row.retried = True
            self._keeper.postpone(row)
            self._attempt = self._make(self._next_row(row))
            try:
                await anyio.sleep(wait_s + _EARLY_S)
            finally:
                self._keeper.resume()

    def _next_row(self, row: Row) -> Row:
        attempt = row.attempt + 1
        return Row(
            f"{self._id}.{attempt}",
            *(row.stage, row.user, row.phase, row.intended_ns),
            queued=row.queued,
            streamed=row.streamed,
            attempt=attempt,
            prompt=row.prompt,
            model=row.model,
            asked_hash=row.asked_hash,
            url=row.url,
        )
