"""Highlights: a run in a few sentences that a person would paste into a release note. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tailrace.results.facts import RunFacts, label_of
from tailrace.results.render.figures import figure_of, number, share
from tailrace.results.render.text import safe_text
from tailrace.results.verdict import Verdict

_UNSURE = "not told by so few requests"


def highlights(
    facts: RunFacts, results: Sequence[dict[str, Any]], verdict: Verdict
) -> Iterator[str]:
    """One plain paragraph for the run and one for each model."""
    first = f"{safe_text(facts.name)}, {facts.started_at}: {verdict.word}"
    yield first + (
        f", because {safe_text('; '.join(verdict.reasons))}." if verdict.reasons else "."
    )
    yield from map(model_highlights, results)


def model_highlights(result: dict[str, Any]) -> str:
    """The paragraph of one model."""
    return " ".join(_of_model(result))


def _of_model(result: dict[str, Any]) -> Iterator[str]:
    stages = [stage for stage in result["stages"] if stage["counts"]["measured"]["ok"]]
    name = safe_text(result["model"])
    if not stages:
        why = f" ({safe_text(result['error'])})" if result.get("error") else ""
        yield f"{name}: {result['status']}, nothing was measured{why}."
        return
    best = max(stages, key=_throughput)
    rates = best["rates"]
    yield (
        f"{name}: best throughput at {_level(best)}, {number(rates['tokens_per_s'])} tokens/s and "
        f"{number(rates['requests_per_s'])} requests/s, {_tail(best)}."
    )
    if result["knee"] is not None:
        yield _knee(result["knee"])
    yield from _objectives(stages)
    slowest = max(stages, key=lambda stage: stage["metrics"]["e2e"]["max_ns"] or 0)
    slow_ns = slowest["metrics"]["e2e"]["max_ns"]
    if slow_ns is not None:
        yield f"Slowest answer: {number(slow_ns / 1e9)} s, at {_level(slowest)}."
    yield _errors(stages)


def _knee(knee: dict[str, Any]) -> str:
    level = label_of(knee["load"], knee["users"], 0)
    if knee["end"] is None:
        return f"Knee at {level}: beyond it more load costs more latency than it brings."
    above = knee["end"] == "highest"
    return f"No knee up to {level}." if above else f"Past its knee from {level} on."


def _throughput(stage: dict[str, Any]) -> tuple[float, float]:
    rates = stage["rates"]
    return (rates["tokens_per_s"] or 0.0, rates["requests_per_s"] or 0.0)


def _level(stage: dict[str, Any]) -> str:
    return label_of(stage["load"], stage["users"], stage["round"])


def _tail(stage: dict[str, Any]) -> str:
    title, name = ("TTFT", "ttft") if stage["metrics"]["ttft"]["n"] else ("E2E", "e2e")
    percentiles = stage["metrics"][name]["percentiles"]
    return f"{title} {', '.join(_percentile(each, percentiles[each]) for each in ('p50', 'p99'))}"


def _percentile(name: str, percentile: dict[str, Any]) -> str:
    """In words what the tables have marks for."""
    figure = figure_of(percentile)
    bound = "at least " if figure.at_least else ""
    loose = "" if figure.certified else " (not certified)"
    return f"{name} {bound}{number(figure.ms)} ms{loose}"


def _objectives(stages: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Each level once, by whether it kept to all of its objectives."""
    told: dict[str, list[str]] = {}
    for stage in stages:
        found = {each["status"] for each in stage["slo"]}
        if found:
            said = "missed" if "fail" in found else "met" if found == {"pass"} else _UNSURE
            told.setdefault(said, []).append(_level(stage))
    if told:
        listed = "; ".join(f"{said} at {', '.join(told[said])}" for said in sorted(told))
        yield f"Objectives {listed}."


def _errors(stages: Sequence[dict[str, Any]]) -> str:
    started = sum(stage["counts"]["measured"]["started"] for stage in stages)
    failed = started - sum(stage["counts"]["measured"]["ok"] for stage in stages)
    if not failed:
        return f"All {started} measured requests ended ok."
    return f"{failed} of {started} measured requests ({share(failed / started)}) did not end ok."
