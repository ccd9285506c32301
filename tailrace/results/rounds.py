"""Rounds: what the repetitions of a level say together: the interval of each figure's mean. Pure.

Rule: a round is one sample of a figure, whatever number of requests it has, and the interval is
Student's. Rounds that were held one after another need no law of the requests within them, which is
why they are the surest way to know how far a figure can be believed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean, stdev
from typing import Any

from tailrace.results.bounds import INTERVAL, t_half_width

LATENCIES = ("ttft", "ttft_response", "icl", "tpot", "e2e", "e2e_response")
PERCENTILES = ("p50", "p95", "p99")
RATES = ("requests_per_s", "tokens_per_s")


def rounds_of(stages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One entry a load that was held in two rounds or more, in the order of the loads."""
    loads: dict[str, list[Mapping[str, Any]]] = {}
    for stage in stages:
        if stage["round"]:
            loads.setdefault(stage["load"], []).append(stage)
    return [_entry(load, held) for load, held in loads.items() if len(held) > 1]


def _entry(load: str, held: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "load": load,
        "users": held[0]["users"],
        "rounds": len(held),
        "confidence": INTERVAL,
        "figures": {
            name: found
            for name, values in _figures(held)
            if (found := interval_of(values)) is not None
        },
    }


def _figures(held: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, list[float]]]:
    for metric in LATENCIES:
        for percentile in PERCENTILES:
            figures = (stage["metrics"][metric]["percentiles"][percentile] for stage in held)
            values = [figure["value_ns"] for figure in figures if figure["value_ns"] is not None]
            yield f"{metric}_{percentile}_ns", values
    for rate in RATES:
        values = [stage["rates"][rate] for stage in held if stage["rates"][rate] is not None]
        yield rate, values
    shares = [stage.get("goodput") or {} for stage in held]
    yield "goodput_per_s", [share["per_s"] for share in shares if share.get("per_s") is not None]


def interval_of(values: Sequence[float]) -> dict[str, float] | None:
    """Mean, deviation and t interval of at least two values."""
    if len(values) < 2:
        return None
    mean, deviation = fmean(values), stdev(values)
    half = t_half_width(deviation, len(values)) or 0.0
    return {
        "n": len(values),
        "mean": round(mean, 4),
        "deviation": round(deviation, 4),
        "low": round(mean - half, 4),
        "high": round(mean + half, 4),
    }
