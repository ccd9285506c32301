"""Sections: the parts of a report after the measured figures, the same in every format. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tailrace.results.facts import RunFacts
from tailrace.results.render.limit import limit_section
from tailrace.results.render.nodes import nodes_section
from tailrace.results.render.quality import cost_section, quality_section
from tailrace.results.render.section import Section
from tailrace.results.render.selection import selection_section, short_section
from tailrace.results.render.sheet import known
from tailrace.results.render.sheet_text import sheet_lines
from tailrace.results.render.slo import slo_section
from tailrace.results.render.statistics import short_statistics, statistics_section
from tailrace.results.verdict import Verdict


def sections(
    facts: RunFacts, results: Sequence[dict[str, Any]], verdict: Verdict
) -> tuple[list[Section], list[Section]]:
    """Those that have anything to say: (before the results, after them).

    The selection comes first, and only where there is something to choose between.
    """
    selection = selection_section(facts, results, verdict) if len(facts.models) > 1 else None
    found = (
        nodes_section(facts, results),
        statistics_section(results),
        quality_section(results),
        cost_section(results),
    )
    objectives = slo_section(results)
    limit = limit_section(facts.scenario, results)
    first = [section for section in (limit, selection, objectives) if section is not None]
    return first, [section for section in found if section is not None]


def plain_sections(
    facts: RunFacts, results: Sequence[dict[str, Any]], verdict: Verdict, width: int
) -> Iterator[tuple[str, str]]:
    """Quality, cost and, of several models, the selection for a terminal, as (lead, text)."""
    cost = cost_section(results)
    choice = short_section(facts, results, verdict)
    limit = limit_section(facts.scenario, results)
    first = (limit, slo_section(results), short_statistics(results))
    for section in (*first, quality_section(results), cost, choice):
        if section is None:
            continue
        yield "", ""
        yield "", section.title
        for sheet in section.sheets:
            yield from (("", line) for line in sheet_lines(known(sheet), width))
        yield from ((f"{'note':<8} ", remark) for remark in section.remarks)
        if section is cost:
            yield from ((f"{'formula':<8} ", note) for note in section.notes)
