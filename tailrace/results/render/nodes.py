"""Nodes: what each machine of a cluster contributed, and how well it measured. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tailrace.results.calibration import bound_ms, budget_from_dict
from tailrace.results.facts import RunFacts, StageFacts
from tailrace.results.node_budgets import parts_by_node
from tailrace.results.render.figures import count, ms, number
from tailrace.results.render.section import Section
from tailrace.results.render.sheet import Sheet
from tailrace.results.render.text import safe_text

COLUMNS = (
    *("level", "node", "workers", "ok", "failed", "loop late p99 ms", "reads seen late p99 ms"),
    *("clock ahead ms", "± ms", "calibrated", "TTFT ± ms", "gap ± ms"),
)
NOTES = (
    "loop late, reads seen late: of the worst worker on the node; neither is in any latency",
    "clock ahead: the node's clock against that of the machine that asked, when the level began; "
    "every duration is taken on one clock, only the moments of starts are moved by it",
    "calibrated: when the node was, for this event loop and these stamps; TTFT ±, gap ±: how far "
    "off its figures may be at its share of the load (~: too few samples to claim it, >: a higher "
    "load than was calibrated)",
)


def nodes_section(facts: RunFacts, results: Sequence[dict[str, Any]]) -> Section | None:
    """A row a level and node; None for a run on one machine."""
    if not (facts.fleet or any(each.fleet for each in facts.resumptions)):
        return None
    rows = [
        (safe_text(f"{model.model} at {stage.label}"), *_row(node, parts), *_bounds(found, node))
        for model, result in zip(facts.models, results, strict=True)
        for stage, found in zip(model.stages, result["stages"], strict=True)
        for node, parts in parts_by_node(stage)
    ]
    sheet = Sheet("By level and node", COLUMNS, ("",) * len(COLUMNS), tuple(rows), texts=2)
    remarks = tuple(safe_text(f"lost: {sentence}") for sentence in facts.lost_workers)
    return Section("Nodes", (sheet,), remarks, NOTES)


def _row(node: str, parts: Sequence[StageFacts]) -> Iterator[str]:
    yield safe_text(node)
    yield count(len(parts))
    yield count(sum(part.books.ok for part in parts))
    yield count(sum(part.books.error + part.books.timeout for part in parts))
    yield _worst(part.pulse.hiccups.p99_ns for part in parts)
    yield _worst(part.stamps.lag.p99_ns for part in parts)
    clocks = [part.clock for part in parts if part.clock is not None]
    best = min(clocks, key=lambda clock: clock.uncertainty_ns, default=None)
    yield number(None if best is None else ms(best.offset_ns))
    yield number(None if best is None else ms(best.uncertainty_ns))


def _bounds(found: dict[str, Any], node: str) -> Iterator[str]:
    """When it was calibrated, and its bounds."""
    budgets = (found["error_budget"] or {}).get("nodes", ())
    of = next((budget_from_dict(each["budget"]) for each in budgets if each["node"] == node), None)
    if of is None:
        yield from ("no", "n/a", "n/a")
        return
    mark = (">" if of.beyond else "") + ("" if of.certified else "~")
    yield safe_text(of.calibrated_at[:10])
    yield f"{mark}{bound_ms(of.ttft_ns)}"
    yield f"{mark}{bound_ms(of.gap_ns)}"


def _worst(values_ns: Iterator[int | None]) -> str:
    return number(ms(max((value for value in values_ns if value is not None), default=None)))
