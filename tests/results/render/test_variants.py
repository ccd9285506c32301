"""Variants in every format: signs, marks, and whether a change is for the better."""

from __future__ import annotations

import csv
import io
import json

import pytest

from tailrace.results.render.sheet_text import sheet_csv
from tailrace.results.render.variants import variants_csv_sheet, variants_json, variants_section
from tailrace.results.variants import Comparison, Delta, LevelDelta, Value, compare

from ..test_variants import A, B

FOUND = compare(A, B)


def rows(found):
    return {row[0]: row[1:] for sheet in variants_section(found).sheets for row in sheet.rows}


def of(delta):
    return Comparison("a", "b", (LevelDelta("8", (delta,)),), (), ())


def test_rows() -> None:
    found = rows(FOUND)
    assert found["TTFT p50"] == ("ms", "80.0", "50.0", "-30.0", "-37.5 %", "better")
    assert found["tokens/s"] == ("1/s", "400", "900", "+500", "+125.0 %", "better")
    assert found["failed"] == ("share", "0", "0", "0", "n/a", "same")
    back = rows(compare(B, A))
    assert back["TTFT p50"][3:] == ("+30.0", "+60.0 %", "worse")


@pytest.mark.parametrize(
    ("first", "second", "cells"),
    [
        (Value(10.0), Value(20.0, True, True), ("≥+10.0", "≥+100.0 %", "worse")),
        (Value(20.0), Value(10.0, True, True), ("≥-10.0", "≥-50.0 %", "n/a")),
        (Value(10.0, True, True), Value(5.0), ("≤-5.00", "≤-50.0 %", "better")),
        (Value(5.0, True, True), Value(10.0), ("≤+5.00", "≤+100.0 %", "n/a")),
        (Value(5.0, True, True), Value(9.0, True, True), ("n/a", "n/a", "n/a")),
        (Value(10.0, False), Value(20.0), ("~+10.0", "~+100.0 %", "worse")),
        (Value(None), Value(20.0), ("n/a", "n/a", "n/a")),
        (Value(0.0), Value(0.0001), ("+0.000100", "n/a", "worse")),
    ],
)
def test_marks_and_bounds(first, second, cells) -> None:
    found = rows(of(Delta("x", "ms", "lower", first, second)))
    assert found["x"][3:] == cells


def test_a_mark_is_explained() -> None:
    notes = variants_section(of(Delta("x", "ms", "lower", Value(1.0, False), Value(2.0)))).notes
    assert any(note.startswith("~ not certified") for note in notes)
    assert len(variants_section(FOUND).notes) == 1


def test_csv_and_json_say_the_same() -> None:
    text = sheet_csv(variants_csv_sheet(FOUND)).removeprefix("\ufeff")
    table = {row["figure"]: row for row in csv.DictReader(io.StringIO(text, newline=""))}
    document = json.loads(json.dumps(variants_json(FOUND)))
    for delta in document["deltas"]:
        row = table[delta["figure"]]
        for key in ("first", "second", "change", "relative"):
            assert (float(row[key]) if row[key] else None) == delta[key]
        assert row["load"] == delta["load"] == "8"
    assert (document["first"], document["second"]) == ("gpu-off", "gpu-on")
