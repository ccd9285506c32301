"""Selection: one row a model, with what one chooses a model by, all at one load level. Pure.

Rule: every figure of a row is of the same level, and that level is the same for every row; where a
model has no such level, its figures are n/a. A figure that is not known is None, never a nought.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tailrace.errors import UsageError
from tailrace.results.converted import converted_note
from tailrace.results.facts import ModelFacts, RunFacts
from tailrace.results.pareto import Better, front
from tailrace.results.render.figures import ms
from tailrace.results.tags import number_tag, tags_of, text_tag


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its key, title with unit, and which direction is better."""

    key: str
    title: str
    better: Better


COLUMNS: tuple[Column, ...] = (
    Column("ttft_p50_ms", "TTFT p50 ms", "lower"),
    Column("e2e_p95_ms", "E2E p95 ms", "lower"),
    Column("tokens_per_s", "tokens/s", "higher"),
    Column("failed_share", "failed", "lower"),
    Column("rss_mb", "RSS MB", "lower"),
    Column("human_mean", "quality (people)", "higher"),
    Column("judge_mean", "quality (judge)", "higher"),
    Column("size_mb", "disk MB", "lower"),
    Column("cost_per_1000_requests", "cost per 1,000 requests", "lower"),
    Column("joules_per_request", "J per request", "lower"),
)
_LATENCIES = {
    "ttft_p50_ms": ("ttft", "p50"),
    "e2e_p95_ms": ("e2e", "p95"),
}


@dataclass(frozen=True, slots=True)
class Ran:
    """One run, as its files say."""

    label: str
    facts: RunFacts
    results: Sequence[Mapping[str, Any]]
    valid: bool


@dataclass(frozen=True, slots=True)
class Candidate:
    """One model of one run."""

    run: str
    model: str
    state: str
    """``ok``, ``failed: …``, ``INVALID``, ``no level 8``."""
    values: Mapping[str, float | None]
    """By key of COLUMNS."""
    marks: Mapping[str, tuple[bool, bool]]
    """Key of a latency -> (certified, at least)."""
    license: str | None
    currency: str | None
    pareto: bool | None
    """None where it is not compared."""
    reason: str | None = None
    """Why it failed."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The table: candidates in the order given, the level, and what took part in the mark."""

    at: str | None
    candidates: tuple[Candidate, ...]
    compared: tuple[Column, ...]
    notes: tuple[str, ...]


def select(runs: Sequence[Ran], at: str | None = None) -> Selection:
    """The table at the level ``at``, else at the highest that all measured models have.

    Raises UsageError when no model has it, or the models have none in common.
    """
    chosen = _level(runs, at)
    bare = [
        _candidate(run, model, result, chosen)
        for run in runs
        for model, result in zip(run.facts.models, run.results, strict=True)
    ]
    notes = _currencies(bare)
    money = len({one.currency for one in bare if _has(one, "cost_per_1000_requests")}) < 2
    columns = tuple(
        column
        for column in COLUMNS
        if any(one.state == "ok" and _has(one, column.key) for one in bare)
        and (money or column.key != "cost_per_1000_requests")
    )
    rows = [
        [one.values[column.key] for column in columns] if one.state == "ok" else None
        for one in bare
    ]
    marks = front(rows, [column.better for column in columns])
    candidates = tuple(replace(one, pareto=mark) for one, mark in zip(bare, marks, strict=True))
    told = (converted_note(run.label, run.facts, run.results) for run in runs)
    return Selection(chosen, candidates, columns, (*notes, *_invalid(runs), *filter(None, told)))


def _has(one: Candidate, key: str) -> bool:
    return one.values[key] is not None


def _currencies(candidates: Sequence[Candidate]) -> list[str]:
    words = {c.currency or "none named" for c in candidates if _has(c, "cost_per_1000_requests")}
    if len(words) < 2:
        return []
    listed = ", ".join(sorted(words))
    return [f"costs are in different currencies ({listed}), so they took no part in the mark"]


