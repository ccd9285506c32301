"""The selection table in every format."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

from tailrace.errors import UsageError
from tailrace.results.render.sections import sections
from tailrace.results.render.selection import (
    section_of,
    selection_csv_sheet,
    selection_json,
    selection_section,
    short_section,
)
from tailrace.results.render.sheet_text import section_lines, sheet_csv
from tailrace.results.selection import COLUMNS, Candidate, Selection, select
from tailrace.results.verdict import Verdict

from ..documents import FAST, SLOW, failed, model, ran, result, stage
from ..golden_files import assert_golden
from .runs import HOSTILE_MODEL

A = (model("a", "8"), result("a", stage("8", FAST)))
B = (model("b", "8"), result("b", stage("8", SLOW)))
TAGS = [{"size_mb": 400, "license": "MIT"}, {}, {}]
FOUND = select([ran(A, B, failed(), tags=TAGS)])


def rows(found):
    (sheet,) = section_of(found).sheets
    return [dict(zip(sheet.columns, row, strict=True)) for row in sheet.rows]


def test_a_row_a_model_with_marks_and_reasons() -> None:
    a, b, ghost = rows(FOUND)
    assert (a["model"], a["state"], a["pareto"], a["licence"]) == ("a", "ok", "yes", "MIT")
    assert (a["TTFT p50 ms"], a["E2E p95 ms"], a["tokens/s"]) == ("50.0", "600", "900")
    assert (a["disk MB"], a["RSS MB"], a["failed"]) == ("400", "n/a", "0.0 %")
    assert (b["pareto"], b["licence"], b["disk MB"]) == ("no", "n/a", "n/a")
    assert (ghost["state"], ghost["pareto"]) == ("failed: model_not_found", "—")
    assert {ghost[column.title] for column in COLUMNS} == {"n/a"}


def test_the_rule_stands_below() -> None:
    section = section_of(FOUND)
    assert "nowhere worse and somewhere better" in section.notes[0]
    assert "TTFT p50 ms (lower is better)" in section.remarks[1]
    assert section.remarks[2].startswith("no part in the mark: RSS MB")


def test_several_runs_are_named() -> None:
    found = select([ran(A, label="one"), ran(B, label="two")])
    assert [row["run"] for row in rows(found)] == ["one", "two"]
    assert "run" not in rows(FOUND)[0]


def test_csv_has_plain_numbers_and_empty_cells() -> None:
    text = sheet_csv(selection_csv_sheet(FOUND)).removeprefix("\ufeff")
    a, b, ghost = csv.DictReader(io.StringIO(text, newline=""))
    assert (a["ttft_p50_ms"], a["size_mb"], a["pareto"]) == ("50.0", "400.0", "true")
    assert (b["size_mb"], b["license"], b["pareto"]) == ("", "", "false")
    assert (ghost["state"], ghost["pareto"]) == ("failed: model_not_found", "")


def test_json_has_null_for_what_is_not_known() -> None:
    document = json.loads(json.dumps(selection_json(FOUND)))
    a, b, _ = document["models"]
    assert (a["ttft_p50_ms"], a["pareto"], b["size_mb"]) == (50.0, True, None)
    assert document["at"] == "8"
    assert {"column": "tokens_per_s", "better": "higher"} in document["compared"]


def test_lines_fit_the_width_and_cut_no_cell() -> None:
    for width in (60, 100, 200):
        lines = list(section_lines(section_of(FOUND), width))
        table = lines[: lines.index("", 4)] if width > 150 else lines
        assert any("failed: model_not_found" in line for line in table)
        assert all(len(line) <= width for line in lines[: len(lines) - 5])


def test_a_hostile_name_stays_a_name() -> None:
    found = select([ran((model(HOSTILE_MODEL, "8"), result(HOSTILE_MODEL, stage("8", FAST))))])
    text = sheet_csv(selection_csv_sheet(found))
    assert "\x1b" not in text
    assert "\n=cmd" not in text.replace('"', "")
    assert "'=cmd" in text


def test_the_section_of_a_report() -> None:
    of = ran(A, B)
    verdict = Verdict(True, [])
    section = selection_section(of.facts, list(of.results), verdict)
    assert section is not None
    assert section.title == "Selection"
    nothing = ran(failed())
    assert selection_section(nothing.facts, list(nothing.results), verdict) is None


def test_no_common_level_is_said_in_the_report() -> None:
    other = (model("c", "50/s"), result("c", stage("50/s", SLOW)))
    of = ran(A, other)
    try:
        select([of])
    except UsageError as exc:
        said = str(exc)
    section = selection_section(of.facts, list(of.results), Verdict(True, []))
    assert section is not None
    assert section.remarks == (said,)


def test_the_reason_of_a_failure_stands_below_and_in_json() -> None:
    assert section_of(FOUND).remarks[-1] == "ghost failed: no such model"
    assert [one["reason"] for one in selection_json(FOUND)["models"]] == [
        None,
        None,
        "no such model",
    ]


def test_the_short_form_leaves_out_what_nobody_knows() -> None:
    facts = ran(A, B, failed()).facts
    short = short_section(facts, [A[1], B[1], failed()[1]], Verdict((), ()))
    sheet = short.sheets[0]
    latencies = ("TTFT p50 ms", "E2E p95 ms", "tokens/s", "failed")
    assert sheet.columns == ("model", "state", "pareto", *latencies)
    assert sheet.texts == 3
    assert sheet.rows[2] == ("ghost", "failed: model_not_found", "—", *["n/a"] * 4)


def test_one_model_leaves_no_choice_and_no_common_level_is_said() -> None:
    one = ran(A)
    assert short_section(one.facts, one.results, Verdict((), ())) is None
    assert sections(one.facts, one.results, Verdict((), ()))[0] == []
    other = (model("c", "4"), result("c", stage("4", SLOW)))
    two = ran(A, other)
    said = short_section(two.facts, two.results, Verdict((), ()))
    assert said.sheets == ()
    assert "no level in common" in said.remarks[0]


def test_each_form_word_for_word() -> None:
    values = {column.key: 1234.5678 / (n + 1) for n, column in enumerate(COLUMNS)}
    nothing = dict.fromkeys(values)
    marks = {"ttft_p50_ms": (True, False), "e2e_p95_ms": (False, True)}
    rows = (
        Candidate("one", "a", "ok", values, marks, "MIT", "EUR", True),
        Candidate("one", "", "failed: " + "x" * 60, nothing, {}, None, None, None, "it is gone"),
        Candidate("two", "b", "ok", values, {}, None, None, False),
    )
    found = Selection(None, rows, (COLUMNS[0], COLUMNS[-1]), ("a note",))
    section, csv_sheet = section_of(found), selection_csv_sheet(found)
    parts = [
        *(
            "\n".join(map(" | ".join, (each.columns, each.terms, *each.rows)))
            for each in (*section.sheets, csv_sheet)
        ),
        repr([(each.title, each.texts) for each in (*section.sheets, csv_sheet)]),
        section.title,
        *section.remarks,
        *section.notes,
        json.dumps(selection_json(found), indent=1),
    ]
    assert_golden(Path(__file__).with_name("golden") / "selection.txt", "\n".join(parts) + "\n")


def test_the_short_form_has_the_title_of_its_table_and_the_rule() -> None:
    two = ran(A, B)
    short = short_section(two.facts, two.results, Verdict((), ()))
    assert short.title == short.sheets[0].title == "Models at load level 8"
    assert short.notes + short.remarks == (
        "pareto: yes where no other model is nowhere worse and somewhere better",
    )
