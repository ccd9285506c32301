"""Spread: over which of several base URLs a request goes. Pure.

Rule: users take turns: user 0 asks the first URL, user 1 the second, and so on round. A user keeps
its URL, as a client that was configured with it would; the users of an open loop are its arrivals.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tailrace.engine.outgoing import Outgoing
from tailrace.scenarios.model import Level, Scenario


def urls_of(scenario: Scenario, base_url: str) -> tuple[str, ...]:
    """The URLs of a model that is asked at ``base_url``; one of its own stands alone."""
    return (base_url, *scenario.reach.more_urls) if base_url == scenario.base_url else (base_url,)


class Spread:
    """The requests of one model, ready to be made for each of its URLs."""

    def __init__(self, outgoings: Sequence[Outgoing]) -> None:
        self.outgoings = tuple(outgoings)

    def place(self, user: int) -> int:
        """Which URL this user asks."""
        return user % len(self.outgoings)

    def connections(
        self, level: Level, users: Sequence[int], ahead: int
    ) -> list[tuple[Outgoing, int]]:
        """How many connections each URL needs before a level; ``users`` are those of this worker,
        and ``ahead`` what an open loop wants in all.
        """
        needed = Counter(map(self.place, users if level.arrivals is None else range(ahead)))
        return [(outgoing, needed[at]) for at, outgoing in enumerate(self.outgoings)]
