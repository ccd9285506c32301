"""Result documents as small as what is set against each other needs them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tailrace.results.facts import ModelFacts, RunFacts
from tailrace.results.selection import Ran

from . import builders

FAST = {"ttft": 50.0, "icl": 5.0, "e2e": 300.0, "tokens_per_s": 900.0}
SLOW = {"ttft": 80.0, "icl": 9.0, "e2e": 500.0, "tokens_per_s": 400.0}


def percentile(ms: float | None, certified: bool = True, at_least: bool = False) -> dict[str, Any]:
    value_ns = None if ms is None else ms * 1e6
    return {"value_ns": value_ns, "certified": certified, "at_least": at_least}


def stage(load: str, figures: Mapping[str, float], **more: Any) -> dict[str, Any]:
    """One measured level: percentiles p50, p95 and p99 are 1, 2 and 3 times the figure."""
    counts = {"started": 100, "ok": 100, "error": 0, "timeout": 0, "censored": 0}
    made: dict[str, Any] = {
        "load": load,
        "counts": {"measured": counts},
        "rates": {"tokens_per_s": figures["tokens_per_s"]},
        "metrics": {
            name: {
                "percentiles": {
                    p: percentile(times * figures[name])
                    for times, p in enumerate(("p50", "p95", "p99"), 1)
                }
            }
            for name in ("ttft", "icl", "e2e")
        },
    }
    return made | more


def model(name: str, *loads: str, **more: Any) -> ModelFacts:
    stages = [builders.stage([], index, load=load) for index, load in enumerate(loads)]
    return ModelFacts(name, name, **({"status": "ok", "stages": stages} | more))


def result(name: str, *stages: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"model": name, "stages": list(stages)} | more


def failed(name: str = "ghost") -> tuple[ModelFacts, dict[str, Any]]:
    facts = ModelFacts(name, name, "failed", "model_not_found", "no such model")
    return facts, result(name)


def ran(*of: tuple[ModelFacts, Mapping[str, Any]], label: str = "run", **more: Any) -> Ran:
    """A run of models with their documents; ``tags`` run parallel to them."""
    tags: Sequence[Mapping[str, Any]] = more.pop("tags", [])
    valid = more.pop("valid", True)
    scenario = {"entries": [{"tags": one} for one in tags]} | more.pop("scenario", {})
    facts: RunFacts = builders.facts(*(m for m, _ in of), scenario=scenario, **more)
    return Ran(label, facts, [document for _, document in of], valid)
