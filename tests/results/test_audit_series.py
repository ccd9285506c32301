"""What is said of a level's course, word for word, on both sides of each rule."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tailrace.results.audit_series import falls_behind, series_findings

from .builders import finding_lines
from .golden_files import assert_golden, told_apart

GOLDEN = Path(__file__).with_name("golden")


def part(trimmed: int, share: float, shift: float, error: float) -> dict[str, Any]:
    return {
        "trimmed": trimmed,
        "trimmed_share": share,
        "shift": shift,
        "shift_error": error,
    }


def slope(per_s: float, error: float, at_least: float, mean: float) -> dict[str, float]:
    return {
        "slope_per_s": per_s,
        "standard_error": error,
        "at_least_per_s": at_least,
        "mean": mean,
    }


def metric(n: int | None, p50: float | None, p95: float | None) -> dict[str, Any]:
    percentiles = {"p50": {"effective_n": p50}, "p95": {"effective_n": p95}}
    return {"n": n, "percentiles": percentiles}


STEADY = {
    "metric": "ttft",
    "ttft": part(5, 0.05, 0.3, 0.01),
    "e2e": part(9, 0.5, 0.9, 0.01),
    "tokens_per_s": part(0, 0.0, 0.0, 0.0),
}
QUEUE = {
    "arrivals_per_s": 50.0,
    "in_flight": slope(0.012345, 0.0567, -0.1, 3.0),
    "ttft_ns": slope(1_234_567.0, 654_321.0, 1.0, 2e8),
    "e2e_ns": slope(2e6, 3e5, 1e9, 1e8),
}
WELL: dict[str, Any] = {"order_of_every": 1, "steady_state": STEADY, "queue": QUEUE}


def steady(**more: Any) -> dict[str, Any]:
    return {"steady_state": STEADY | more}


def queue(**more: Any) -> dict[str, Any]:
    return {"queue": QUEUE | more}


def told(ttft: dict[str, Any] | None = None, **more: Any) -> list[str]:
    metrics = {"ttft": ttft or metric(100, 50.0, 60.0), "e2e": metric(70, 7.0, None)}
    return finding_lines(series_findings(WELL | more, metrics, 10.0))


CASES: dict[str, Any] = {
    "well": {},
    "not streamed": steady(metric="e2e"),
    "49 samples": {"ttft": metric(49, 1.0, 1.0)},
    "50 samples": {"ttft": metric(50, 9.9, 9.8)},
    "a fifth is worth something": {"ttft": metric(100, 20.0, 21.0)},
    "less than a fifth": {"ttft": metric(100, 21.0, 19.9)},
    "less than a fifth, of the median": {"ttft": metric(100, 19.9, None)},
    "nothing is known of their worth": {"ttft": metric(100, None, None)},
    "no sample": {"ttft": metric(None, 1.0, 1.0)},
    "one of every 4": {"order_of_every": 4, "ttft": metric(399, 20.0, 19.8)},
    "one of every 8 of too few": {"order_of_every": 8, "ttft": metric(399, 20.0, 19.8)},
    "steady, who knows": steady(ttft=None, tokens_per_s=None),
    "steady, by tokens alone": steady(ttft=None),
    "a tenth off": steady(ttft=part(10, 0.1, -0.3, 0.01)),
    "more than a tenth off": steady(ttft=part(11, 0.101, -0.3, 0.01)),
    "by a twentieth": steady(ttft=part(11, 0.5, 0.05, 0.01)),
    "by more than a twentieth": steady(ttft=part(11, 0.5, -0.0501, 0.01)),
    "by four standard errors": steady(ttft=part(11, 0.5, 0.4, 0.1)),
    "by more than four": steady(ttft=part(11, 0.5, 0.401, 0.1)),
    "both drift": steady(ttft=part(11, 0.2, 0.4, 0.01), tokens_per_s=part(3, 0.3, -0.2, 0.01)),
    "nothing of the queue": queue(in_flight=None, ttft_ns=None),
    "in flight alone": queue(ttft_ns=None),
    "latency alone": queue(in_flight=None),
    "a hundredth piles up": queue(in_flight=slope(0.5123, 0.01, 0.5, 9.0)),
    "more than a hundredth": queue(in_flight=slope(0.5123, 0.01, 0.501, 9.0)),
    "a latency that grows by a fifth": queue(ttft_ns=slope(4e6, 1e3, 4e6, 2e8)),
    "by more than a fifth": queue(ttft_ns=slope(4e6, 1e3, 4_000_001.0, 2e8)),
    "by more than a fifth, and not streamed": steady(metric="e2e") | queue(),
}


def test_every_rule_of_a_levels_course_on_both_sides() -> None:
    """Of each case, the lines that the level that is well does not have."""
    text = told_apart({title: told(**more) for title, more in CASES.items()})
    assert_golden(GOLDEN / "audit_series.txt", text)


@pytest.mark.parametrize("window_s", [None, 0.0])
def test_without_a_window_nothing_is_said(window_s: float | None) -> None:
    assert list(series_findings(WELL, {}, window_s)) == []
    assert list(series_findings(None, {}, 10.0)) == []


def test_who_falls_behind() -> None:
    assert falls_behind({"in_flight": None, "arrivals_per_s": 1.0}) is False
    assert falls_behind({"in_flight": {"at_least_per_s": 0.01}, "arrivals_per_s": 1.0}) is False
    assert falls_behind({"in_flight": {"at_least_per_s": 0.011}, "arrivals_per_s": 1.0}) is True
