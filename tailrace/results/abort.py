"""Abort: thresholds that end a run while it goes on: ``error_rate>10% for 5s``. Pure.

Rule: a threshold is an objective turned round, with a time that it must have held without a break.
Its figure is that of the level so far, over measured requests that have an outcome, as the live
panel has it. Requests still in flight are in none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from tailrace.errors import UsageError
from tailrace.results.slo import GOODPUT, TIME_NS, Slo, parse_slo

_FOR = re.compile(r"(?P<threshold>.+?)\s+for\s+(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[a-z]*)")


class AbortRule(NamedTuple):
    """One threshold; the run is aborted once its figure has been beyond it for so long."""

    beyond: Slo
    grace_ns: int
    text: str


def parse_abort(text: str, what: str = "--abort-on") -> tuple[AbortRule, ...]:
    """The thresholds of a list; raises UsageError with the one that is wrong."""
    entries = [entry.strip() for entry in text.split(",")]
    return tuple(
        _rule(entry, f"{what}, threshold {number}" if len(entries) > 1 else what)
        for number, entry in enumerate(entries, 1)
    )


def _rule(entry: str, what: str) -> AbortRule:
    match = _FOR.fullmatch(entry)
    threshold, grace_ns, grace = entry, 0, ""
    if match is not None:
        threshold, unit = match["threshold"], match["unit"]
        if unit not in TIME_NS:
            raise UsageError(f"{what}: {entry!r}: a time needs a unit; write it like 'for 5s'")
        grace_ns = round(float(match["number"]) * TIME_NS[unit])
        grace = f" for {match['number']}{unit}"
    beyond = parse_slo(threshold, what)
    if beyond.name in (GOODPUT, "tokens_per_s_per_user"):
        raise UsageError(f"{what}: {beyond.name} is not known while a level runs; leave it out")
    return AbortRule(beyond, grace_ns, beyond.text + grace)


class AbortWatch:
    """The thresholds of one level, looked at again and again."""

    def __init__(self, rules: Sequence[AbortRule]) -> None:
        self._rules = rules
        self._since_ns: list[int | None] = [None] * len(rules)

    def look(self, at_ns: int, values: Sequence[float | None]) -> str | None:
        """Why to abort now, in a sentence; ``values`` are the rules' figures at that moment."""
        for place, (rule, value) in enumerate(zip(self._rules, values, strict=True)):
            if value is None or not rule.beyond.met_by(value):
                self._since_ns[place] = None
                continue
            since_ns = self._since_ns[place]
            if since_ns is None:
                since_ns = self._since_ns[place] = at_ns
            if at_ns - since_ns >= rule.grace_ns:
                return f"{rule.text}: it was {shown(rule.beyond, value)}"
        return None


def shown(slo: Slo, value: float) -> str:
    """A figure with its unit: ``512 ms``, ``12.5 %``, ``8.2/s``."""
    from tailrace.results.render.figures import number, share

    if slo.of_latency:
        return f"{number(value / 1e6)} ms"
    return share(value) if slo.is_share else f"{number(value)}/s"
