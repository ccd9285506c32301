"""The limit that was found, as a reader sees it."""

from __future__ import annotations

from typing import Any

import pytest

from tailrace.results.limit import limit_of
from tailrace.results.render.limit import limit_section
from tailrace.results.render.sheet import Sheet

from ..test_limit import USERS, stage
from .runs import Run


def test_the_answer_is_the_title_and_each_probe_a_row() -> None:
    points = (1, 2, 4, 3, 4)
    levels = [{"users": point} for point in points]
    scenario = {"search": USERS, "slo": ["ttft:p99<1s"], "levels": levels}
    stages = [stage(i, "pass" if p < 4 else "fail", p < 4, True) for i, p in enumerate(points)]
    section = limit_section(scenario, [{"stages": stages}])
    assert section is not None
    assert section.title.startswith("Limit: 3 users meet it, 4 users do not: limit 3 users at ")
    assert section.remarks == tuple(limit_of(scenario, stages)["remarks"])
    assert section.sheets == (
        Sheet(
            "Probes",
            ("probe", "load", "outcome", "told"),
            ("", "", "slo", "limit"),
            (
                ("1", "1 user", "met", "sure"),
                ("2", "2 users", "met", "sure"),
                ("3", "4 users", "MISSED", "sure"),
                ("4", "3 users", "met", "sure"),
                ("5", "4 users", "MISSED", "sure"),
            ),
            "limit",
            texts=4,
        ),
    )


@pytest.mark.parametrize(
    ("level", "told"),
    [
        (stage(0, "pass", True, True), ("met", "sure")),
        (stage(0, "pass", True), ("met", "as measured")),
        (stage(0, "fail", False), ("MISSED", "as measured")),
        (stage(0, "cannot tell", True), ("met", "by its looks")),
        (stage(0, "cannot tell", None), ("n/a", "by its looks")),
    ],
)
def test_how_sure_a_probe_is_stands_beside_it(level: dict[str, Any], told: tuple[str, str]) -> None:
    scenario = {"search": USERS, "slo": ["ttft:p99<1s"], "levels": [{"users": 1}]}
    section = limit_section(scenario, [{"stages": [level]}])
    assert section is not None
    assert section.sheets[0].rows[0][2:] == told


def test_a_search_without_a_probe_has_no_table() -> None:
    scenario = {"search": USERS, "slo": ["ttft:p99<1s"], "levels": []}
    section = limit_section(scenario, [{"stages": []}])
    assert section is not None
    assert section.sheets == ()
    assert limit_section(scenario, []) is None


def test_a_run_that_searched_for_none_has_no_section(run: Run) -> None:
    assert limit_section(run.facts.scenario, run.results) is None
