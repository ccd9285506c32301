"""A comparison as a section (terminal, Markdown), as JSON and as JUnit XML. Pure.

Rule: a change is never shown without its interval, and what cannot be told says why. In JUnit what
is worse is a failure and what cannot be told is skipped, so that a CI's own page shows both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any
from xml.etree import ElementTree

from tailrace.results.compare import Comparison, Pair
from tailrace.results.compare_cell import VERDICTS, Cell
from tailrace.results.render.figures import NOT_AVAILABLE, number
from tailrace.results.render.section import Section
from tailrace.results.render.sheet import Sheet
from tailrace.results.render.text import safe_text

SCHEMA = "tailrace.comparison/1"


def compare_sections(found: Comparison) -> list[Section]:
    """One a pair: a table a level, what cannot be told and why, and the rule."""
    return [_section(found, pair) for pair in found.pairs]


def _section(found: Comparison, pair: Pair) -> Section:
    confidence = f"{100 * found.settings.confidence:g} %"
    columns = (
        *("figure", "unit", "base", "other", "change", f"{confidence} interval", "A"),
        "verdict",
    )
    sheets = tuple(
        Sheet(
            f"{safe_text(model)} at load level {safe_text(load)}",
            columns,
            ("",) * len(columns),
            tuple(_row(cell) for cell in cells),
            texts=2,
        )
        for model, load, cells in by_level(pair.cells)
    )
    margin, error_margin = 100 * found.settings.margin, 100 * found.settings.error_margin
    rule = (
        f"better, worse: the change is beyond {margin:g} % (of the error rate {error_margin:g} % "
        f"of all requests) with {confidence} confidence over all figures together (Holm); no "
        "difference: none that matters was seen, and the interval is narrow enough; change = "
        "other / base - 1, of the error rate other - base; A: the chance that a sample of the "
        "other is the larger one"
    )
    title = f"{pair.other} against {pair.base}: {pair.verdict.upper()}"
    remarks = (counted(pair.cells), *map(safe_text, (*_untold(pair.cells), *pair.notes)))
    return Section(safe_text(title), sheets, remarks, (rule,))


def by_level(cells: Sequence[Cell]) -> Iterator[tuple[str, str, list[Cell]]]:
    """(model, load, its cells), in their order."""
    for (model, load), group in groupby(cells, key=lambda cell: (cell.model, cell.load)):
        yield model, load, list(group)


def counted(cells: Sequence[Cell]) -> str:
    """``2 worse, 20 no difference, 1 cannot tell``."""
    counts = Counter(cell.verdict for cell in cells)
    return ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS if counts[verdict])


def _untold(cells: Sequence[Cell]) -> Iterator[str]:
    for model, load, group in by_level(cells):
        for cell in group:
            if cell.reason:
                yield f"{model} at {load}, {cell.name}: cannot tell: {cell.reason}"


def _row(cell: Cell) -> tuple[str, ...]:
    percent = cell.scale == "points"
    unit = "%" if percent else cell.unit
    scale = 100 if percent else 1
    values = (None if v is None else scale * v for v in (cell.base, cell.other))
    return (
        *(cell.name, unit, *map(number, values)),
        _change(cell, cell.change),
        NOT_AVAILABLE
        if cell.low is None
        else f"{_change(cell, cell.low)} … {_change(cell, cell.high)}",
        NOT_AVAILABLE if cell.effect is None else f"{cell.effect:.2f}",
        cell.verdict,
    )


def _change(cell: Cell, value: float | None) -> str:
    if value is None:
        return NOT_AVAILABLE
    shown = f"{100 * value:+.1f}" if abs(value) < 10 else f"{100 * value:+.3g}"
    return shown if cell.scale == "points" else f"{shown} %"


def compare_json(found: Comparison) -> dict[str, Any]:
    """JSON-ready; nothing is rounded, what is not known is null."""
    settings = found.settings
    return {
        "schema": SCHEMA,
        "margin": settings.margin,
        "error_margin": settings.error_margin,
        "confidence": settings.confidence,
        "seed": settings.seed,
        "worse": len(found.worse),
        "pairs": [
            {
                "base": pair.base,
                "other": pair.other,
                "verdict": pair.verdict,
                "notes": list(pair.notes),
                "cells": [_cell_json(cell) for cell in pair.cells],
            }
            for pair in found.pairs
        ],
    }


def _cell_json(cell: Cell) -> dict[str, Any]:
    return {
        "model": cell.model,
        "load": cell.load,
        "metric": cell.metric,
        "statistic": cell.statistic or None,
        "unit": cell.unit,
        "better": cell.better,
        "scale": cell.scale,
        "base": cell.base,
        "other": cell.other,
        "n_base": cell.n_base,
        "n_other": cell.n_other,
        "change": cell.change,
        "low": cell.low,
        "high": cell.high,
        "p": cell.p,
        "p_adjusted": cell.p_adjusted,
        "effect_a": cell.effect,
        "at_least": cell.at_least,
        "verdict": cell.verdict,
        "reason": cell.reason or None,
    }


def compare_junit(found: Comparison) -> str:
    """A suite for each pair, model and level; a case for each figure."""
    root = ElementTree.Element("testsuites", name="tailrace compare")
    for pair in found.pairs:
        for model, load, cells in by_level(pair.cells):
            name = f"{pair.other} against {pair.base}: {model} at {load}"
            suite = ElementTree.SubElement(root, "testsuite", name=safe_text(name))
            for cell in cells:
                _case(suite, cell)
            _count(suite, cells)
    _count(root, [cell for pair in found.pairs for cell in pair.cells])
    ElementTree.indent(root)
    text: str = ElementTree.tostring(root, encoding="unicode", xml_declaration=False)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _case(suite: ElementTree.Element, cell: Cell) -> None:
    classname = safe_text(f"{cell.model}.{cell.load}")
    case = ElementTree.SubElement(suite, "testcase", name=cell.name, classname=classname)
    said = sentence(cell)
    if cell.verdict == "worse":
        ElementTree.SubElement(case, "failure", message=said, type="worse").text = said
    elif cell.verdict == "cannot tell":
        ElementTree.SubElement(case, "skipped", message=safe_text(cell.reason))
    else:
        ElementTree.SubElement(case, "system-out").text = said


def _count(element: ElementTree.Element, cells: Sequence[Cell]) -> None:
    counts = Counter(cell.verdict for cell in cells)
    element.set("tests", str(len(cells)))
    element.set("failures", str(counts["worse"]))
    element.set("skipped", str(counts["cannot tell"]))
    element.set("errors", "0")


def sentence(cell: Cell) -> str:
    """``ttft p99: 210 ms, was 190 ms: +10.5 % (+7.0 % … +14.1 %): worse``."""
    _, unit, base, other, change, interval, _, verdict = _row(cell)
    return f"{cell.name}: {other} {unit}, was {base} {unit}: {change} ({interval}): {verdict}"
