"""Extras: what a model's document has beyond its measurement: tags, cost, quality. Pure.

Each is left out where nothing is known, so that a run without prices and without a rubric has the
document that it always had.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tailrace.results.cost import prices_of, stage_cost
from tailrace.results.facts import ModelFacts, RunFacts, is_converted
from tailrace.results.rubric import Rubric, model_quality


def add_extras(
    result: dict[str, Any],
    facts: RunFacts,
    model: ModelFacts,
    rubric: Rubric | None,
) -> None:
    """Put them in, or anew."""
    prices = prices_of(facts, model)
    for stage in result["stages"]:
        cost = stage_cost(prices, stage)
        if cost is None:
            stage.pop("cost", None)
        else:
            stage["cost"] = cost
        _add_reach(stage, facts)
        if is_converted(facts):
            stage.update(_unwatched(stage))
    quality = None if rubric is None else model_quality(rubric, model.model)
    if quality is None:
        result.pop("quality", None)
    else:
        result["quality"] = quality


def _unwatched(stage: Mapping[str, Any]) -> dict[str, Any]:
    """Of another tool's measurement: no audit, and no stalls where it kept no gaps."""
    why = "another tool measured this; nothing is known of its client's own health"
    no_gaps = not stage["metrics"]["icl"]["n"]
    stalls = {"gaps": None, "requests": None} if no_gaps else stage["stalls"]
    audit = [{"name": "audit", "value": "none", "status": "warn", "why": why}]
    return {"audit": audit, "stalls": stalls}


def _add_reach(stage: dict[str, Any], facts: RunFacts) -> None:
    """The texts of the URLs, and the version that was spoken where HTTP/2 was asked for."""
    reach = facts.scenario.get("reach")
    if not isinstance(reach, Mapping):
        return
    urls = facts.base_urls
    for group in stage.get("urls", ()):
        place = int(group["url"])
        group["base_url"] = urls[place] if place < len(urls) else group["url"]
    answers = stage["counts"]["measured"]["started"]
    if reach.get("http2") and "http" not in stage and answers:
        stage["http"] = {"1.1": answers}
