"""NodeBudgets: how far off a level's figures may be, where each machine has its own calibration.

Rule: each node answers for the load of its own workers, and the level for its worst node, which is
named; so are those of which nothing is known. What the machine that asks is good for does not count
where it held no load. Pure.

Why: one slow node among many is in every pooled figure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tailrace.results.calibration import (
    Calibration,
    budget_from_dict,
    calibration_from_dict,
    error_budget,
    worst,
)
from tailrace.results.facts import RunFacts, StageFacts
from tailrace.results.stamp_facts import StampFacts

Known = dict[str, Calibration]
"""By node; those that are not calibrated are not in it."""


@dataclass(frozen=True, slots=True)
class Calibrations:
    """All that a run knows of its machines."""

    here: Calibration | None = None
    """Of the machine that asks, for the levels that it held itself."""
    fleets: tuple[tuple[int | None, Known], ...] = ()
    """Of each sitting's nodes, and until when it held levels; None without an end."""

    def budget(self, stage: StageFacts, tokens_per_s: float | None) -> dict[str, Any] | None:
        """What ``result.json`` says of a level; see ``error_budget``."""
        by_node = list(parts_by_node(stage))
        if not by_node:
            users = stage.users or stage.max_in_flight
            return error_budget(self.here, stage.stamps.source, tokens_per_s, users)
        known = self._known_at(stage.began_ns)
        total = sum(part.books.ok for part in stage.parts)
        budgets = [
            {"node": node, "budget": _of_node(known.get(node), parts, total, tokens_per_s)}
            for node, parts in by_node
        ]
        return _worst_of(budgets)

    def _known_at(self, at_ns: int) -> Known:
        for until_ns, known in self.fleets:
            if until_ns is None or at_ns < until_ns:
                return known
        return {}


def parts_by_node(stage: StageFacts) -> Iterator[tuple[str, list[StageFacts]]]:
    """The parts of each node of a cluster, by its name; none of a level held on one machine."""
    for node in sorted({part.node for part in stage.parts if part.node}):
        yield node, [part for part in stage.parts if part.node == node]


def calibrations_of(facts: RunFacts, where: str) -> Calibrations:
    """As ``run.json`` keeps them; raises ResultError naming ``where`` when one is none."""
    ends = [*(each.at_ns for each in facts.resumptions), None]
    fleets = [*(each.fleet for each in facts.resumptions), facts.fleet]
    here = facts.calibration
    return Calibrations(
        None if here is None else calibration_from_dict(here, f"the calibration in {where}"),
        tuple((end, _known(fleet, where)) for end, fleet in zip(ends, fleets, strict=True)),
    )


def _known(fleet: Sequence[dict[str, Any]], where: str) -> Known:
    return {
        str(each.get("node")): calibration_from_dict(
            each["calibration"], f"the calibration of node {each.get('node')!r} in {where}"
        )
        for each in fleet
        if each.get("calibration") is not None
    }


def uncalibrated(fleet: Iterable[dict[str, Any]]) -> list[str]:
    """The nodes of which nothing is known, by name."""
    each_known = [(str(each["node"]), each.get("calibration") is not None) for each in fleet]
    known = {node for node, is_known in each_known if is_known}
    return sorted({node for node, _ in each_known} - known)


def _of_node(
    calibration: Calibration | None,
    parts: Sequence[StageFacts],
    total_ok: int,
    tokens_per_s: float | None,
) -> dict[str, Any] | None:
    """With its share of the tokens, by the answers that its workers had, and of the users."""
    share = sum(part.books.ok for part in parts) / total_ok if total_ok else 0.0
    stamps = StampFacts(
        sum(part.stamps.kernel_reads for part in parts),
        sum(part.stamps.user_reads for part in parts),
    )
    users = sum(part.users or part.max_in_flight for part in parts)
    own = None if tokens_per_s is None else tokens_per_s * share
    return error_budget(calibration, stamps.source, own, users)


def _worst_of(budgets: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    known = [each for each in budgets if each["budget"] is not None]
    found = worst(budget_from_dict(each["budget"]) for each in known)
    if found is None:
        return None
    (of, *_) = (each for each in known if budget_from_dict(each["budget"]) == found)
    budget: dict[str, Any] = of["budget"]
    return budget | {
        "node": of["node"],
        "uncalibrated": [each["node"] for each in budgets if each["budget"] is None],
        "nodes": budgets,
    }
