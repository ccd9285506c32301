"""Texts about values that were made by hand, word for word: comparisons and screens."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from tailrace.results.compare import Comparison, Pair
from tailrace.results.compare_cell import Cell
from tailrace.results.compare_level import Settings
from tailrace.results.render.calibration import calibration_lines
from tailrace.results.render.compare import compare_json, compare_junit, compare_sections
from tailrace.results.render.live import panel
from tailrace.results.render.markdown import titled_md
from tailrace.results.render.query import schema_lines
from tailrace.results.render.sheet_text import section_lines, sheet_csv
from tailrace.results.render.variants import variants_csv_sheet, variants_json, variants_section
from tailrace.results.variants import Comparison as Variants
from tailrace.results.variants import Delta, LevelDelta, Value

from ..builders import calibrated_level, calibration
from ..golden_files import assert_golden
from .test_live import CPU, EARLIER, LOOP, NOW, STARTS

GOLDEN = Path(__file__).with_name("golden")
TTFT = Cell(
    "org/m", "8", "ttft", "p99", "ms", "lower", "ratio", 190.0, 210.0, 700, 720, 0.05,
    0.105, 0.07, 0.1412, 0.0004, 0.0012, 0.7136, "worse", at_least=True,
)  # fmt: skip
ERRORS = Cell(
    "org/m", "8", "error_rate", "", "", "lower", "points", 0.021, 0.004, 400, 410, 0.01,
    -0.017, -0.0301, -0.0119, 0.002, 0.004, None, "better",
)  # fmt: skip
RATE = Cell(
    "org/m", "8", "tokens_per_s", "", "1/s", "higher", "ratio", 100.0, 1300.0, 400, 410, 0.05,
    12.0, 11.5, 12.5, 0.5, 1.0, None, "no difference",
)  # fmt: skip
UNTOLD = Cell("org/m", "2", "icl", "p50", "ms", base=20.0, reason="too few <samples>")
FOUND = Comparison(
    Settings(margin=0.04, error_margin=0.02, confidence=0.9, seed=3),
    (
        Pair("A", "B", (UNTOLD, TTFT, ERRORS, RATE), ("a note",)),
        Pair("A", "C", (replace(UNTOLD, load="50/s"),), ()),
    ),
)


def test_a_comparison_as_tables() -> None:
    parts = [titled_md(section) for section in compare_sections(FOUND)]
    parts += ["\n".join(section_lines(section, 100)) for section in compare_sections(FOUND)]
    assert_golden(GOLDEN / "compared.txt", "\n\n".join(parts) + "\n")


def test_a_comparison_for_programs() -> None:
    document = json.dumps(compare_json(FOUND), indent=1)
    assert_golden(GOLDEN / "compared.json", document + "\n")
    assert_golden(GOLDEN / "compared.xml", compare_junit(FOUND))


VARIED = Variants(
    "first <run>",
    "second",
    (
        LevelDelta(
            "8|x",
            (
                Delta("TTFT p50", "ms", "lower", Value(80.0), Value(50.0, False)),
                Delta("tokens/s", "1/s", "higher", Value(400.0), Value(300.0)),
            ),
        ),
        LevelDelta("50/s", (Delta("E2E p99", "ms", "lower", Value(9.0), Value(9.0, True, True)),)),
    ),
    (Delta("load", "s", "lower", Value(None), Value(2.0)),),
    ("B was <INVALID>",),
)


def test_variants_in_each_format() -> None:
    section = variants_section(VARIED)
    parts = [
        *(titled_md(section), "\n".join(section_lines(section, 90))),
        *(sheet_csv(variants_csv_sheet(VARIED)), json.dumps(variants_json(VARIED), indent=1)),
    ]
    assert_golden(GOLDEN / "variants.txt", "\n\n".join(parts) + "\n")


def test_a_calibration_at_two_widths() -> None:
    made = calibration(
        calibrated_level(1, 50_000, n=2),
        calibrated_level(64, 1_234_567, client_cpu=0.456),
        calibrated_level(256, 23_456_789, lag_p99_ns=None, endpoint_cpu=0.999),
    )
    crowded = calibration(calibrated_level(16, 1, tokens_per_s=500.0), host={}, tool={})
    lines = [
        *calibration_lines(made, 78),
        "----",
        *calibration_lines(made, 200),
        "----",
        *calibration_lines(crowded, 100),
    ]
    assert_golden(GOLDEN / "calibration.txt", "\n".join(lines) + "\n")


def test_a_panel_with_its_styles() -> None:
    errors = (("reset", 7), ("a b", 2))
    loud = replace(
        NOW, client=(STARTS, CPU, LOOP), errors=errors, plan=("1", "2", "4", "8"), failed=9,
        icl_recent_ns=30_000_000, in_flight=None,
    )  # fmt: skip
    calm = replace(NOW, failed=0, client=(STARTS,), planned_s=None, planned_requests=200)
    lines = []
    for now in (loud, calm, replace(NOW, client=(STARTS, CPU), plan=("1",))):
        lines += [*map(repr, panel(now, EARLIER).lines()), *map(repr, panel(now).lines(True)), "--"]
    assert_golden(GOLDEN / "panel.txt", "\n".join(lines) + "\n")


def test_the_schema_of_a_query() -> None:
    assert_golden(GOLDEN / "schema.txt", "\n".join(schema_lines()) + "\n")
