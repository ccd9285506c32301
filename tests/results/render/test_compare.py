"""A comparison in each format, from the cells of made runs."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

from tailrace.results.compare import Comparison, compare
from tailrace.results.render.compare import compare_json, compare_junit, compare_sections, sentence
from tailrace.results.render.markdown import titled_md
from tailrace.results.render.sheet_text import section_lines

from ..test_compare import BASE, SETTINGS, run

FOUND = compare(BASE, [run("B", 1, scale=1.5), run("C", 2, loads=("8",))], SETTINGS)


def hostile() -> Comparison:
    pair = FOUND.pairs[0]
    cells = tuple(replace(cell, model="<b>\x1b[31m|\x00") for cell in pair.cells)
    return replace(FOUND, pairs=(replace(pair, cells=cells),))


def test_a_terminal_gets_tables_verdicts_and_the_rule() -> None:
    text = "\n".join("\n".join(section_lines(one, 120)) for one in compare_sections(FOUND))
    assert "B against A: WORSE" in text
    assert "C against A: NO DIFFERENCE" in text
    assert "m at load level 8" in text
    assert "+50" in text
    assert "beyond 5 %" in text
    assert "4 worse, 2 no difference" in text


def test_no_cell_without_an_interval_or_a_reason() -> None:
    for pair in FOUND.pairs:
        for cell in pair.cells:
            assert cell.low is not None or cell.reason


def test_markdown_has_a_title_for_each_level_and_nothing_active() -> None:
    text = titled_md(compare_sections(hostile())[0])
    assert text.count("### ") == 2
    assert "<b>" not in text
    assert "\x1b" not in text


def test_json_rounds_nothing() -> None:
    document = compare_json(FOUND)
    assert [pair["verdict"] for pair in document["pairs"]] == ["worse", "no difference"]
    first = document["pairs"][0]["cells"][0]
    assert first["change"] == FOUND.pairs[0].cells[0].change
    assert document["worse"] == 4


def test_junit_counts_failures_and_skips() -> None:
    root = ElementTree.fromstring(compare_junit(FOUND))
    assert (root.get("tests"), root.get("failures"), root.get("skipped")) == ("9", "4", "0")
    assert len(root.findall("testsuite")) == 3
    failures = root.findall(".//failure")
    assert len(failures) == 4
    assert "ttft p50" in (failures[0].get("message") or "")
    assert ElementTree.fromstring(compare_junit(hostile())).findall("testsuite")


def test_junit_skips_what_cannot_be_told() -> None:
    settings = replace(SETTINGS, metrics=(("ttft", (99.9,)),))
    root = ElementTree.fromstring(compare_junit(compare(BASE, [run("B", 1)], settings)))
    assert root.get("skipped") == "2"
    assert "too few samples" in (root.findall(".//skipped")[0].get("message") or "")


def test_a_sentence_has_both_values_and_the_interval() -> None:
    (cell, *_) = FOUND.worse
    said = sentence(cell)
    assert said.startswith("ttft p50: ")
    assert said.endswith("): worse")
    assert " ms, was " in said
