"""Sheet: one table of a report as plain strings, for every format alike. Pure.

Cells are safe texts but not yet escaped: that is the part of the file that writes them.
"""

from __future__ import annotations

from dataclasses import dataclass


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
