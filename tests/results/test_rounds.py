"""Intervals across rounds."""

from __future__ import annotations

from typing import Any

import pytest

from tailrace.results.metrics import NAMES
from tailrace.results.rounds import interval_of, rounds_of


def stage(load: str, number: int, value: int | None, rate: float | None = 5.0) -> dict[str, Any]:
    percentiles = {name: {"value_ns": value} for name in ("p50", "p95", "p99")}
    return {
        "load": load,
        "users": int(load),
        "round": number,
        "metrics": {name: {"percentiles": percentiles} for name in NAMES},
        "rates": {"requests_per_s": rate, "tokens_per_s": None},
    }


def test_each_load_has_its_own_interval() -> None:
    stages = [stage("2", 1, 100), stage("8", 1, 500), stage("2", 2, 110), stage("8", 2, 500)]
    first, second = rounds_of([*stages, stage("2", 3, 120)])
    assert (first["load"], first["users"], first["rounds"]) == ("2", 2, 3)
    figure = first["figures"]["ttft_p50_ns"]
    assert (figure["n"], figure["mean"], figure["deviation"]) == (3, 110, 10)
    assert (figure["low"], figure["high"]) == pytest.approx((85.16, 134.84), abs=0.01)
    assert second["figures"]["e2e_p99_ns"]["low"] == second["figures"]["e2e_p99_ns"]["high"] == 500
    assert "tokens_per_s" not in first["figures"]
    assert first["figures"]["requests_per_s"]["mean"] == 5.0


def test_a_single_round_has_none() -> None:
    assert rounds_of([stage("2", 0, 100), stage("8", 0, 100)]) == []
    assert rounds_of([stage("2", 1, 100)]) == []
    assert interval_of([1.0]) is None


def test_a_figure_that_a_round_lacks_counts_those_that_have_it() -> None:
    (found,) = rounds_of([stage("2", 1, 100), stage("2", 2, None), stage("2", 3, 100)])
    assert found["figures"]["ttft_p50_ns"]["n"] == 2
