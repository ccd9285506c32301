"""Clock: the one clock of a run, and where it stands in the world's time.

All stamps are ``time.perf_counter_ns`` (monotonic, about 0.1 us a call, comparable between the
processes of one host on Linux). Wall time is read once, at the origin, and only for display.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime

now_ns = time.perf_counter_ns


@dataclass(frozen=True, slots=True)
class Origin:
    """The zero of a run's times, on both clocks."""

    perf_ns: int
    wall_ns: int

    @classmethod
    def take(cls) -> Origin:
        """Read both clocks as close together as two calls can be."""
        before = now_ns()
        wall = time.time_ns()
        return cls((before + now_ns()) // 2, wall)

    def since(self, at_ns: int) -> int:
        """A stamp as ns since the origin."""
        return at_ns - self.perf_ns

    def iso(self) -> str:
        """RFC 3339 in UTC, milliseconds."""
        moment = datetime.fromtimestamp(self.wall_ns / 1e9, UTC)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
