"""Sections: the parts of a report after the measured figures, the same in every format. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tailrace.results.facts import RunFacts
from tailrace.results.render.quality import cost_section, quality_section
from tailrace.results.render.section import Section
from tailrace.results.render.selection import selection_section
from tailrace.results.render.sheet_text import sheet_lines
from tailrace.results.verdict import Verdict


def sections(facts: RunFacts, results: Sequence[dict[str, Any]], verdict: Verdict) -> list[Section]:
    """Selection, quality, cost: those that have anything to say."""
    found = (
        selection_section(facts, results, verdict),
        quality_section(results),
        cost_section(results),
    )
    return [section for section in found if section is not None]


def plain_sections(results: Sequence[dict[str, Any]], width: int) -> Iterator[tuple[str, str]]:
    """Quality and cost for a terminal, as (lead, text); the selection has its own command."""
    for section in (quality_section(results), cost_section(results)):
        if section is None:
            continue
        yield "", ""
        yield "", section.title
        for sheet in section.sheets:
            yield from (("", line) for line in sheet_lines(sheet, width))
        yield from ((f"{'note':<8} ", remark) for remark in section.remarks)
        if section.title != "Quality":
            yield from ((f"{'formula':<8} ", note) for note in section.notes)
