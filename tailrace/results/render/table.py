"""Level: the one flat view that every table, chart and CSV row is made from. Pure.

One entry a model and load level, in the order of the run, and one for each model that never came
to a level, so that no model disappears from a table. Numbers are ready (ms as float, counts,
rates), texts from outside have passed ``safe_text``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from tailrace.results.calibration import Budget, budget_from_dict
from tailrace.results.facts import ModelFacts, RunFacts, Status, label_of
from tailrace.results.metrics import NAMES
from tailrace.results.render.figures import Figure, figure_of, ms
from tailrace.results.render.text import safe_text
from tailrace.results.stats import PERCENTS, percentile_name

PERCENTILES: tuple[str, ...] = tuple(percentile_name(percent) for percent in PERCENTS)
ERROR_LIMIT = 400
"""Characters of a server's error text that a report repeats."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """One latency metric of one level; counts are None where answers of its kind have none."""

    n: int | None
    lower_bounds: int | None
    overflow: int | None
    min: Figure
    mean: Figure
    max: Figure
    percentiles: Mapping[str, Figure]


@dataclass(frozen=True, slots=True)
class Level:
    """One load level of one model, or a model without any (``index`` and ``users`` are None)."""

    model: str
    model_index: int
    status: Status
    error_class: str | None
    error: str | None
    index: int | None = None
    users: int | None = None
    load: str = ""
    """``8`` users, or ``50/s`` of an open loop."""
    round: int = 0
    """Repetition of the levels, from 1; 0 where there is only one."""
    window_s: float | None = None
    in_flight_mean: float | None = None
    in_flight_max: int | None = None
    at_asked: float | None = None
    """Share of the time with exactly ``users`` requests in flight."""
    requests_per_s: float | None = None
    tokens_per_s: float | None = None
    tokens_per_s_per_user: float | None = None
    stalls: int | None = None
    stalled_requests: int | None = None
    measured: Mapping[str, int] = field(default_factory=dict)
    """Outcomes of the requests of the measure phase."""
    books: Mapping[str, int] = field(default_factory=dict)
    warmup: int = 0
    errors: Mapping[str, int] = field(default_factory=dict)
    tokens: Mapping[str, Any] = field(default_factory=dict)
    connections: Mapping[str, int] = field(default_factory=dict)
    error_budget: Budget | None = None
    """How far off the client's figures may be; None where it is not calibrated."""
    warnings: tuple[str, ...] = ()
    audit: tuple[Mapping[str, str], ...] = ()
    """Findings: name, value, status, why."""
    prompts: tuple[Mapping[str, Any], ...] = ()
    """Requests by prompt, where there are a few."""
    mix: tuple[Mapping[str, Any], ...] = ()
    """Requests by model asked, where there are several."""
    urls: tuple[Mapping[str, Any], ...] = ()
    """Requests by base URL, where there are several."""
    peers: tuple[Mapping[str, Any], ...] = ()
    """Requests by address, where rows keep it."""
    http: Mapping[str, int] = field(default_factory=dict)
    """Answers by version of HTTP, where that is worth telling."""
    busy: Mapping[str, Any] | None = None
    """Answers that asked to wait; None without any."""
    metrics: Mapping[str, Distribution] = field(default_factory=dict)
    sessions: Mapping[str, Any] | None = None
    """How its sessions and their turns went; None where there were none."""
    server: Mapping[str, Any] | None = None
    """The level as its server saw it; None where nobody looked."""

    @property
    def reached(self) -> bool:
        """Whether this is a load level, and not a model that never came to one."""
        return self.index is not None

    @property
    def title(self) -> str:
        """``1 user``, ``8 users``, ``50/s``."""
        return label_of(self.load, self.users, self.round)

    @property
    def state(self) -> str:
        """``ok``, ``skipped``, ``failed: model_not_found``."""
        return f"{self.status}: {self.error_class}" if self.error_class else self.status


