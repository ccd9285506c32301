"""The calibration and the error budget as they are printed."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from tailrace.results.calibration import error_budget
from tailrace.results.render.calibration import CROWDED, calibration_lines
from tailrace.results.render.terminal import final

from ..builders import calibrated_level, calibration

LEVELS = (calibrated_level(1, 50_000, n=2), calibrated_level(256, 23_456_789, lag_p99_ns=None))


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_no_number_is_cut_and_no_table_line_is_too_long(width):
    lines = list(calibration_lines(calibration(*LEVELS), width))
    words = " ".join(lines).split()
    for cell in ("50.0", "12800", "10.0", "20.0", "0.100", "n/a", "~0.05", "24", "2.4", "47"):
        assert cell in words
    table = lines[3 : lines.index("", 3)]
    assert all(len(line) <= width for line in table)
    assert all(line == line.rstrip() for line in lines)


def test_a_ceiling_says_how_it_was_obtained():
    text = "\n".join(calibration_lines(calibration(*LEVELS), 200))
    assert "tokens/s     100000  extrapolated: only the endpoint's CPU was full" in text
    assert "50000 at 256 streams; CPU: client 50.0 %, endpoint 95.0 %" in text
    assert "streams        1000  measured: the client's CPU was full" in text
    assert "requests/s    10000  extrapolated: only the endpoint's CPU was full" in text
    assert "floor        TTFT 24 ms, gap 2.4 ms, E2E 47 ms" in text
    assert "\n~            not certified" in text


def test_marks_and_warnings_only_where_they_are_due():
    text = "\n".join(calibration_lines(calibration(calibrated_level(16, 1)), 200))
    assert "~" not in text
    assert CROWDED not in text
    slow = calibration(calibrated_level(16, 1, tokens_per_s=500.0))
    lines = list(calibration_lines(slow, 80))
    assert CROWDED in " ".join(" ".join(lines).split())
    assert all(len(line) <= 80 for line in lines)


def printed(run, **options):
    console = Console(width=200, file=io.StringIO())
    console.print(final(run.facts, run.results, run.verdict, **options))
    return console.file.getvalue()


def test_the_final_table_has_one_line_a_model(run):
    known = calibration(calibrated_level(4, 50_000), calibrated_level(8, 80_000))
    results = [
        result
        | {
            "stages": [
                stage | {"error_budget": error_budget(known, "kernel receive", 100.0, users)}
                for stage, users in zip(result["stages"], (1, 2, 4, 8), strict=False)
            ]
        }
        for result in run.results
    ]
    text = printed(replace(run, results=results))
    lines = [line for line in text.splitlines() if line.startswith("accuracy ")]
    assert len(lines) == sum(bool(result["stages"]) for result in results)
    assert all("TTFT ± 0.08 ms, gap ± 0.008 ms at this load" in line for line in lines)
    assert "accuracy" not in printed(run)


def test_a_hint_stands_at_the_end(run):
    text = printed(run, paths=["p"], hint="not calibrated")
    assert text.splitlines()[-2:] == ["results  p", "accuracy not calibrated"]
