"""Knee: the load from which more of it costs more latency than it brings throughput. Pure.

Rule: the level with the highest power, throughput / mean response time (L. Kleinrock, Power and
deterministic rules of thumb for probabilistic problems in computer communications, ICC 1979).

Why not Kneedle (Satopaa and others 2011): it first scales the curve to its ends, so that its answer
moves with the highest level that somebody chose to measure, and it has a sensitivity to be set.
Power is a figure of each level alone, and three levels are enough.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

FEWEST_LEVELS = 3


def power_of(stage: Mapping[str, Any]) -> float | None:
    """Requests per second per second of mean E2E; None where either was not measured.

    The time runs from the intended start in an open loop, which must not hide its queue.
    """
    name = "e2e" if stage["users"] is not None else "e2e_response"
    mean_ns, rate = stage["metrics"][name]["mean_ns"], stage["rates"]["requests_per_s"]
    return None if not mean_ns or not rate else float(rate) / (mean_ns / 1e9)


def knee_of(stages: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Of a model's levels, rounds of one averaged; None of fewer than three that differ."""
    powers: dict[str, list[float]] = {}
    amounts: dict[str, float] = {}
    for stage in stages:
        power, amount = power_of(stage), _amount(stage)
        if power is None or amount is None:
            continue
        powers.setdefault(stage["load"], []).append(power)
        amounts[stage["load"]] = amount
    if len(powers) < FEWEST_LEVELS or len({stage["users"] is None for stage in stages}) > 1:
        return None
    order = sorted(powers, key=lambda load: amounts[load])
    means = {load: fmean(powers[load]) for load in order}
    best = max(order, key=lambda load: means[load])
    return {
        "load": best,
        "users": next(stage["users"] for stage in stages if stage["load"] == best),
        "end": {order[0]: "lowest", order[-1]: "highest"}.get(best),
        "power": {load: round(means[load], 4) for load in order},
    }


def _amount(stage: Mapping[str, Any]) -> float | None:
    """What levels are ordered by."""
    if stage["users"] is not None:
        return float(stage["users"])
    asked: float | None = (stage["arrivals"] or {}).get("requested_per_s")
    return asked