def rows(facts: RunFacts, results: Sequence[dict[str, Any]]) -> list[Level]:
    """The flat view; ``results`` run parallel to ``facts.models``."""
    levels: list[Level] = []
    for index, (model, result) in enumerate(zip(facts.models, results, strict=True)):
        bare = _bare(index, model)
        levels += [_level(bare, stage) for stage in result["stages"]] or [Level(**bare)]
    return levels


def by_model(levels: Sequence[Level]) -> list[list[Level]]:
    """The same levels, one list a model."""
    return [list(group) for _, group in groupby(levels, key=lambda level: level.model_index)]


def by_round(levels: Sequence[Level]) -> list[list[Level]]:
    """The levels of one model, one list a round."""
    numbers = sorted({level.round for level in levels})
    return [[level for level in levels if level.round == number] for number in numbers]


def _bare(index: int, model: ModelFacts) -> dict[str, Any]:
    error = safe_text(model.error or "", ERROR_LIMIT)
    return {
        "model": safe_text(model.model) or "(no name)",
        "model_index": index,
        "status": model.status,
        "error_class": safe_text(model.error_class or "") or None,
        "error": error or None,
    }


def _level(bare: dict[str, Any], stage: dict[str, Any]) -> Level:
    flight = stage["in_flight"]
    shares = flight["time_share"]
    return Level(
        **bare,
        index=stage["index"],
        users=stage["users"],
        load=stage["load"],
        round=stage.get("round", 0),
        window_s=stage["window"]["seconds"],
        in_flight_mean=flight["mean"],
        in_flight_max=flight["max"],
        at_asked=shares.get(str(stage["users"]), 0.0) if shares else None,
        **stage["rates"],
        stalls=stage["stalls"]["gaps"],
        stalled_requests=stage["stalls"]["requests"],
        measured=stage["counts"]["measured"],
        books=stage["counts"]["books"],
        warmup=stage["counts"]["warmup"],
        errors=_safe_keys(stage["errors"]),
        tokens=_tokens(stage["tokens"]),
        connections=stage["connections"],
        error_budget=budget_from_dict(stage["error_budget"]),
        warnings=tuple(safe_text(warning) for warning in stage["warnings"]),
        prompts=tuple(stage.get("prompts", ())),
        mix=tuple(stage.get("mix", ())),
        urls=tuple(stage.get("urls", ())),
        peers=tuple(stage.get("peers", ())),
        http=_safe_keys(stage.get("http", {})),
        busy=stage.get("busy"),
        audit=tuple(
            {key: safe_text(text) for key, text in finding.items()} for finding in stage["audit"]
        ),
        metrics={name: _distribution(stage["metrics"][name]) for name in NAMES},
        sessions=stage.get("sessions"),
        server=stage.get("server"),
    )


def _tokens(tokens: dict[str, Any]) -> dict[str, Any]:
    return tokens | {"finish_reasons": _safe_keys(tokens["finish_reasons"])}


def _safe_keys(counts: Mapping[str, int]) -> dict[str, int]:
    """The same counts under safe names; names that become equal are added up."""
    safe: dict[str, int] = {}
    for name, value in counts.items():
        key = safe_text(name, 80) or "(empty)"
        safe[key] = safe.get(key, 0) + value
    return safe


def _distribution(metric: dict[str, Any]) -> Distribution:
    bounded = bool(metric["lower_bounds"])  # the longest sample is then at or over the smallest
    return Distribution(
        n=metric["n"],
        lower_bounds=metric["lower_bounds"],
        overflow=metric["overflow"],
        min=Figure(ms(metric["min_ns"])),
        mean=Figure(ms(metric["mean_ns"]), at_least=bounded),
        max=Figure(ms(metric["max_ns"]), at_least=bounded),
        percentiles={
            name: figure_of(percentile) for name, percentile in metric["percentiles"].items()
        },
    )
