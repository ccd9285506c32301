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


def test_goodput_has_an_interval_where_objectives_were_asked_for() -> None:
    stages: list[dict[str, Any]] = [stage("2", number, 100) for number in (1, 2, 3, 4)]
    stages[0]["goodput"], stages[1]["goodput"] = {"per_s": 1.0}, {"per_s": 2.0}
    stages[2]["goodput"], stages[3]["goodput"] = {"per_s": None}, None
    (found,) = rounds_of(stages)
    assert found["confidence"] == 0.95
    assert found["figures"]["goodput_per_s"] == {
        "n": 2,
        "mean": 1.5,
        "deviation": 0.7071,
        "low": -4.8531,
        "high": 7.8531,
    }


def test_figures_are_rounded_to_four_decimals() -> None:
    found = interval_of([1.000003, 1.000055, 1.000042])
    assert found == {"n": 3, "mean": 1.0, "deviation": 0.0, "low": 1.0, "high": 1.0001}


def test_a_single_round_has_none() -> None:
    assert rounds_of([stage("2", 0, 100), stage("8", 0, 100)]) == []
    assert rounds_of([stage("2", 1, 100)]) == []
    assert interval_of([1.0]) is None


def test_a_figure_that_a_round_lacks_counts_those_that_have_it() -> None:
    (found,) = rounds_of([stage("2", 1, 100), stage("2", 2, None), stage("2", 3, 100)])
    assert found["figures"]["ttft_p50_ns"]["n"] == 2
