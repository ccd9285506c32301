"""mlflow: a run as runs of MLflow, one for the whole and under it one a model and level. Pure.

Rule: a level's metrics are the numbers of its line in ``summary.csv``, by the same names; MLflow
has no mark for a number that is not certified, so a tag names those. The step is the number of
users, so that the whole run's metrics are curves over the load. No prompt is in it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

import orjson

from tailrace.results.facts import ModelFacts, RunFacts, StageFacts
from tailrace.results.render.highlights import highlights
from tailrace.results.render.markdown import prose
from tailrace.results.render.summary_csv import HEADER, Cell, cells_of
from tailrace.results.render.table import Level, rows
from tailrace.results.slo_judge import FAILED
from tailrace.results.verdict import Verdict

CURVES = (
    *("requests_per_s", "tokens_per_s", "tokens_per_s_per_user", "error_rate", "goodput_share"),
    *(
        f"{name}_{percentile}_ms"
        for name in ("ttft", "icl", "e2e")
        for percentile in ("p50", "p99")
    ),
)
"""Metrics that the whole run has too, level by level."""
_NO_METRICS = frozenset(
    {"model", "status", "error_class", "level", "round", "load", "users", "token_source"}
)
_NO_PARAMS = frozenset({"prompts", "system", "out", "name", "config"})
_NOT_IN_NAMES = re.compile(r"[^\w.\- /]", re.ASCII)
PARAM_CHARS = 500
TAG_CHARS = 5000
"""As much of a value as every version of MLflow takes."""


def sent_as(facts: RunFacts) -> str:
    """The same for the same part of the same run, and for no other."""
    parts = [(model.folder, [stage.index for stage in model.stages]) for model in facts.models]
    identity = orjson.dumps([facts.name, facts.origin_wall_ns, parts])
    return sha256(identity).hexdigest()[:32]


class Point(NamedTuple):
    """One value of a metric."""

    name: str
    value: float
    step: int
    at_ms: int


class MlflowRun(NamedTuple):
    """What is logged as one run; moments are ms of the wall clock."""

    name: str
    ok: bool
    began_ms: int
    ended_ms: int
    params: dict[str, str]
    tags: dict[str, str]
    points: list[Point]


def mlflow_runs(
    name: str, facts: RunFacts, results: Sequence[dict[str, Any]], verdict: Verdict
) -> tuple[MlflowRun, list[MlflowRun]]:
    """The whole, named as the run's folder is, and each level."""
    levels = rows(facts, results)
    tags = _tags(name, facts, verdict)
    children = [_of_level(level, facts, results, tags) for level in levels]
    began_ms = facts.origin_wall_ns // 1_000_000
    several = len(facts.models) > 1
    curves = [
        point._replace(name=_name(f"{level.model}/{point.name}") if several else point.name)
        for level, child in zip(levels, children, strict=True)
        for point in child.points
        if point.name in CURVES
    ]
    told = "\n\n".join(prose(each) for each in highlights(facts, results, verdict))
    whole = MlflowRun(
        name,
        facts.ended == "complete",
        began_ms,
        max((child.ended_ms for child in children), default=began_ms),
        _params(facts),
        tags | {"mlflow.note.content": _cut(told, TAG_CHARS)},
        curves,
    )
    return whole, children


def _tags(name: str, facts: RunFacts, verdict: Verdict) -> dict[str, str]:
    tool = facts.tool
    tags = {
        "mlflow.source.type": "LOCAL",
        "mlflow.source.name": f"{tool.get('name', 'tailrace')} {tool.get('version', '')}".strip(),
        "tailrace.run": name,
        "tailrace.started_at": facts.started_at,
        "tailrace.verdict": verdict.word,
    }
    if verdict.reasons:
        tags["tailrace.reasons"] = _cut("; ".join(verdict.reasons), TAG_CHARS)
    return tags


def _params(facts: RunFacts) -> dict[str, str]:
    """The options that say something; of a converted run, what its tool told."""
    given = facts.options or facts.scenario
    told = {key: value for key, value in given.items() if key not in _NO_PARAMS and _says(value)}
    told |= {f"host.{key}": facts.host.get(key) for key in ("system", "cpu", "cpus")}
    return {_name(key): _text(value) for key, value in told.items() if _says(value)}


def _says(value: Any) -> bool:
    return value is not None and value is not False and value not in ("", [], {})


def _of_level(
    level: Level, facts: RunFacts, results: Sequence[dict[str, Any]], tags: Mapping[str, str]
) -> MlflowRun:
    model = facts.models[level.model_index]
    cells = cells_of(level, results)
    stage = next((each for each in model.stages if each.index == level.index), None)
    began_ms, ended_ms = _moments(facts, stage)
    step = _step(level)
    return MlflowRun(
        f"{level.model} · {level.title}" if level.reached else level.model,
        level.status == "ok",
        began_ms,
        ended_ms,
        {key: _text(value) for key, value in _told(model, level).items() if _says(value)},
        {**tags, **dict(_flags(cells))},
        [Point(name, value, step, ended_ms) for name, value in _numbers(cells)],
    )


def _told(model: ModelFacts, level: Level) -> dict[str, Any]:
    return {
        "model": level.model,
        "load": level.load,
        "users": level.users,
        "round": level.round or None,
        "dialect": model.dialect,
        "status": level.status,
        "error_class": level.error_class,
        "error": level.error,
    }


def _moments(facts: RunFacts, stage: StageFacts | None) -> tuple[int, int]:
    """Of a model that came to no level there are none, and the run's beginning stands for them."""
    began_ns = 0 if stage is None else stage.began_ns
    ended_ns = began_ns if stage is None or stage.ended_ns is None else stage.ended_ns
    origin_ns = facts.origin_wall_ns
    return (origin_ns + began_ns) // 1_000_000, (origin_ns + ended_ns) // 1_000_000


def _step(level: Level) -> int:
    """Users; in an open loop the whole requests a second; else its place."""
    if level.users is not None:
        return level.users
    rate = re.fullmatch(r"(\d+)(?:\.\d+)?/s", level.load)
    return int(rate[1]) if rate else level.index or 0


def _numbers(cells: Mapping[str, Cell]) -> Iterator[tuple[str, float]]:
    for name in HEADER:
        cell = cells.get(name, "")
        if (
            cell != ""
            and name not in _NO_METRICS
            and not name.endswith(("_certified", "_at_least"))
        ):
            yield name, float(cell)
    failed = sum(int(cells.get(f"measured_{name}", 0)) for name in FAILED)
    ended = sum(int(cells.get(f"measured_{name}", 0)) for name in ("ok", "censored", *FAILED))
    if ended:
        yield "error_rate", failed / ended


def _flags(cells: Mapping[str, Cell]) -> Iterator[tuple[str, str]]:
    """Which percentiles are not certified, and which are only known to be at least so long."""
    for tag, ending, word in (
        ("tailrace.not_certified", "_certified", "false"),
        ("tailrace.at_least", "_at_least", "true"),
    ):
        names = [name.removesuffix(ending) for name in cells if name.endswith(ending)]
        of = [name for name in names if cells[name + ending] == word]
        if of:
            yield tag, ", ".join(of)


def _name(text: str) -> str:
    """As MLflow lets a param or metric be named."""
    return _NOT_IN_NAMES.sub("_", text)


def _text(value: Any) -> str:
    if isinstance(value, float) and math.isfinite(value):
        value = int(value) if value.is_integer() else value
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        value = ", ".join(value)
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return _cut(text, PARAM_CHARS)


def _cut(text: str, chars: int) -> str:
    return text if len(text) <= chars else text[: chars - 1] + "…"
