"""ClockFacts: how the clock of a worker's machine stood against that of the run. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple


class Ping(NamedTuple):
    """A question for the time, ns: asked and answered by the run's clock, told by the other's."""

    asked_ns: int
    told_ns: int
    answered_ns: int


@dataclass(frozen=True, slots=True)
class ClockFacts:
    """``offset_ns`` is what to add to a moment of the run's clock; true to ``uncertainty_ns``."""

    offset_ns: int
    uncertainty_ns: int


def clock_of(pings: Iterable[Ping]) -> ClockFacts:
    """By the quickest ping: the other clock was read somewhere between question and answer.

    So the offset is known to half the round trip, whatever the two ways took (D. L. Mills, Improved
    algorithms for synchronizing computer network clocks, 1994). Raises ValueError for none.
    """
    best = min(pings, key=lambda ping: ping.answered_ns - ping.asked_ns)
    trip_ns = best.answered_ns - best.asked_ns
    middle_ns = best.asked_ns + trip_ns // 2
    return ClockFacts(best.told_ns - middle_ns, -(-trip_ns // 2))
