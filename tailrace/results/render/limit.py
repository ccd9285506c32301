"""The limit that a search found, as a section of every report. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tailrace.results.limit import limit_of, point_of, probe_of, shown
from tailrace.results.limit_search import LOOKS, SURE
from tailrace.results.render.figures import NOT_AVAILABLE
from tailrace.results.render.section import Section
from tailrace.results.render.sheet import Sheet

HOW = {SURE: "sure", LOOKS: "by its looks"}


def limit_section(
    scenario: Mapping[str, Any], results: Sequence[Mapping[str, Any]]
) -> Section | None:
    """The answer, and the probes in their order; None for a run that searched for none."""
    if not scenario.get("search") or not results:
        return None
    stages = results[0]["stages"]
    found = limit_of(scenario, stages)
    rows = tuple(_row(scenario, number, stage) for number, stage in enumerate(stages, 1))
    columns, terms = ("probe", "load", "outcome", "told"), ("", "", "slo", "limit")
    sheet = Sheet("Probes", columns, terms, rows, "limit", texts=4)
    title = f"Limit: {found['answer']}"
    return Section(title, (sheet,) if rows else (), tuple(found["remarks"]))


def _row(
    scenario: Mapping[str, Any], number: int, stage: Mapping[str, Any]
) -> tuple[str, str, str, str]:
    point = point_of(scenario, stage["index"])
    probe = probe_of(point, stage)
    told = NOT_AVAILABLE if probe.met is None else "met" if probe.met else "MISSED"
    return str(number), shown(scenario["search"], point), told, HOW.get(probe.right, "as measured")
