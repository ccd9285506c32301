"""Slo: a service level objective as a user writes it: ``ttft:p99<500ms``. Pure.

Rule: a list is split at commas; each entry is a figure, a relation and a limit with its unit. A
wrong one raises UsageError with its place in the list and what would do.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from tailrace.errors import ResultError, UsageError
from tailrace.results.metrics import NAMES

Relation = Literal["<", "<=", ">", ">="]

TIME_NS = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": 1_000_000_000, "m": 60_000_000_000}
SHARES = ("error_rate",)
RATES = ("tokens_per_s", "tokens_per_s_per_user", "requests_per_s")
GOODPUT = "goodput"
FIGURES = (*NAMES, *SHARES, *RATES, GOODPUT)
EXAMPLE = "ttft:p99<500ms, icl:p99<50ms, error_rate<1%"

_ENTRY = re.compile(
    r"(?P<name>[a-z0-9_]+)\s*(?::\s*(?P<stat>[a-z0-9.]+))?\s*(?P<relation><=|>=|<|>)\s*"
    r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>%|/s|[a-z]+)?"
)


class Slo(NamedTuple):
    """One objective."""

    text: str
    """As it is shown: without blanks."""
    name: str
    """A latency metric, or a rate or share of the level."""
    stat: str
    """``p99``, ``mean`` or ``max`` of a latency; else empty."""
    relation: Relation
    limit: float
    """ns of a latency, part of one of a share, else per second."""
    is_share: bool = False

    @property
    def of_latency(self) -> bool:
        """Whether single requests can meet it."""
        return self.name in NAMES

    @property
    def percent(self) -> float | None:
        """99.0 of ``p99``; None of a mean, a maximum or a rate."""
        return float(self.stat[1:]) if self.stat.startswith("p") else None

    def met_by(self, value: float) -> bool:
        """Whether a value is on the right side of the limit."""
        if self.relation == "<":
            return value < self.limit
        if self.relation == "<=":
            return value <= self.limit
        return value > self.limit if self.relation == ">" else value >= self.limit


def parse_slos(text: str, what: str = "--slo") -> tuple[Slo, ...]:
    """The objectives of a list; raises UsageError with the entry that is wrong."""
    entries = [entry.strip() for entry in text.split(",")]
    found = tuple(
        parse_slo(entry, _place(what, number, len(entries)))
        for number, entry in enumerate(entries, 1)
    )
    for slo in found:
        _right_way(slo, what)
    if any(slo.name == GOODPUT for slo in found) and not any(slo.of_latency for slo in found):
        raise UsageError(
            f"{what}: goodput counts the requests that meet the latency objectives, and there are "
            "none; put one beside it, like ttft:p99<500ms"
        )
    if len({slo.text for slo in found}) < len(found):
        raise UsageError(f"{what} {text!r} has the same objective twice; keep one of them")
    return found


def slos_of(scenario: Mapping[str, Any]) -> tuple[Slo, ...]:
    """The objectives that a run's scenario keeps; raises ResultError where they are none."""
    texts = scenario.get("slo") or ()
    if not texts:
        return ()
    try:
        return parse_slos(", ".join(texts), "scenario.slo")
    except (TypeError, UsageError) as exc:
        raise ResultError(f"the run's facts hold no objectives: {exc}") from None


def _place(what: str, number: int, of: int) -> str:
    return f"{what}, objective {number}" if of > 1 else what


def parse_slo(entry: str, what: str) -> Slo:
    """One figure, relation and limit, in either direction."""
    match = _ENTRY.fullmatch(entry)
    if match is None:
        raise UsageError(f"{what}: {entry[:60]!r} is not an objective; write it like {EXAMPLE}")
    name, stat, unit = match["name"], match["stat"] or "", match["unit"] or ""
    if name not in FIGURES:
        near = difflib.get_close_matches(name, FIGURES, 1)
        guess = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(FIGURES)}"
        raise UsageError(f"{what}: {entry!r}: unknown figure {name!r}; {guess}")
    _check_stat(name, stat, f"{what}: {entry!r}")
    limit, is_share = _limit(name, float(match["number"]), unit, f"{what}: {entry!r}")
    relation: Relation = match["relation"]  # type: ignore[assignment]
    figure = f"{name}:{stat}" if stat else name
    return Slo(f"{figure}{relation}{match['number']}{unit}", name, stat, relation, limit, is_share)


def _check_stat(name: str, stat: str, what: str) -> None:
    if name not in NAMES:
        if stat:
            raise UsageError(f"{what}: {name} has no {stat!r}; leave it out, like {name}<…")
        return
    if stat in ("mean", "max"):
        return
    percent = stat[1:] if re.fullmatch(r"p\d+(\.\d+)?", stat) else ""
    if not percent or not 0 < float(percent) < 100:
        said = f"{stat!r} is no percentile" if stat else "it lacks the percentile"
        raise UsageError(f"{what}: {said}; write {name}:p99, {name}:mean or {name}:max")


def _limit(name: str, number: float, unit: str, what: str) -> tuple[float, bool]:
    if name in NAMES:
        if unit not in TIME_NS:
            raise UsageError(f"{what}: {name} needs a unit of time; write it like 500ms or 1.5s")
        return number * TIME_NS[unit], False
    if name in SHARES or (name == GOODPUT and unit == "%"):
        if unit != "%" or number > 100:
            raise UsageError(f"{what}: {name} is a share; write it like 1%")
        return number / 100, True
    if unit not in ("", "/s"):
        raise UsageError(f"{what}: {name} is per second; write the number alone, like {name}>10")
    return number, False


def _right_way(slo: Slo, what: str) -> None:
    wants_less = slo.of_latency or slo.name in SHARES
    if wants_less != slo.relation.startswith("<"):
        turned = slo.text.replace(slo.relation, "<" if wants_less else ">")
        raise UsageError(
            f"{what}: {slo.text!r} would call the worse the better; did you mean {turned!r}?"
        )
