"""Limit: what a search for the limit found, made anew from its probes. Pure.

``run.json`` keeps the range that was searched; each probe is a level of the run. So the outcome of
a probe, and the answer, are a function of the result document, as everything that is derived.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tailrace.results.audit_series import falls_behind
from tailrace.results.limit_search import LOOKS, MEASURED, SURE, Interval, Probe, replayed
from tailrace.results.slo_judge import overall

SCHEMA = "tailrace.limit/1"

Search = Mapping[str, Any]
"""A scenario's ``search``: kind, first, last (in steps), step, probes."""


def probe_of(point: int, stage: Mapping[str, Any]) -> Probe:
    """What a level's document says of its point."""
    if not stage["counts"]["measured"]["started"]:
        return Probe(point, None, LOOKS)
    if not stage["counts"]["measured"]["ok"] or _queue_grows(stage):
        return Probe(point, False, SURE)
    status, met, sure = overall(stage["slo"])
    if met is None:
        return Probe(point, None, LOOKS)
    return Probe(point, met, LOOKS if status == "cannot tell" else SURE if sure else MEASURED)


def _queue_grows(stage: Mapping[str, Any]) -> bool:
    """A rate that the server falls behind meets nothing, however short the probe was."""
    statistics = stage.get("statistics")
    return statistics is not None and falls_behind(statistics["queue"])


def point_of(scenario: Mapping[str, Any], index: int) -> int:
    """The point of a probe, in steps of the search, from its level."""
    level = scenario["levels"][index]
    if level["users"] is not None:
        return int(level["users"])
    per_s: float = level["arrivals"]["phases"][0]["from_per_s"]
    step: float = scenario["search"]["step"]
    return round(per_s / step)


def limit_of(scenario: Mapping[str, Any], stages: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """``limit.json``."""
    search = scenario["search"]
    probes = [probe_of(point_of(scenario, stage["index"]), stage) for stage in stages]
    found = replayed(search["first"], search["last"], search["probes"], probes).interval()
    return {
        "schema": SCHEMA,
        "kind": search["kind"],
        "slo": list(scenario["slo"]),
        "searched": [shown(search, search["first"]), shown(search, search["last"])],
        "found": bool(probes) and found.low >= search["first"],
        "low": value_of(search, found.low),
        "high": value_of(search, found.high),
        "best": value_of(search, found.best),
        "confidence": round(found.confidence, 4),
        "answer": answer(search, found, probes),
        "remarks": list(_remarks(found, stages, probes)),
        "probes": [
            _told(search, probe, stage) for probe, stage in zip(probes, stages, strict=True)
        ],
    }


def value_of(search: Search, point: int) -> float:
    """Users, or requests per second, of a point."""
    return point if search["kind"] == "users" else round(point * search["step"], 9)


def shown(search: Search, point: int) -> str:
    """``16 users``, ``2.5/s``."""
    value = value_of(search, point)
    if search["kind"] == "users":
        return f"{value:g} user{'s' * (value != 1)}"
    return f"{value:g}/s"


def answer(search: Search, found: Interval, probes: Sequence[Probe]) -> str:
    """The limit in one sentence."""
    odds = f"at {100 * min(found.confidence, 0.999):.3g} %"
    first, last = search["first"], search["last"]
    if not probes:
        return "nothing was probed"
    if found.high < first:
        return f"not even {shown(search, first)} meets the objectives ({odds})"
    if found.low < first:
        most = shown(search, found.high)
        return f"limit at most {most}, and perhaps below {shown(search, first)} ({odds})"
    meets = f"{shown(search, found.low)} meet{'s' * (shown(search, found.low) == '1 user')} it"
    if found.high == last:
        return (
            f"{meets}: limit at least {shown(search, found.low)} {odds}; {shown(search, last)} "
            "is the highest that was asked for"
        )
    low, high = value_of(search, found.low), shown(search, found.high)
    span = high if found.low == found.high else f"{low:g}..{high}"
    return f"{meets}, {shown(search, found.high + 1)} do not: limit {span} {odds}"


def _remarks(
    found: Interval, stages: Sequence[Mapping[str, Any]], probes: Sequence[Probe]
) -> Sequence[str]:
    """What keeps the answer from being sharper."""
    weak = sum(probe.right == LOOKS for probe in probes)
    if not weak or found.low == found.high:
        return []
    untold = (
        f"{each['slo']}: {each['why']}"
        for stage in stages
        for each in stage["slo"]
        if each["status"] == "cannot tell"
    )
    return [
        f"{weak} of {len(probes)} probes could only be told by their looks "
        f"({next(untold)}); a longer --probe-duration, or a lower percentile, "
        "makes the answer sharper"
    ]


def _told(search: Search, probe: Probe, stage: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "level": stage["index"],
        search["kind"]: value_of(search, probe.point),
        "met": probe.met,
        "right": probe.right,
        "queue_grows": _queue_grows(stage),
        "slo": [
            {"slo": e["slo"], "value": e["value"], "status": e["status"]} for e in stage["slo"]
        ],
    }
