"""Audit of a level's course: are requests independent, is it steady, does its queue grow? Pure.

One finding each, also where all is well. None makes a run INVALID: what was measured was so. They
say of what it may be taken as the value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tailrace.results.audit import Finding
from tailrace.results.render.figures import number, share

WORTH_WARN = 0.2
"""Share of the samples that are independent. Below a fifth, intervals that took all for independent
would be less than half as wide as they must be."""
FEWEST_WORTH = 50
TRIM_WARN = 0.10
SHIFT_WARN, SHIFT_ERRORS = 0.05, 4.0
"""MSER-5 trims a little of any series by chance, and where it differs most: only a tenth that is
5 % off, and by four standard errors, is a drift."""
FALLS_BEHIND = 0.01
"""Of the arrivals, how many must surely pile up: below it, a queue near its limit swings."""
GROWS_WARN = 0.20
"""By how much of its mean a latency must surely have grown over the level."""


def series_findings(
    statistics: Mapping[str, Any] | None, metrics: Mapping[str, Any], window_s: float | None
) -> Iterator[Finding]:
    """From ``statistics`` and ``metrics`` of a level's document; E2E where nothing streams."""
    if statistics is None or not window_s:
        return
    judged = statistics["steady_state"]["metric"]
    name = {"ttft": "TTFT", "e2e": "E2E"}[judged]
    yield _independence(name, metrics[judged], statistics["order_of_every"])
    yield _steady(name, statistics["steady_state"])
    yield _queue(name, statistics["queue"], window_s)


def _independence(name: str, metric: Mapping[str, Any], every: int) -> Finding:
    n = (metric["n"] or 0) // every
    found = {
        percentile: metric["percentiles"][percentile]["effective_n"]
        for percentile in ("p50", "p95")
        if metric["percentiles"][percentile]["effective_n"] is not None
    }
    if n < FEWEST_WORTH or not found:
        return Finding("independence", f"{n} samples of {name}", "ok", "too few to judge")
    worst = min(found, key=lambda percentile: float(found[percentile]))
    every_one = f", one of every {every}," if every > 1 else ""
    value = f"{n} samples of {name}{every_one} are worth {number(found[worst])} for {worst}"
    if found[worst] / n < WORTH_WARN:
        why = (
            "requests depend on each other: bounds of one run are wide, and too narrow where they "
            "do not allow for it; hold the level longer, or repeat it with --rounds"
        )
        return Finding("independence", value, "warn", why)
    return Finding("independence", value, "ok", "bounds allow for what they depend on each other")


def _steady(name: str, found: Mapping[str, Any]) -> Finding:
    parts = {name: found[found["metric"]], "tokens/s": found["tokens_per_s"]}
    known = {of: part for of, part in parts.items() if part is not None}
    if not known:
        return Finding("steady state", "too few samples", "ok", "nothing to go by")
    told = [
        f"{share(part['trimmed_share'])} of {of}"
        + (f" ({100 * part['shift']:+.0f} %)" if part["trimmed"] else "")
        for of, part in known.items()
    ]
    value = f"MSER-5 would trim {', '.join(told)}"
    drifting = [of for of, part in known.items() if _drifts(part)]
    if drifting:
        verb = "drifts" if len(drifting) == 1 else "drift"
        why = (
            f"{' and '.join(drifting)} {verb} beyond the warm-up; nothing was trimmed: lengthen "
            "--warmup, or the level"
        )
        return Finding("steady state", value, "warn", why)
    return Finding("steady state", value, "ok", "the warm-up was long enough")


def _drifts(part: Mapping[str, Any]) -> bool:
    surely = abs(part["shift"]) > max(SHIFT_WARN, SHIFT_ERRORS * part["shift_error"])
    return bool(surely and part["trimmed_share"] > TRIM_WARN)


def _queue(name: str, found: Mapping[str, Any], window_s: float) -> Finding:
    flight, latency = found["in_flight"], found["ttft_ns" if name == "TTFT" else "e2e_ns"]
    told = []
    if flight is not None:
        told.append(f"in flight {flight['slope_per_s']:+.3g} a second {_error(flight, 1)}")
    if latency is not None:
        told.append(
            f"{name} {latency['slope_per_s'] / 1e6:+.3g} ms a second {_error(latency, 1e6)}"
        )
    value = ", ".join(told) or "too few samples"
    if falls_behind(found):
        why = (
            f"the queue grows by {number(flight['slope_per_s'])} a second: the server cannot keep "
            "up, and every latency depends on how long the level lasted"
        )
        return Finding("queue", value, "warn", why)
    if latency is not None and latency["at_least_per_s"] * window_s > GROWS_WARN * latency["mean"]:
        why = f"{name} grows all along the level: its percentiles depend on how long that lasted"
        return Finding("queue", value, "warn", why)
    return Finding("queue", value, "ok", "it does not surely grow")


def falls_behind(queue: Mapping[str, Any]) -> bool:
    """Whether an open loop's queue surely grows, from ``queue`` of a level's statistics."""
    flight = queue["in_flight"]
    return bool(flight and flight["at_least_per_s"] > FALLS_BEHIND * queue["arrivals_per_s"])


def _error(found: Mapping[str, Any], unit: float) -> str:
    return f"(±{found['standard_error'] / unit:.2g})"
