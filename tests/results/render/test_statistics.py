"""Bounds, rounds and the knee, as a reader sees them."""

from __future__ import annotations

import copy
from typing import Any

from tailrace.results.render.statistics import (
    bounds_sheet,
    knee_lines,
    rounds_sheet,
    short_statistics,
    statistics_section,
)
from tailrace.results.rounds import rounds_of

from .runs import Run


def with_rounds(run: Run) -> list[dict[str, Any]]:
    results = copy.deepcopy(run.results)
    for result in results:
        stages = [stage | {"round": number} for number in (1, 2, 3) for stage in result["stages"]]
        result["rounds"] = rounds_of(stages)
    return results


def bounded(run: Run) -> list[dict[str, Any]]:
    results = copy.deepcopy(run.results)
    p50 = results[0]["stages"][0]["metrics"]["ttft"]["percentiles"]
    for found in p50.values():
        found |= {"effective_n": None, "low_ns": None, "high_ns": None, "bound_ns": None}
    p50["p50"] |= {"effective_n": 60.0, "low_ns": 90_000_000, "high_ns": 120_000_000}
    p50["p95"] |= {"effective_n": 55.0, "low_ns": 100_000_000, "bound_ns": 130_000_000}
    return results


def test_bounds_stand_beside_their_percentile(run: Run) -> None:
    (row,) = bounds_sheet(bounded(run)).rows
    assert row[1:5] == ("1 user", "TTFT", "70", "0")
    assert row[5].endswith(" (90.0..120)")
    assert row[6].endswith(" (100..?, at most 130)")
    assert "(" not in row[7]


def test_rounds_are_a_mean_and_half_an_interval(run: Run) -> None:
    sheet = rounds_sheet(with_rounds(run))
    assert sheet.columns[:4] == ("model", "level", "rounds", "TTFT p50 ms")
    assert sheet.rows[0][1:3] == ("1 user", "3")
    assert sheet.rows[0][3].endswith(" ± 0")
    assert rounds_sheet(run.results).rows == ()


def test_the_knee_is_a_sentence(run: Run) -> None:
    lines = list(knee_lines(run.results))
    assert len(lines) == 2
    assert all("knee" in line for line in lines)


def test_without_anything_to_say_there_is_no_section(run: Run) -> None:
    bare = [copy.deepcopy(result) | {"knee": None, "rounds": []} for result in run.results]
    assert statistics_section(bare) is None
    assert short_statistics(bare) is None
    section = statistics_section(with_rounds(run))
    assert section is not None
    assert len(section.sheets) == 1
    assert [note.partition(":")[0] for note in section.notes] == ["rounds", "knee"]
