"""Sheets as text: aligned, whole, and no wider than asked where that can be."""

from __future__ import annotations

import csv
import io

import pytest

from tailrace.results.render.section import Section
from tailrace.results.render.sheet import Sheet, known
from tailrace.results.render.sheet_text import section_lines, sheet_csv, sheet_lines

SHEET = Sheet(
    "Title",
    ("name", "licence", "ms", "per s"),
    ("",) * 4,
    (("a", "MIT", "1.00", "900"), ("long name", "n/a", "123", "7")),
    texts=2,
)


def test_words_stand_left_and_numbers_right() -> None:
    assert list(sheet_lines(SHEET, 80)) == [
        "name        licence     ms   per s",
        "a           MIT       1.00     900",
        "long name   n/a        123       7",
    ]


def test_only_a_column_that_nobody_knows_is_left_out() -> None:
    rows = (("a", "n/a", "n/a", "n/a"), ("n/a", "n/a", "123", "n/a"))
    assert known(SHEET) == SHEET
    found = known(Sheet("Title", SHEET.columns, SHEET.terms, rows, texts=2))
    assert (found.columns, found.texts) == (("name", "ms"), 1)
    assert found.rows == (("a", "n/a"), ("n/a", "123"))
    assert known(Sheet("Title", ("name",), ("",), (("n/a",),), texts=1)).columns == ("name",)


@pytest.mark.parametrize("width", [20, 24, 30])
def test_a_narrow_screen_gets_more_blocks_with_the_first_column_again(width: int) -> None:
    lines = list(sheet_lines(SHEET, width))
    assert all(len(line) <= width for line in lines)
    blocks = lines.count("") + 1
    assert blocks > 1
    assert sum(line.startswith("long name") for line in lines) == blocks
    for cell in ("MIT", "1.00", "900", "123", "n/a"):
        assert sum(cell in line for line in lines) == 1


def test_only_words_are_guarded_in_csv() -> None:
    sheet = Sheet("t", ("a", "b"), ("", ""), (("=1+1", "-5.0"),), texts=1)
    text = sheet_csv(sheet)
    assert text.startswith("\ufeff")
    assert list(csv.reader(io.StringIO(text[1:], newline=""))) == [["a", "b"], ["'=1+1", "-5.0"]]


def test_a_section_has_its_titles_and_its_notes() -> None:
    lines = list(section_lines(Section("Whole", (SHEET,), ("remark",), ("note",)), 80))
    assert lines[:4] == ["Whole", "", "Title", ""]
    assert lines[-3:] == ["", "remark", "note"]
