"""Crew: whoever holds a level for the run, one worker here or many in processes of their own.

The verbs are four: be ready, hold the level from a given moment, cut it short, say how it goes. A
run does not know which crew it has.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from tailrace.engine.progress import Progress
from tailrace.engine.worker import Target, Worker
from tailrace.results.facts import StageFacts


class Held(NamedTuple):
    """What came of a level."""

    parts: Sequence[StageFacts]
    """One a worker that ended it."""
    progress: Sequence[Progress]
    """What it came to, by worker."""
    begun_ns: Sequence[int]
    """When measured arrivals of an open loop were acted on, ns since the origin, unsorted."""
    lost: Sequence[str] = ()
    """Workers that did not end it, one sentence each."""


class Crew(Protocol):
    """The four verbs, and the end."""

    lead_ns: int
    """How far ahead of its beginning a level must be announced."""

    async def prepare(self, target: Target, index: int) -> None:
        """Have everybody ready for the level; raises WireError when connecting ahead fails."""
        ...

    async def hold(self, target: Target, index: int, began_ns: int) -> Held:
        """Hold the level; returns when every worker has ended it or is lost."""
        ...

    def cut(self) -> None:
        """End the level under way before its time: no new request, those in flight may finish."""
        ...

    def progress(self) -> Sequence[Progress]:
        """How the level goes, by worker."""
        ...

    async def aclose(self) -> None:
        """Let everybody go."""
        ...


class Alone:
    """A crew of one: the worker of this process."""

    lead_ns = 10_000_000
    """So that none of the first requests is late from the start."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    async def prepare(self, target: Target, index: int) -> None:
        """See Crew.prepare."""
        await self._worker.prepare(target, self._worker.scenario.levels[index])

    async def hold(self, target: Target, index: int, began_ns: int) -> Held:
        """See Crew.hold."""
        stage = await self._worker.hold(target, index, began_ns)
        return Held((stage,), self.progress(), self._worker.loop_begun)

    def cut(self) -> None:
        """See Crew.cut."""
        self._worker.cut()

    def progress(self) -> Sequence[Progress]:
        """See Crew.progress."""
        now = self._worker.progress()
        return () if now is None else (now,)

    async def aclose(self) -> None:
        """Nothing: the worker is the run's own."""
