"""The limit that was found, as a reader sees it."""

from __future__ import annotations

from tailrace.results.render.limit import limit_section

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
    assert section.sheets[0].rows[2] == ("3", "4 users", "MISSED", "sure")


def test_a_run_that_searched_for_none_has_no_section(run: Run) -> None:
    assert limit_section(run.facts.scenario, run.results) is None
