"""Variants as a section, as CSV rows and as JSON. Pure.

Rule: a change is second minus first; its sign is printed, and whether it is for the better, in
words. A mark of either side stands on the change as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tailrace.results.render.figures import (
    FOOTNOTES,
    NOT_AVAILABLE,
    UNCERTIFIED,
    Figure,
    amount,
    latency,
)
from tailrace.results.render.section import Section
from tailrace.results.render.sheet import Sheet
from tailrace.results.render.text import safe_text
from tailrace.results.variants import Comparison, Delta, Value

_RULE = "change = second - first; relative = change / first; better and worse say nothing of chance"


def variants_section(found: Comparison) -> Section:
    """One table a level, and one for what belongs to none."""
    titles = (
        *("figure", "unit", safe_text(found.first, 40), safe_text(found.second, 40)),
        *("change", "relative", "for the"),
    )
    groups = [(f"At load level {safe_text(level.load)}", level.deltas) for level in found.levels]
    groups += [("At every level", found.whole)] if found.whole else []
    sheets = tuple(
        Sheet(title, titles, ("",) * len(titles), tuple(map(_row, deltas)), texts=2)
        for title, deltas in groups
    )
    notes = [_RULE]
    cells = "".join(cell for sheet in sheets for row in sheet.rows for cell in row)
    notes += [f"{mark} {text}" for mark, text in FOOTNOTES.items() if mark in cells]
    title = f"{found.first} against {found.second}"
    return Section(safe_text(title), sheets, tuple(map(safe_text, found.notes)), tuple(notes))


def _row(delta: Delta) -> tuple[str, ...]:
    mark = "" if delta.certified else UNCERTIFIED
    bound = {"at least": "≥", "at most": "≤"}.get(delta.bound, "")
    change, ratio = delta.change, delta.ratio
    return (
        *(delta.name, delta.unit, _value(delta, delta.first), _value(delta, delta.second)),
        NOT_AVAILABLE if change is None else f"{mark}{bound}{_signed(change)}",
        NOT_AVAILABLE if ratio is None else f"{mark}{bound}{100 * ratio:+.1f} %",
        _verdict(delta),
    )


def _value(delta: Delta, value: Value) -> str:
    if delta.unit == "ms":
        return latency(Figure(value.value, value.certified, value.at_least))
    return amount(value.value)


def _signed(change: float) -> str:
    sign = "+" if change > 0 else "-" if change < 0 else ""
    return sign + amount(abs(change))


def _verdict(delta: Delta) -> str:
    change = delta.change
    if change is None:
        return NOT_AVAILABLE
    if delta.bound and (change > 0) != (delta.bound == "at least"):
        return NOT_AVAILABLE  # a bound on the other side of nought decides nothing
    if change == 0:
        return "same"
    return "better" if (change < 0) == (delta.better == "lower") else "worse"


def _all(found: Comparison) -> Iterator[tuple[str, Delta]]:
    for level in found.levels:
        yield from ((level.load, delta) for delta in level.deltas)
    yield from (("", delta) for delta in found.whole)


def variants_json(found: Comparison) -> dict[str, Any]:
    """JSON-ready; figures are not rounded, what is not known is null."""
    return {
        "first": found.first,
        "second": found.second,
        "rule": _RULE,
        "notes": list(found.notes),
        "deltas": [
            {
                "load": load or None,
                "figure": delta.name,
                "unit": delta.unit,
                "better": delta.better,
                "first": delta.first.value,
                "second": delta.second.value,
                "change": delta.change,
                "relative": delta.ratio,
                "bound": delta.bound or None,
                "certified": delta.certified,
            }
            for load, delta in _all(found)
        ],
    }


def variants_csv_sheet(found: Comparison) -> Sheet:
    """Plain numbers, empty where there is none."""
    columns = (
        *("load", "figure", "unit", "better", "first", "second", "change", "relative"),
        *("bound", "certified"),
    )
    rows = tuple(
        (
            *(safe_text(load), delta.name, delta.unit, delta.better),
            *map(plain, (delta.first.value, delta.second.value, delta.change, delta.ratio)),
            *(delta.bound, str(delta.certified).lower()),
        )
        for load, delta in _all(found)
    )
    return Sheet("variants", columns, ("",) * len(columns), rows, texts=4)


def plain(value: float | None) -> str:
    """A number as a program reads it."""
    return "" if value is None else repr(float(value))
