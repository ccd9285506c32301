"""Highlights: what a person would paste."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tailrace.results.render.highlights import highlights
from tailrace.results.verdict import Verdict

from ..builders import facts, row, run_folder, waited

VALID = Verdict((), ())


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    rows = [row(0, 100), row(400, 100), waited("timeout", 900)]
    _, (found,), _ = run_folder(tmp_path_factory.mktemp("run") / "r", rows).rebuild()
    return found


def told(result: dict[str, Any], **more: Any) -> str:
    run, model = highlights(facts(), [copy.deepcopy(result) | more], VALID)
    assert run == "n, 2026-11-20T14:03:22.000Z: VALID."
    return model


def test_throughput_tail_and_errors(result: dict[str, Any]) -> None:
    text = told(result)
    assert text.startswith("m: best throughput at 1 user, 8.00 tokens/s and 2.00 requests/s, ")
    assert "TTFT p50 100 ms (not certified), p99 at least 900 ms (not certified)." in text
    assert "Slowest answer: 0.900 s, at 1 user." in text
    assert "1 of 3 measured requests (33.3 %) did not end ok." in text


@pytest.mark.parametrize(
    ("end", "said"),
    [
        (None, "Knee at 4 users: beyond it"),
        ("highest", "No knee up to 4 users."),
        ("lowest", "Past its knee from 4 users on."),
    ],
)
def test_the_knee(result: dict[str, Any], end: str | None, said: str) -> None:
    assert said in told(result, knee={"load": "4", "users": 4, "end": end, "power": {}})


@pytest.mark.parametrize(
    ("statuses", "said"),
    [
        (["pass", "pass"], "Objectives met at 1 user."),
        (["pass", "fail"], "Objectives missed at 1 user."),
        (["pass", "cannot tell"], "Objectives not told by so few requests at 1 user."),
    ],
)
def test_objectives(result: dict[str, Any], statuses: list[str], said: str) -> None:
    stage = result["stages"][0] | {"slo": [{"status": status} for status in statuses]}
    assert said in told(result, stages=[stage])


def test_a_model_that_failed_and_a_run_that_is_invalid(result: dict[str, Any]) -> None:
    assert told(result, stages=[], status="failed", error="gone") == (
        "m: failed, nothing was measured (gone)."
    )
    first, _ = highlights(facts(), [result], Verdict(("a worker was lost",), ()))
    assert first.endswith(": INVALID, because a worker was lost.")
