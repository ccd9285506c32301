"""Sheets as text: plain for a terminal, and CSV. Pure.

Rule: as the final table: no number is cut, words stand to the left and numbers to the right, and a
narrow screen gets more blocks of columns, each with the first column again.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import replace

from tailrace.results.render.grid import Strip, pack, strip
from tailrace.results.render.section import Section
from tailrace.results.render.sheet import Sheet
from tailrace.results.render.summary_csv import BOM, guarded


def sheet_lines(sheet: Sheet, width: int) -> Iterator[str]:
    """The table without its title, no line longer than ``width`` where the cells allow it."""
    strips = [
        replace(strip("", title, (row[place] for row in sheet.rows)), group=str(place))
        for place, title in enumerate(sheet.columns)
    ]
    for number, block in enumerate(pack(strips, width)):
        if number:
            yield ""
        yield _line(block, [entry.title for entry in block], sheet.texts)
        for row in range(len(sheet.rows)):
            yield _line(block, [entry.cells[row] for entry in block], sheet.texts)


def _line(block: Sequence[Strip], cells: Sequence[str], texts: int) -> str:
    """A strip's group is its place here, so that strips are packed one by one."""
    parts = (
        " " * entry.lead
        + (cell.ljust(entry.width) if int(entry.group) < texts else cell.rjust(entry.width))
        for entry, cell in zip(block, cells, strict=True)
    )
    return "".join(parts).rstrip()


def sheet_csv(sheet: Sheet) -> str:
    """The same cells for a spreadsheet; no word of another can become a formula there."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(sheet.columns)
    for row in sheet.rows:
        words, numbers = row[: sheet.texts], row[sheet.texts :]  # a minus is no formula
        writer.writerow([*map(guarded, words), *numbers])
    return BOM + out.getvalue()


def section_lines(section: Section, width: int) -> Iterator[str]:
    """A whole section: titles, tables, remarks and notes."""
    yield section.title
    for sheet in section.sheets:
        yield from ("", sheet.title, "")
        yield from sheet_lines(sheet, width)
    yield ""
    yield from section.remarks
    yield from section.notes
