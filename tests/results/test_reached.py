"""Versions of HTTP, and answers that asked to wait."""

from __future__ import annotations

from typing import Any

from tailrace.results.reached import Reached
from tailrace.results.schema import Row


def found(*rows: dict[str, Any]) -> dict[str, Any]:
    reached = Reached()
    for number, more in enumerate(rows):
        fields: dict[str, Any] = {"phase": "measure", "status": 200, **more}
        reached.add(Row(str(number), 0, 0, fields.pop("phase"), 0, **fields))
    return reached.result()


def test_what_is_as_usual_is_not_told() -> None:
    assert found({}, {"status": 500}, {"status": 503}) == {}
    assert found({"http": "2", "phase": "warmup"}) == {}
    assert found({"http": "2", "status": None}) == {}


def test_versions() -> None:
    assert found({}, {"http": "2"}, {"http": "2", "status": 404}) == {"http": {"1.1": 1, "2": 2}}


def test_answers_that_asked_to_wait() -> None:
    rows: list[dict[str, Any]] = [
        {"status": 429, "retry_after_s": 3.0, "outcome": "error"},
        {"status": 503, "retry_after_s": 0.0, "outcome": "error", "retried": True},
        {"status": 503, "outcome": "error"},
        {"held_ns": 5},
        {"held_ns": 7},
        {"status": 429, "retry_after_s": 99.0, "phase": "warmup"},
    ]
    assert found(*rows)["busy"] == {
        **{"answers": 3, "with_retry_after": 2, "longest_retry_after_s": 3.0},
        **{"held": 2, "held_ns": 12},
    }
