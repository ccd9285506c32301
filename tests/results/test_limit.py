"""The limit as its document and its sentence."""

from __future__ import annotations

from typing import Any

import pytest

from tailrace.results.limit import SCHEMA, answer, limit_of, point_of, probe_of
from tailrace.results.limit_search import LOOKS, MEASURED, SURE, Interval, Probe

USERS = {"kind": "users", "first": 1, "last": 64, "step": 1.0, "probes": 12}
RATE = {"kind": "rate", "first": 5, "last": 200, "step": 0.1, "probes": 12}
ONE = Probe(1, True, SURE)


def stage(
    index: int, status: str, met: bool | None, sure: bool = False, **more: Any
) -> dict[str, Any]:
    """As much of a level's document as is looked at."""
    judged = {"slo": "ttft:p99<1s", "value": 1, "status": status, "met": met, "sure": sure}
    made = {
        "index": index,
        "counts": {"measured": {"started": 9, "ok": 9}},
        "slo": [judged | {"why": "9 samples; p99 needs 662"}],
        "statistics": None,
    }
    return made | more


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (stage(0, "pass", True, True), (True, SURE)),
        (stage(0, "pass", True), (True, MEASURED)),
        (stage(0, "fail", False), (False, MEASURED)),
        (stage(0, "cannot tell", True), (True, LOOKS)),
        (stage(0, "cannot tell", None), (None, LOOKS)),
        (stage(0, "pass", True, counts={"measured": {"started": 9, "ok": 0}}), (False, SURE)),
        (stage(0, "pass", True, counts={"measured": {"started": 0, "ok": 0}}), (None, LOOKS)),
    ],
)
def test_outcomes(document: dict[str, Any], expected: tuple[bool | None, float]) -> None:
    assert probe_of(3, document) == (3, *expected)


def test_a_rate_that_the_server_falls_behind_is_missed_however_fast_it_looked() -> None:
    queue = {"in_flight": {"at_least_per_s": 2.0}, "arrivals_per_s": 50.0}
    document = stage(0, "pass", True, True, statistics={"queue": queue})
    assert probe_of(3, document) == (3, False, SURE)
    queue["in_flight"]["at_least_per_s"] = 0.4  # type: ignore[index]
    assert probe_of(3, document) == (3, True, SURE)


def test_points_come_from_the_levels() -> None:
    level = {"users": None, "arrivals": {"phases": [{"from_per_s": 2.5}]}}
    assert point_of({"levels": [level], "search": RATE}, 0) == 25
    assert point_of({"levels": [{"users": 7}], "search": USERS}, 0) == 7


@pytest.mark.parametrize(
    ("search", "found", "says"),
    [
        (
            USERS,
            Interval(16, 19, 0.957, 17),
            "16 users meet it, 20 users do not: limit 16..19 user",
        ),
        (USERS, Interval(1, 1, 0.99, 1), "1 user meets it, 2 users do not: limit 1 user at 99 %"),
        (USERS, Interval(60, 64, 0.97, 64), "limit at least 60 users at 97 %; 64 users is the hig"),
        (USERS, Interval(0, 0, 0.99, 0), "not even 1 user meets the objectives (at 99 %)"),
        (USERS, Interval(0, 3, 0.96, 1), "limit at most 3 users, and perhaps below 1 user (at 96"),
        (RATE, Interval(25, 31, 0.95, 30), "2.5/s meet it, 3.2/s do not: limit 2.5..3.1/s at 95 %"),
    ],
)
def test_the_answer_is_a_sentence(search: dict[str, Any], found: Interval, says: str) -> None:
    assert says in answer(search, found, [ONE])


def test_the_document() -> None:
    points = (1, 2, 4, 3)
    scenario = {
        "search": USERS,
        "slo": ["ttft:p99<1s"],
        "levels": [{"users": point} for point in points],
    }
    stages = [stage(i, "cannot tell", point < 3) for i, point in enumerate(points)]
    found = limit_of(scenario, stages)
    assert [(each["users"], each["met"]) for each in found["probes"]] == [
        *((1, True), (2, True), (4, False), (3, False))
    ]
    assert found["confidence"] >= 0.95
    assert "4 of 4 probes could only be told by their looks" in found["remarks"][0]
    assert "p99 needs 662" in found["remarks"][0]
    assert limit_of(scenario, [])["found"] is False


def test_a_document_of_rates_says_all_that_was_asked_and_told() -> None:
    search = RATE | {"step": 1 / 3, "first": 3, "last": 6}
    queue = {"in_flight": {"at_least_per_s": 2.0}, "arrivals_per_s": 5.0}
    levels = [
        {"users": None, "arrivals": {"phases": [{"from_per_s": per_s}]}} for per_s in (1.0, 2.0)
    ]
    scenario = {"search": search, "slo": ["ttft:p99<1s"], "levels": levels}
    stages = [stage(0, "pass", True, True), stage(1, "pass", True, statistics={"queue": queue})]
    found = limit_of(scenario, stages)
    told = [{"slo": "ttft:p99<1s", "value": 1, "status": "pass"}]
    assert found == {
        "schema": SCHEMA,
        "kind": "rate",
        "slo": ["ttft:p99<1s"],
        "searched": ["1/s", "2/s"],
        "found": True,
        "low": 1.0,
        "high": 1.666666667,
        "best": 1.0,
        "confidence": 0.9913,
        "answer": "1/s meet it, 2/s do not: limit 1..1.66667/s at 99.1 %",
        "remarks": [],
        "probes": [
            {
                "level": 0,
                "rate": 1.0,
                "met": True,
                "right": SURE,
                "queue_grows": False,
                "slo": told,
            },
            {
                "level": 1,
                "rate": 2.0,
                "met": False,
                "right": SURE,
                "queue_grows": True,
                "slo": told,
            },
        ],
    }


def test_without_probes_there_is_no_answer() -> None:
    found = limit_of({"search": USERS, "slo": ["ttft:p99<1s"], "levels": []}, [])
    assert (found["found"], found["answer"]) == (False, "nothing was probed")
    assert answer(USERS, Interval(2, 2, 1.0, 2), [ONE]).endswith(" at 99.9 %")


def test_a_limit_below_the_range_is_not_found_and_a_certain_one_needs_no_remark() -> None:
    scenario = {"search": USERS, "slo": ["ttft:p99<1s"], "levels": [{"users": 1}] * 9}
    missed = limit_of(scenario, [stage(0, "fail", False)] * 9)
    assert (missed["found"], missed["low"], missed["high"], missed["best"]) == (False, 0, 0, 0)
    assert limit_of(scenario, [stage(0, "cannot tell", False)] * 9)["remarks"] == []
    (remark,) = limit_of(scenario, [stage(0, "fail", False), stage(0, "cannot tell", True)])[
        "remarks"
    ]
    assert remark == (
        "1 of 2 probes could only be told by their looks (ttft:p99<1s: 9 samples; p99 needs 662); "
        "a longer --probe-duration, or a lower percentile, makes the answer sharper"
    )
