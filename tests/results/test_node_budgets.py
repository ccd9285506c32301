"""Each node answers for the load of its own workers, the level for its worst node."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tailrace.errors import ResultError
from tailrace.results.calibration import Calibration, budget_from_dict, budget_line
from tailrace.results.facts import Books, ModelFacts, Resumption, StageFacts
from tailrace.results.node_budgets import Calibrations, calibrations_of, uncalibrated
from tailrace.results.stamp_facts import StampFacts

from .builders import calibrated_level, calibration, facts, row, run_folder, stage

KERNEL = StampFacts(kernel_reads=10)
FINE = calibration(calibrated_level(4, 20_000), calibrated_level(64, 90_000))
COARSE = calibration(calibrated_level(4, 60_000), calibrated_level(64, 400_000))


def part(node: str, users: int | None, ok: int, stamps: StampFacts = KERNEL) -> StageFacts:
    made = stage([], users=users or 0, node=node, stamps=stamps, books=Books(ok=ok))
    made.users, made.max_in_flight = users, 4
    return made


def held(*parts: StageFacts, **more: Any) -> StageFacts:
    return stage([], users=8, stamps=KERNEL, parts=list(parts), **more)


def known(**nodes: Calibration) -> Calibrations:
    return Calibrations(calibration(calibrated_level(1, 1)), ((None, nodes),))


def test_a_level_is_as_true_as_its_worst_node() -> None:
    level = held(part("a", 2, 10), part("b", 2, 10), part("a", 2, 10))
    found = known(a=FINE, b=COARSE).budget(level, 300.0)
    assert found is not None
    assert (found["node"], found["ttft_ns"], found["uncalibrated"]) == ("b", 60_000, [])
    assert [(each["node"], each["budget"]["ttft_ns"]) for each in found["nodes"]] == [
        ("a", 20_000),
        ("b", 60_000),
    ]
    assert [each["budget"]["ceiling_share"] for each in found["nodes"]] == [0.002, 0.001]


def test_a_node_answers_for_its_own_share_of_tokens_and_users() -> None:
    busy = held(part("a", 4, 90), part("b", 4, 10))
    found = known(a=FINE, b=COARSE).budget(busy, 300.0)  # a: 270/s, more than its 4 streams' 200
    assert found is not None
    assert (found["node"], found["ttft_ns"], found["streams"]) == ("a", 90_000, 64)
    crowded = held(part("a", 2, 10), part("b", 3, 5), part("b", 3, 5))
    found = known(a=FINE, b=COARSE).budget(crowded, 10.0)  # b: two workers of three users
    assert found is not None
    assert (found["node"], found["streams"]) == ("b", 64)


def test_an_open_loop_counts_what_was_in_flight() -> None:
    found = known(a=FINE).budget(held(part("a", None, 5)), 10.0)
    assert found is not None
    assert found["streams"] == 4
    found = known(a=FINE).budget(held(part("a", None, 5), part("a", None, 5)), 10.0)
    assert found is not None
    assert found["streams"] == 64


def test_a_node_of_which_nothing_is_known_is_named() -> None:
    user = StampFacts(user_reads=5)
    level = held(part("a", 2, 10), part("c", 2, 10), part("b", 2, 10, user))
    found = known(a=FINE, b=COARSE).budget(level, 100.0)
    assert found is not None
    assert (found["node"], found["uncalibrated"]) == ("a", ["b", "c"])
    budget = budget_from_dict(found)
    assert budget is not None
    assert budget_line(budget) == (
        "TTFT ± 0.02 ms, gap ± 0.002 ms at this load (node a, calibrated 2026-11-25, under 1 % of "
        "its ceiling); not calibrated: b, c"
    )


def test_the_machine_that_asks_does_not_count_for_a_level_on_nodes() -> None:
    assert known().budget(held(part("a", 2, 10)), 100.0) is None
    assert known(a=FINE).budget(held(part("a", 2, 10)), None) is None
    assert known(a=FINE).budget(held(part("a", 2, 0)), 100.0) is not None  # of nothing, nothing
    here = known(a=FINE).budget(held(part("", 4, 1), part("", 4, 1)), 10.0)
    assert here is not None
    assert (here["ttft_ns"], here["beyond"]) == (1, True)
    assert "node" not in here


def test_each_sitting_has_its_own_nodes() -> None:
    run = facts(ModelFacts("m", "m"), calibration=FINE.to_dict())
    run.resumptions = [Resumption(1, "", 100, 0, 0, "killed"), Resumption(2, "", 200, 0, 0, "")]
    run.resumptions[1].fleet = [{"worker": 1, "node": "a", "calibration": COARSE.to_dict()}]
    run.fleet = [
        {"worker": 1, "node": "a", "calibration": FINE.to_dict()},
        {"worker": 2, "node": "a"},
        {"worker": 3, "node": "b"},
    ]
    found = calibrations_of(run, "r")
    bounds = [
        budget and budget["ttft_ns"]
        for at_ns in (50, 150, 250)
        for budget in [found.budget(held(part("a", 2, 10), began_ns=at_ns), 100.0)]
    ]
    assert bounds == [None, 60_000, 20_000]
    assert uncalibrated(run.fleet) == ["b"]


def test_one_that_is_none_names_the_node(tmp_path: Path) -> None:
    rows = [row(100 * k, id=f"r{k}") for k in range(5)]
    fleet = [{"worker": 1, "node": "b", "calibration": {"schema": "x"}}]
    folder = run_folder(tmp_path / "r", rows, fleet=fleet)
    with pytest.raises(ResultError, match=r"calibration of node 'b' in .*run\.json.* schema 'x'"):
        folder.rebuild()


def test_the_report_names_the_node_and_has_a_row_for_each(tmp_path: Path) -> None:
    rows = [row(100 * k, id=f"r{k}") for k in range(5)]
    fleet = [
        {"worker": 1, "node": "a", "calibration": COARSE.to_dict()},
        {"worker": 2, "node": "b"},
    ]
    folder = run_folder(tmp_path / "r", rows, fleet=fleet)
    run = folder.read_facts()
    level = held(part("a", 1, 3), part("b", 1, 2))
    run.models[0].stages = [replace(stage(rows), parts=level.parts)]
    folder.write_facts(run)
    folder.rebuild()
    report = (folder.path / "report.md").read_text(encoding="utf-8")
    assert "(node a, calibrated 2026-11-25" in report
    assert "; not calibrated: b" in report
    (a,) = (line for line in report.splitlines() if line.startswith("| m at") and "| a |" in line)
    (b,) = (line for line in report.splitlines() if line.startswith("| m at") and "| b |" in line)
    assert "| 2026-11-25 | 0.06 | 0.006 |" in a
    assert "| no | n/a | n/a |" in b
    before = {path: path.read_bytes() for path in folder.path.rglob("*") if path.is_file()}
    folder.rebuild()
    assert {path: path.read_bytes() for path in before} == before
