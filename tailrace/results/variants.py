"""Variants: two turns of one model, or two models of one run, figure by figure. Pure.

Rule: two figures are set against each other only when both were asked for the same work: every
setting of the scenarios must be equal but those in ``MAY_DIFFER``, which say where and under which
name the variant is served, or change nothing that is sent or timed. A setting that a later version
adds is compared until someone says that it need not be.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tailrace.errors import UsageError
from tailrace.results.facts import ModelFacts, RunFacts
from tailrace.results.pareto import Better
from tailrace.results.render.figures import ms
from tailrace.results.selection import failed_share, loads_of, stage_at
from tailrace.results.tags import number_tag, tags_of

MAY_DIFFER = frozenset(
    {"base_url", "models", "entries", "salt", "header_names", "insecure", "ca_file", "reach"}
    | {"costs", "keep_text", "label"}
)
"""Settings that two variants need not share; the salt makes new nonces of the same length."""

Bound = Literal["", "at least", "at most", "unknown"]
_PERCENTILES = ("p50", "p95", "p99")
_METRICS = (("ttft", "TTFT"), ("icl", "gap"), ("e2e", "E2E"))


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two: a model of a run."""

    label: str
    facts: RunFacts
    model: ModelFacts
    result: Mapping[str, Any]
    valid: bool = True


@dataclass(frozen=True, slots=True)
class Value:
    """One figure of one side and how far it can be trusted."""

    value: float | None
    certified: bool = True
    at_least: bool = False


@dataclass(frozen=True, slots=True)
class Delta:
    """One figure of both sides: ``change`` is second minus first, ``ratio`` its share of the first.

    ``bound`` says what the change is when a side is only a lower bound.
    """

    name: str
    unit: str
    better: Better
    first: Value
    second: Value

    @property
    def bound(self) -> Bound:
        """A lower bound on one side bounds the change on one side; on both it says nothing."""
        if self.first.at_least and self.second.at_least:
            return "unknown"
        if self.second.at_least:
            return "at least"
        return "at most" if self.first.at_least else ""

    @property
    def change(self) -> float | None:
        """Second minus first; None where a side is not known or nothing can be said."""
        if self.first.value is None or self.second.value is None or self.bound == "unknown":
            return None
        return self.second.value - self.first.value

    @property
    def ratio(self) -> float | None:
        """The change as a share of the first."""
        if self.change is None or not self.first.value:
            return None
        return self.change / self.first.value

    @property
    def known(self) -> bool:
        """Whether any side has a value."""
        return (self.first.value, self.second.value) != (None, None)

    @property
    def certified(self) -> bool:
        """Whether both sides have enough samples."""
        return self.first.certified and self.second.certified