def _invalid(runs: Sequence[Ran]) -> list[str]:
    several = len(runs) > 1
    return [
        f"{run.label if several else 'the run'} is INVALID: its models are shown and not compared"
        for run in runs
        if not run.valid
    ]


def loads_of(result: Mapping[str, Any]) -> list[str]:
    """The levels that a model was measured at."""
    return [stage["load"] for stage in result["stages"] if stage["counts"]["measured"]["ok"]]


def _level(runs: Sequence[Ran], at: str | None) -> str | None:
    """The level that every row is of; None when no model came to any."""
    each = [loads for run in runs for result in run.results if (loads := loads_of(result))]
    if at is not None:
        if not any(at in loads for loads in each):
            there = ", ".join(dict.fromkeys(load for loads in each for load in loads)) or "none"
            raise UsageError(f"--at {at!r} is no level that was measured; there is: {there}")
        return at
    if not each:
        return None
    common = [load for load in each[0] if all(load in loads for loads in each)]
    if not common:
        listed = "; ".join(dict.fromkeys(", ".join(loads) for loads in each))
        raise UsageError(
            f"the models have no level in common ({listed}); choose one with --at, and those "
            "without it are n/a"
        )
    return common[-1]


def stage_at(result: Mapping[str, Any], at: str | None) -> Mapping[str, Any] | None:
    """A model's level of that load; the last one where there are several."""
    found = [stage for stage in result["stages"] if stage["load"] == at]
    return found[-1] if found else None


def _candidate(run: Ran, model: ModelFacts, result: Mapping[str, Any], at: str | None) -> Candidate:
    stage = stage_at(result, at)
    tags = tags_of(run.facts, model)
    values, marks = figures(stage)
    quality = result.get("quality") or {}
    values |= {
        "rss_mb": number_tag(tags, "rss_mb"),
        "size_mb": number_tag(tags, "size_mb"),
        "human_mean": quality.get("human_mean"),
        "judge_mean": quality.get("judge_mean"),
    }
    cost = (stage or {}).get("cost") or {}
    return Candidate(
        run.label,
        model.model,
        _state(run, model, stage, at),
        values,
        marks,
        text_tag(tags, "license"),
        cost.get("currency"),
        None,
        model.error if model.status == "failed" else None,
    )


def _state(run: Ran, model: ModelFacts, stage: Mapping[str, Any] | None, at: str | None) -> str:
    if model.status == "failed":
        return f"failed: {model.error_class}" if model.error_class else "failed"
    if stage is None:
        return f"no level {at}" if model.stages else model.status
    return "ok" if run.valid else "INVALID"


def figures(
    stage: Mapping[str, Any] | None,
) -> tuple[dict[str, float | None], dict[str, tuple[bool, bool]]]:
    """What was measured at one level, by key, and how far each latency can be trusted."""
    values: dict[str, float | None] = dict.fromkeys(column.key for column in COLUMNS)
    marks: dict[str, tuple[bool, bool]] = {}
    if stage is None:
        return values, marks
    for key, (metric, percentile) in _LATENCIES.items():
        entry = stage["metrics"][metric]["percentiles"][percentile]
        values[key] = ms(entry["value_ns"])
        marks[key] = entry["certified"], entry["at_least"]
    values["tokens_per_s"] = stage["rates"]["tokens_per_s"]
    values["failed_share"] = failed_share(stage)
    cost = stage.get("cost") or {}
    for key in ("cost_per_1000_requests", "joules_per_request"):
        values[key] = cost.get(key)
    return values, marks


def failed_share(stage: Mapping[str, Any]) -> float | None:
    """Share of the measured requests that ended in an error, a timeout or the cutoff."""
    measured = stage["counts"]["measured"]
    bad = measured["error"] + measured["timeout"] + measured["censored"]
    return bad / measured["started"] if measured["started"] else None
