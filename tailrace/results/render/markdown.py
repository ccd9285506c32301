"""report.md: the whole run as GitHub Markdown, verdict first. Pure.

Rule: no text from outside can change the page. Ids and values stand in code spans, sentences have
every character that Markdown, HTML or GitHub would act on written as an entity; an entity can
never open or close a construct, not even a table cell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tailrace.results.facts import RunFacts
from tailrace.results.metrics import definitions
from tailrace.results.render import about
from tailrace.results.render.figures import FOOTNOTES
from tailrace.results.render.groups import group_sheets
from tailrace.results.render.highlights import model_highlights
from tailrace.results.render.section import Section
from tailrace.results.render.sections import sections
from tailrace.results.render.server import server_about
from tailrace.results.render.sheet import Sheet
from tailrace.results.render.sheets import (
    accuracy,
    cold,
    detail_sheets,
    percentile_sheets,
    results_sheet,
    warnings,
)
from tailrace.results.render.table import Level, by_model, rows
from tailrace.results.render.text import safe_text
from tailrace.results.verdict import Verdict

_SIMPLE = re.compile(r"[\w.,:/@+=()%-]+(?: [\w.,:/@+=()%-]+)*", re.ASCII)
_FIGURE = re.compile(r"[~≥]{0,2}[\d.]+(?: %)?|n/a|—")
_ACTIVE = re.compile(
    r"[&<>`|*\[\]\\!#~$^@]"  # constructs of Markdown, HTML and GitHub
    r"|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])"  # emphasis; inside a word it is none
    r"|(?<=:)/|(?<=[Ww]{3})\."  # bare links
    r"|^[+=-]|(?:(?<=^\d)|(?<=^\d\d)|(?<=^\d\d\d))[.)](?=\s|$)"  # a list or a heading in an item
)


def report_md(facts: RunFacts, results: Sequence[dict[str, Any]], verdict: Verdict) -> str:
    """The file's text; ``results`` run parallel to ``facts.models``."""
    levels = rows(facts, results)
    before, after = sections(facts, results, verdict)
    parts = [
        f"# {prose(facts.name)}: load test of streaming LLM endpoints",
        *_verdict(verdict),
        *(prose(model_highlights(result)) for result in results),
        *_sections(before),
        "## Results",
        " ".join(f"`{mark}` {prose(text)}." for mark, text in FOOTNOTES.items()),
    ]
    for group, result in zip(by_model(levels), results, strict=True):
        parts += _model(group, result)
    parts += _sections(after)
    parts += ["## What was run", _pairs(about.run_pairs(facts))]
    parts += ["## Host", _pairs(about.host_pairs(facts)), "## Definitions", _definitions()]
    return "\n\n".join(part for part in parts if part) + "\n"


def prose(text: str) -> str:
    """A sentence that may quote anything, as plain running text."""
    return _ACTIVE.sub(_entity, safe_text(text))


def code(text: str) -> str:
    """An id or a value in a code span, or in a code element where a span would not hold it."""
    text = safe_text(text)
    if _SIMPLE.fullmatch(text):
        return f"`{text}`"
    return f"<code>{prose(text)}</code>" if text else "(empty)"


def _entity(match: re.Match[str]) -> str:
    char = match.group()
    # the empty comment keeps GitHub from making a mention of the name that follows
    return "&#64;<!-- -->" if char == "@" else f"&#{ord(char)};"


def _cell(text: str) -> str:
    return text if _FIGURE.fullmatch(text) else prose(text)


def _table(columns: Sequence[str], body: Iterable[Sequence[str]], left: int = 0) -> str:
    """``left`` columns are texts; the others are numbers and stand to the right."""
    ruler = ["---" if index < left else "---:" for index in range(len(columns))]
    lines = [[prose(name) for name in columns], ruler, *body]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def sheet_md(sheet: Sheet) -> str:
    """A sheet as a table."""
    body = [[_cell(cell) for cell in row] for row in sheet.rows]
    return _table(sheet.columns, body, sheet.texts)


def section_md(section: Section) -> Iterator[str]:
    """A section without its heading, part by part."""
    yield from map(sheet_md, section.sheets)
    yield _listed(section.remarks)
    yield _listed(section.notes)


def titled_md(section: Section) -> str:
    """A section that stands by itself, with a title for each of its tables."""
    parts = [f"## {prose(section.title)}"]
    for sheet in section.sheets:
        parts += [f"### {prose(sheet.title)}", sheet_md(sheet)]
    parts += [_listed(section.remarks), _listed(section.notes)]
    return "\n\n".join(part for part in parts if part)


def _sections(of: Iterable[Section]) -> Iterator[str]:
    for section in of:
        yield f"## {prose(section.title)}"
        yield from section_md(section)


def _pairs(pairs: about.Pairs) -> str:
    return _table(("key", "value"), [(prose(key), code(value)) for key, value in pairs], 2)


def _listed(items: Iterable[str]) -> str:
    return "\n".join(f"- {prose(item)}" for item in items)


def _verdict(verdict: Verdict) -> Iterator[str]:
    yield f"**{verdict.word}**" + (":" if verdict.reasons else "")
    yield _listed(verdict.reasons)
    if verdict.notes:
        yield "Notes:"
        yield _listed(verdict.notes)


def _model(levels: Sequence[Level], result: dict[str, Any]) -> Iterator[str]:
    first = levels[0]
    yield f"### {code(first.model)}"
    if first.status != "ok":
        yield f"**{prose(first.state)}**" + (f": {code(first.error)}" if first.error else "")
    start = cold(result)
    if start is not None:
        yield f"Cold first request, in no percentile: {prose(start)}."
    if not first.reached:
        return
    yield sheet_md(results_sheet(levels))
    bounds = accuracy(levels)
    if bounds is not None:
        yield f"Accuracy of this client: {prose(bounds)}."
    watched = server_about(result)
    if watched is not None:
        yield f"The server was watched: {prose(watched)}."
    warned = warnings(levels)
    if warned:
        yield "Warnings:"
        yield _listed(warned)
    for sheet in detail_sheets(levels) + group_sheets(levels):
        yield f"#### {prose(sheet.title)}"
        yield sheet_md(sheet)
    yield "<details>\n<summary>All percentiles in ms</summary>"
    for sheet in percentile_sheets(levels):
        yield f"#### {prose(sheet.title)}"
        yield sheet_md(sheet)
    yield "</details>"


def _definitions() -> str:
    return "\n".join(f"- **{prose(name)}**: {prose(text)}" for name, text in definitions().items())
