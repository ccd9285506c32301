"""A row a level and node; none for a run on one machine."""

from __future__ import annotations

from dataclasses import replace

from msgspec import to_builtins

from tailrace.results.calibration import budget
from tailrace.results.clock_facts import ClockFacts
from tailrace.results.facts import Books, ModelFacts, StageFacts
from tailrace.results.pulse_facts import PulseFacts
from tailrace.results.render.nodes import COLUMNS, NOTES, nodes_section
from tailrace.results.render.section import Section
from tailrace.results.render.sheet import Sheet
from tailrace.results.spread import Spread

from ..builders import MS, calibrated_level, calibration, facts, stage

BUDGET = budget(calibration(calibrated_level(4, 60_000, n=9)), 9_000.0, 4)
BUDGETS = {
    "nodes": [
        {"node": "a", "budget": to_builtins(BUDGET)},
        {"node": "b", "budget": None},
    ]
}


def part(node: str, ok: int, late_ms: int | None, clock: ClockFacts | None) -> StageFacts:
    made = stage([], 0, 4)
    made.node, made.clock = node, clock
    made.books = Books(planned=ok + 1, started=ok + 1, ok=ok, error=1)
    made.pulse = PulseFacts(hiccups=Spread(p99_ns=late_ms and late_ms * MS))
    return made


def test_the_worst_worker_and_the_best_clock_stand_for_a_node() -> None:
    held = stage([], 0, 4)
    held.parts = [
        part("b", 7, None, None),
        part("a", 3, 2, ClockFacts(5 * MS, 3 * MS)),
        part("a", 4, 9, ClockFacts(6 * MS, 1 * MS)),
    ]
    run = facts(ModelFacts("m", "m", "ok", stages=[held]))
    run.fleet = [{"worker": 1, "node": "b"}]
    run.lost_workers = ["m at 4 users: worker 4 on c was lost (ActorDiedError)"]
    section = nodes_section(run, [{"stages": [{"error_budget": BUDGETS}]}])
    assert section is not None
    assert section.sheets[0].rows == (
        (
            "m at 4 users",
            "a",
            "2",
            "7",
            "2",
            "9.00",
            "n/a",
            "6.00",
            "1.00",
            "2026-11-25",
            ">~0.06",
            ">~0.006",
        ),
        ("m at 4 users", "b", "1", "7", "1", "n/a", "n/a", "n/a", "n/a", "no", "n/a", "n/a"),
    )
    assert all(len(row) == len(COLUMNS) for row in section.sheets[0].rows)
    assert section.remarks == ("lost: m at 4 users: worker 4 on c was lost (ActorDiedError)",)


def test_a_run_on_one_machine_has_none() -> None:
    assert nodes_section(facts(ModelFacts("m", "m", "ok", stages=[stage([], 0, 4)])), [{}]) is None


def test_a_level_held_before_the_run_went_on_on_a_cluster_has_no_row() -> None:
    here, there = stage([], 0, 4), stage([], 1, 4)
    here.parts, there.parts = [part("", 3, 2, None)], [part("a", 3, 2, None)]
    run = facts(ModelFacts("m", "m", "ok", stages=[here, there]))
    run.fleet = [{"worker": 1, "node": "a"}]
    section = nodes_section(run, [{"stages": [{"error_budget": None}] * 2}])
    assert section is not None
    assert [row[1] for row in section.sheets[0].rows] == ["a"]


def test_the_whole_section() -> None:
    held = stage([], 0, 4)
    held.parts = [part("a", 3, 2, ClockFacts(5 * MS, 3 * MS)), part("a", 3, 2, None)]
    held.parts[1].books.timeout = 5
    run = facts(ModelFacts("m", "m", "ok", stages=[held]))
    run.fleet = [{"worker": 1, "node": "a"}]
    sure = replace(BUDGET, certified=True, beyond=False)
    budgets = {"nodes": [{"node": "a", "budget": to_builtins(sure)}]}
    row = ("m at 4 users", "a", "2", "6", "7", "2.00", "n/a", "5.00", "3.00", "2026-11-25")
    errors = ("0.06", "0.006")
    sheet = Sheet("By level and node", COLUMNS, ("",) * len(COLUMNS), ((*row, *errors),), texts=2)
    found = nodes_section(run, [{"stages": [{"error_budget": budgets}]}])
    assert found == Section("Nodes", (sheet,), (), NOTES)
