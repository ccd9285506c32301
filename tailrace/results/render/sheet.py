"""Sheet: one table of a report as plain strings, for every format alike. Pure.

Cells are safe texts but not yet escaped: that is the part of the file that writes them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tailrace.results.render.figures import NOT_AVAILABLE


@dataclass(frozen=True, slots=True)
class Sheet:
    """A titled table; ``terms`` names the definition behind each column, or is empty there."""

    title: str
    columns: tuple[str, ...]
    terms: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    term: str = ""
    """The definition behind the title."""
    row_terms: tuple[str, ...] = ()
    """The definition behind each row's first cell, if rows have any."""
    texts: int = 0
    """How many columns on the left are words; the others are numbers."""


def known(sheet: Sheet) -> Sheet:
    """The sheet without the columns in which every cell is n/a; the first one stays."""
    kept = [
        place
        for place in range(len(sheet.columns))
        if not place or any(row[place] != NOT_AVAILABLE for row in sheet.rows)
    ]
    return replace(
        sheet,
        columns=tuple(sheet.columns[place] for place in kept),
        terms=tuple(sheet.terms[place] for place in kept),
        rows=tuple(tuple(row[place] for place in kept) for row in sheet.rows),
        texts=sum(place < sheet.texts for place in kept),
    )
