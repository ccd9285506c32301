"""Arrivals: at which rates, and by which process, an open loop's requests are to come. Pure.

A level is one or more phases, each a constant rate or a straight ramp. In what users type ``,``
splits levels and ``;`` splits phases; both are the lists they look like, so the two readings of
"10, 20" (a level after the other, or one level in two steps) are never confused.

An error is one sentence that names the option, what was typed, and what would do.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from tailrace.errors import UsageError
from tailrace.scenarios.parse import seconds
from tailrace.scenarios.traces import Trace

ProcessName = Literal["constant", "poisson", "gamma", "replay", "trace"]

MOST_PER_S = 1_000_000.0
LEAST_PER_S = 1e-5
"""Some one a day."""
MOST_STEPS = 1000
LEAST_BURSTINESS, MOST_BURSTINESS = 0.01, 100.0

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_FLAT = re.compile(r"(\S+)(?:\s+for\s+(.+))?")
_RAMP = re.compile(r"(\S*?)\s*\.\.\s*(\S+)(?:\s+in\s+(\S+)\s+steps?)?(?:\s+over\s+(.+))?")
_EXAMPLES = "write it like 50, 10 for 30s, 5..50 over 60s or 10..50 in 5 steps over 50s"


@dataclass(frozen=True, slots=True)
class RatePhase:
    """A stretch of one level: a constant rate, or a straight ramp between two."""

    from_per_s: float
    to_per_s: float
    duration_s: float | None
    """None in a level's last phase only: it lasts as long as the level does."""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """The arrivals of one level. ``replay`` uses the offsets and no phases, the others phases."""

    phases: tuple[RatePhase, ...]
    process: ProcessName
    burstiness: float = 1.0
    """Shape of the gamma gaps: 1 is Poisson, lower is burstier (CV^2 of a gap = 1/shape)."""
    offsets_s: tuple[float, ...] = ()
    trace: Trace | None = None
    """What ``trace`` replays; its rows say when requests are due and what they ask."""

    @property
    def lasts_s(self) -> float | None:
        """How long the phases last together; None where the last one is open, or there is none."""
        total = 0.0
        for phase in self.phases:
            if phase.duration_s is None:
                return None
            total += phase.duration_s
        return total if self.phases else None

    @property
    def text(self) -> str:
        """In a table's cell: ``50/s``, ``5..50/s``, ``replay``; a range where the rate changes."""
        if self.trace is not None:
            return self.trace.text
        if not self.phases:
            return self.process
        rates = [rate for phase in self.phases for rate in (phase.from_per_s, phase.to_per_s)]
        low, high = min(rates), max(rates)
        return f"{low:g}/s" if low == high else f"{low:g}..{high:g}/s"


def parse_rates(text: str, what: str = "--rate") -> tuple[tuple[RatePhase, ...], ...]:
    """``10,20``: levels; ``10 for 30s; 5..50 over 60s``: a level's phases, in the order given."""
    return tuple(_level(level, what) for level in text.split(","))


def parse_burstiness(text: str, what: str = "--burstiness") -> float:
    """The gamma shape: a number between 0.01 and 100."""
    value = float(text) if _NUMBER.fullmatch(text.strip()) else 0.0
    if not LEAST_BURSTINESS <= value <= MOST_BURSTINESS:
        raise UsageError(
            f"{what} {_short(text)} is not a number from {LEAST_BURSTINESS:g} to "
            f"{MOST_BURSTINESS:g}; 1 is Poisson, lower is burstier"
        )
    return value


def _level(text: str, what: str) -> tuple[RatePhase, ...]:
    parts = text.split(";")
    groups = [_phases(part.strip(), what) for part in parts]
    for part, group in zip(parts[:-1], groups[:-1], strict=True):
        if group[-1].duration_s is None:
            raise UsageError(
                f"{what} {_short(part.strip())} is followed by another phase and must say how long "
                f"it lasts, like {_short(part.strip() + ' for 30s')}"
            )
    return tuple(phase for group in groups for phase in group)


def _phases(text: str, what: str) -> tuple[RatePhase, ...]:
    """One part between semicolons; several phases where it is a staircase."""
    ramp = _RAMP.fullmatch(text)
    if ramp is not None:
        return _ramp(text, ramp, what)
    flat = _FLAT.fullmatch(text)
    if flat is None:
        raise UsageError(f"{what} {_short(text)} is not a rate in requests per second; {_EXAMPLES}")
    rate = _per_s(flat[1], what)
    return (RatePhase(rate, rate, None if flat[2] is None else _lasting(flat[2], what)),)


def _ramp(text: str, match: re.Match[str], what: str) -> tuple[RatePhase, ...]:
    stairs = match[3] is not None
    first = _per_s(match[1], what, or_zero=not stairs)
    last = _per_s(match[2], what, or_zero=not stairs)
    if match[4] is None:
        raise UsageError(
            f"{what} {_short(text)} must say how long it takes, like {_short(text + ' over 60s')}"
        )
    over_s = _lasting(match[4], what)
    if stairs:
        return _stairs(first, last, _steps(match[3], what), over_s)
    if first == last == 0:
        raise UsageError(f"{what} {_short(text)} sends nothing; one end must be above 0")
    return (RatePhase(first, last, over_s),)


def _stairs(first: float, last: float, steps: int, over_s: float) -> tuple[RatePhase, ...]:
    rates = [round(first + (last - first) * step / (steps - 1), 9) for step in range(steps - 1)]
    return tuple(RatePhase(rate, rate, over_s / steps) for rate in [*rates, last])


def _per_s(text: str, what: str, *, or_zero: bool = False) -> float:
    if not _NUMBER.fullmatch(text):
        raise UsageError(f"{what} {_short(text)} is not a rate in requests per second; {_EXAMPLES}")
    rate = float(text)
    if not LEAST_PER_S <= rate <= MOST_PER_S and not (or_zero and rate == 0):
        raise UsageError(
            f"{what} {_short(text)} is out of range: a rate is from {LEAST_PER_S:g} to "
            f"{MOST_PER_S:,.0f} requests per second, and only a ramp may begin or end at 0"
        )
    return rate


def _lasting(text: str, what: str) -> float:
    """As the decimal that was typed: 700ms are 0.7 s, not 700 times a rounded thousandth."""
    value = round(seconds(text, what), 12)
    if value == 0:
        raise UsageError(f"{what} {_short(text)} is no time at all; a phase lasts, like 30s")
    return value


def _steps(text: str, what: str) -> int:
    steps = int(text) if re.fullmatch(r"[0-9]{1,9}", text) else 0
    if not 2 <= steps <= MOST_STEPS:
        raise UsageError(
            f"{what} {_short(text)} is not a number of steps; take a whole number from 2 to "
            f"{MOST_STEPS}"
        )
    return steps


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "…")
