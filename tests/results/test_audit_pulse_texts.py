"""What the audit says of the client's pulse, word for word, on both sides of each of its rules."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from tailrace.results.audit import Finding, audit_pulse, hiccup_limit_ns, worst_of
from tailrace.results.pulse_facts import PulseFacts
from tailrace.results.spread import Spread

from .builders import finding_lines
from .golden_files import assert_golden, told_apart
from .test_audit import MS, WELL, S, late

GOLDEN = Path(__file__).with_name("golden")
BARE: dict[str, Any] = {
    "cpu_peak": None,
    "cpu_windows_ns": {},
    "machine_busy": None,
    "machine_steal": None,
    "switches_involuntary": None,
    "throttled": None,
    "clock_drift_ppm": None,
    "gc_pauses": Spread(),
}

CHANGES: dict[str, dict[str, Any]] = {
    "well": {},
    "nothing is told": BARE,
    "it was never taken": {"wall_ns": 0},
    "it could not be taken": {"wall_ns": 0, "problem": "no timer to be had"},
    "it stopped early": {"problem": "the loop was closed"},
    "no look was due": {"hiccups": Spread()},
    "late by 1 ms": {"hiccups": late(MS)},
    "late by a little more": {"hiccups": late(MS + 1)},
    "late by 10 ms": {"hiccups": late(10 * MS)},
    "late by more than 10 ms": {"hiccups": late(10 * MS + 1)},
    "late as the timer is": {"hiccups": late(3 * MS), "alarm_error_ns": 2 * MS},
    "later than the timer is": {"hiccups": late(3 * MS + 1), "alarm_error_ns": 2 * MS},
    "late by 10 ms and the timer": {"hiccups": late(12 * MS), "alarm_error_ns": 2 * MS},
    "late by more than both": {"hiccups": late(12 * MS + 1), "alarm_error_ns": 2 * MS},
    "each percentile its own": {"hiccups": Spread(1000, 2 * MS, 3 * MS, 4 * MS, 5 * MS, "x")},
    "70 % of a core": {"cpu_ns": 7 * S},
    "over 70 % of a core": {"cpu_ns": 7 * S + 1},
    "90 % of a core": {"cpu_ns": 9 * S},
    "over 90 % of a core": {"cpu_ns": 9 * S + 1},
    "a tenth of the time full": {"cpu_windows_ns": {"89": 9 * S, "90": S}},
    "more than that": {"cpu_windows_ns": {"89": 9 * S, "90": S + 1}},
    "more than that, and over 70 %": {"cpu_windows_ns": {"100": S}, "cpu_ns": 8 * S},
    "a short stage": {"wall_ns": S - 1, "cpu_ns": S, "machine_steal": 0.5},
    "a stage of a second": {"wall_ns": S, "cpu_ns": S, "machine_steal": 0.5},
    "a twentieth stolen": {"machine_steal": 0.05},
    "more than a twentieth": {"machine_steal": 0.051},
    "a fifth stolen": {"machine_steal": 0.2},
    "more than a fifth": {"machine_steal": 0.201},
    "a limit that tells no time": {"throttled": 3, "throttled_ns": None},
    "a limit that tells no count": {"throttled": None, "throttled_ns": 3 * MS},
    "stopped for no time": {"throttled": 2},
    "stopped, not counted": {"throttled_ns": 5 * MS},
    "stopped for a twentieth": {"throttled": 20, "throttled_ns": 500 * MS},
    "stopped for more": {"throttled": 20, "throttled_ns": 500 * MS + 1},
    "a pause of 10 ms": {"gc_pauses": Spread(3, MS, MS, MS, 10 * MS, "x")},
    "a longer pause": {"gc_pauses": Spread(3, MS, MS, MS, 10 * MS + 1, "x")},
    "a pause of no time": {"gc_pauses": Spread(1, 0, 0, 0, 0, "x"), "gc_total_ns": 0},
    "the clock was set back": {"clock_steps": 1, "clock_largest_step_ns": -30 * MS},
    "the clock was set ahead": {"clock_steps": 2, "clock_largest_step_ns": 30 * MS},
    "set, by nobody knows what": {"clock_steps": 1, "clock_drift_ppm": None},
    "a drift of 200": {"clock_drift_ppm": 200.0},
    "more than 200": {"clock_drift_ppm": 200.06},
    "back by more than 200": {"clock_drift_ppm": -200.06},
}


def told(ttft_ns: int | None = None, **more: Any) -> list[str]:
    return finding_lines(audit_pulse(replace(WELL, **more), ttft_ns))


def test_every_rule_of_the_pulse_on_both_sides() -> None:
    """Of each case, the lines that a client that is well does not have."""
    parts = [told_apart({title: told(**more) for title, more in CHANGES.items()})]
    slow = [told(ttft_ns, hiccups=late(4 * MS)) for ttft_ns in (0, 399 * MS, 400 * MS, 90 * S)]
    parts += [f"late by 4 ms at a TTFT\n{each[1]}" for each in slow]
    assert_golden(GOLDEN / "audit_pulse.txt", "\n".join(parts))


def test_the_limit_of_hiccups_grows_with_the_ttft_up_to_what_is_bad() -> None:
    found = [hiccup_limit_ns(ns) for ns in (None, 0, 100 * MS, 101 * MS, 999 * MS, 9 * S)]
    assert found == [MS, MS, MS, 1_010_000, 9_990_000, 10 * MS]


def test_of_several_clients_each_rule_has_its_worst() -> None:
    def of(name: str, status: Any, value: str) -> Finding:
        return Finding(name, value, status, "why")

    first = [of("a", "ok", "1"), of("b", "warn", "1")]
    second = [of("c", "ok", "2"), of("b", "bad", "2"), of("a", "ok", "2")]
    third = [of("b", "bad", "3"), of("b", "warn", "3"), of("a", "warn", "3")]
    found = worst_of([first, second, third])
    assert [(each.name, each.value) for each in found] == [("a", "3"), ("b", "2"), ("c", "2")]
    assert worst_of([]) == []


def test_a_pulse_that_was_never_taken_is_all_that_is_told() -> None:
    assert len(audit_pulse(PulseFacts(), None)) == 1
