"""Admission: how many requests of an open loop may be in flight, and what becomes of the others.

Rule: an arrival is decided once and at once, by counts alone; those that wait leave in the order
in which they came. It starts nothing and waits for nothing: whoever does asks here first.

Why a cap at all: without one, a server slower than the schedule is given connections until this
machine has no more, and then the client is what is measured. Each way to be capped shows in the
result: waiting lengthens the response time (it counts from the due time), dropping shows in the
books, and aborting ends the level.
"""

from __future__ import annotations

from collections import deque
from typing import Generic, Literal, TypeVar

from tailrace.scenarios.model import PolicyName

Decision = Literal["start", "queue", "drop", "abort"]

Item = TypeVar("Item")


class Admission(Generic[Item]):
    """Counts of one level. ``arrived = started + queued + dropped + aborted`` at all times."""

    def __init__(self, limit: int | None, policy: PolicyName) -> None:
        if limit is not None and limit < 1:
            raise ValueError(f"a cap must let one request through: {limit}")
        self._limit = limit
        self._policy = policy
        self._waiting: deque[Item] = deque()
        self.arrived = 0
        self.started = 0
        self.in_flight = 0
        self.dropped = 0
        """Turned away by the policy, or given up when the level was over."""
        self.aborted = 0
        self.max_in_flight = 0
        self.max_queued = 0

    @property
    def queued(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def arrive(self, item: Item) -> Decision:
        """One more is due. On ``start`` the caller starts it now; ``queue`` keeps it for later."""
        self.arrived += 1
        if self._limit is None or self.in_flight < self._limit:
            self.in_flight += 1
            self.max_in_flight = max(self.max_in_flight, self.in_flight)
            self.started += 1
            return "start"
        if self._policy == "queue":
            self._waiting.append(item)
            self.max_queued = max(self.max_queued, self.queued)
        elif self._policy == "drop":
            self.dropped += 1
        else:
            self.aborted += 1
        return self._policy

    def free(self) -> Item | None:
        """One has ended. Returns the next to start now, its place being taken already, or None."""
        if not self.in_flight:
            raise ValueError("nothing is in flight that could have ended")
        if not self._waiting:
            self.in_flight -= 1
            return None
        self.started += 1
        return self._waiting.popleft()

    def give_up(self) -> tuple[Item, ...]:
        """The level is over: those that still wait will not start, and count as dropped."""
        left = tuple(self._waiting)
        self._waiting.clear()
        self.dropped += len(left)
        return left