@dataclass(frozen=True, slots=True)
class LevelDelta:
    """All figures of one load level."""

    load: str
    deltas: tuple[Delta, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two sides at every level that both have."""

    first: str
    second: str
    levels: tuple[LevelDelta, ...]
    whole: tuple[Delta, ...]
    """What belongs to no level: quality, size."""
    notes: tuple[str, ...]


def differences(first: RunFacts, second: RunFacts) -> list[str]:
    """What was asked differently, one entry a setting."""
    a, b = first.scenario, second.scenario
    found = []
    for key in dict.fromkeys((*a, *b)):
        if key in MAY_DIFFER or a.get(key) == b.get(key):
            continue
        if key == "levels":
            found.append(f"levels ({_levels(first)} / {_levels(second)})")
        else:
            found.append(f"{key} ({short(a.get(key))} / {short(b.get(key))})")
    return found


def _levels(facts: RunFacts) -> str:
    return short([_told(level) for level in facts.scenario.get("levels") or ()])


def _told(level: Any) -> Any:
    if not isinstance(level, Mapping):
        return level
    return {key: value for key, value in level.items() if value not in (None, "queue")}


def short(value: Any) -> str:
    """A setting's value in a sentence."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 120 else text[:119] + "…"


def compare(first: Side, second: Side, at: str | None = None) -> Comparison:
    """Every figure of both; ``at`` takes one level alone.

    Raises UsageError when they were not asked the same, or have no level in common.
    """
    if different := differences(first.facts, second.facts):
        raise UsageError(
            f"{first.label} and {second.label} cannot be compared: they were not asked the same. "
            f"Different are {'; '.join(different)}. Run one of them again with the other's settings"
        )
    theirs = loads_of(second.result)
    common = [load for load in dict.fromkeys(loads_of(first.result)) if load in theirs]
    loads = [load for load in common if at in (None, load)]
    if not loads:
        raise UsageError(_nothing(first, second, common, at))
    levels = tuple(
        LevelDelta(
            load,
            tuple(_stage_deltas(stage_at(first.result, load), stage_at(second.result, load))),
        )
        for load in loads
    )
    whole = tuple(delta for delta in _whole(first, second) if delta.known)
    return Comparison(first.label, second.label, levels, whole, tuple(_notes(first, second)))


def _nothing(first: Side, second: Side, common: Sequence[str], at: str | None) -> str:
    if common:
        return f"--at {at!r} is no level of both; there is: {', '.join(common)}"
    said = "; ".join(
        f"{side.label} has {', '.join(loads_of(side.result)) or 'none'}"
        + (f" ({side.model.status}: {side.model.error_class})" if side.model.error_class else "")
        for side in (first, second)
    )
    return f"there is no load level at which both were measured: {said}"


def _stage_deltas(
    first: Mapping[str, Any] | None, second: Mapping[str, Any] | None
) -> Iterator[Delta]:
    assert first is not None
    assert second is not None
    for metric, title in _METRICS:
        for percentile in _PERCENTILES:
            sides = (_latency(stage, metric, percentile) for stage in (first, second))
            yield Delta(f"{title} {percentile}", "ms", "lower", *sides)
    rates = (Value(stage["rates"]["tokens_per_s"]) for stage in (first, second))
    yield Delta("tokens/s", "1/s", "higher", *rates)
    shares = (Value(failed_share(stage)) for stage in (first, second))
    yield Delta("failed", "share", "lower", *shares)
    for key, title, unit in (
        ("cost_per_1000_requests", "cost per 1,000 requests", "money"),
        ("joules_per_request", "energy per request", "J"),
    ):
        sides = (Value((stage.get("cost") or {}).get(key)) for stage in (first, second))
        found = Delta(title, unit, "lower", *sides)
        if found.known:
            yield found


def _latency(stage: Mapping[str, Any], metric: str, percentile: str) -> Value:
    entry = stage["metrics"][metric]["percentiles"][percentile]
    return Value(ms(entry["value_ns"]), entry["certified"], entry["at_least"])


def _whole(first: Side, second: Side) -> Iterator[Delta]:
    for key, title in (("human_mean", "quality (people)"), ("judge_mean", "quality (judge)")):
        sides = (Value((side.result.get("quality") or {}).get(key)) for side in (first, second))
        yield Delta(title, "1 to 5", "higher", *sides)
    for tag, title in (("size_mb", "size on disk"), ("rss_mb", "resident memory")):
        sides = (Value(number_tag(tags_of(s.facts, s.model), tag)) for s in (first, second))
        yield Delta(title, "MB", "lower", *sides)


def _notes(first: Side, second: Side) -> Iterator[str]:
    """What a reader must know and what does not forbid the comparison."""
    for side in (first, second):
        if not side.valid:
            yield f"{side.label} is of an INVALID run; its report says why"
    a, b = first.facts, second.facts
    for name, x, y in (("host", a.host, b.host), ("tool", a.tool, b.tool)):
        differing = [key for key in (x | y) if x.get(key) != y.get(key)]
        if differing:
            listed = ", ".join(
                f"{key} ({short(x.get(key))} / {short(y.get(key))})" for key in differing[:4]
            )
            yield f"the {name} differs: {listed}"
    stamps = [facts.engine.get("stamps") for facts in (a, b)]
    if stamps[0] != stamps[1]:
        yield f"stamps are {stamps[0]} in {first.label} and {stamps[1]} in {second.label}"
