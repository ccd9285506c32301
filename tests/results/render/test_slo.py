"""Objectives by level, as a reader sees them."""

from __future__ import annotations

import copy
from typing import Any

from tailrace.results.render.slo import slo_section

from .runs import Run


def judged(run: Run) -> list[dict[str, Any]]:
    results = copy.deepcopy(run.results)
    first, second = results[0]["stages"][:2]
    first["slo"] = [
        entry("ttft:p99<500ms", 412e6, "pass", True, True),
        entry("error_rate<1%", 0.002, "pass", True, False),
    ]
    first["goodput"] = {"per_s": 12.5, "share": 0.98}
    second["slo"] = [
        entry("ttft:p99<500ms", 812e6, "fail", False, False),
        entry("error_rate<1%", None, "cannot tell", None, False),
    ]
    return results


def entry(slo: str, value: float | None, status: str, met: bool | None, sure: bool) -> Any:
    why = "no requests"
    return {"slo": slo, "value": value, "status": status, "met": met, "sure": sure, "why": why}


def test_a_row_a_level(run: Run) -> None:
    section = slo_section(judged(run))
    assert section is not None
    (sheet,) = section.sheets
    assert sheet.columns[3:5] == ("ttft:p99<500ms", "error_rate<1%")
    assert [row[1:] for row in sheet.rows] == [
        ("1 user", "~met", "met: 412 ms", "~met: 0.2 %", "12.5", "98.0 %"),
        ("2 users", "~MISSED", "~MISSED: 812 ms", "cannot tell: n/a", "n/a", "n/a"),
    ]
    assert [remark.partition(" at ")[2] for remark in section.remarks] == [
        "2 users: error_rate<1% cannot be told: no requests"
    ]


def test_a_run_without_objectives_has_no_section(run: Run) -> None:
    assert slo_section(run.results) is None
