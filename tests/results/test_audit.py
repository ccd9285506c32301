"""Each rule on both sides of each threshold, and a line for everything that was looked at."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from tailrace.results.audit import Finding, audit_pulse, hiccup_limit_ns
from tailrace.results.hist import Hist
from tailrace.results.pulse_facts import PulseFacts
from tailrace.results.spread import Spread, spread_of

MS = 1_000_000
S = 1_000 * MS

NAMES = (
    "pulse",
    "event loop",
    "client CPU",
    "stolen CPU",
    "CPU limit",
    "garbage collection",
    "wall clock",
)


def late(p99_ns: int) -> Spread:
    return Spread(1000, 50_000, p99_ns, p99_ns, p99_ns, "x")


WELL = PulseFacts(
    wall_ns=10 * S,
    period_ns=10 * MS,
    alarm="timerfd",
    hiccups=late(MS),
    gc_runs={"0": 3},
    gc_total_ns=2 * MS,
    gc_pauses=Spread(3, MS, MS, MS, MS, "x"),
    cpu_ns=4 * S,
    cpu_peak=0.6,
    cpu_windows_ns={"35": 9 * S, "60": S},
    switches_involuntary=12,
    machine_busy=0.5,
    machine_steal=0.0,
    throttled=0,
    throttled_ns=0,
    clock_drift_ppm=0.3,
)


def found(name: str, ttft_ns: int | None = None, **more: Any) -> Finding:
    return {each.name: each for each in audit_pulse(replace(WELL, **more), ttft_ns)}[name]


def test_every_rule_has_a_line_when_all_is_well() -> None:
    findings = audit_pulse(WELL, 200 * MS)
    assert tuple(finding.name for finding in findings) == NAMES
    assert {finding.status for finding in findings} == {"ok"}
    for finding in findings:
        assert finding.value
        assert finding.why
        assert "\n" not in finding.value + finding.why
        assert "None" not in finding.value + finding.why


def test_what_a_system_does_not_tell_is_no_fault() -> None:
    findings = audit_pulse(PulseFacts(wall_ns=S, period_ns=10 * MS, alarm="loop timer"), None)
    assert tuple(finding.name for finding in findings) == NAMES
    assert {finding.status for finding in findings} == {"ok"}
    assert "None" not in str(findings)


@pytest.mark.parametrize("facts", [PulseFacts(), PulseFacts(problem="OSError: no")])
def test_a_pulse_never_taken_is_one_warning(facts: PulseFacts) -> None:
    (finding,) = audit_pulse(facts, None)
    assert finding.name == "pulse"
    assert finding.status == "warn"
    assert finding.value == (facts.problem or "not taken")


def test_a_pulse_that_stopped_early_is_a_warning() -> None:
    finding = found("pulse", problem="OSError: no")
    assert finding.status == "warn"
    assert "10.0 s, then OSError: no" in finding.value


@pytest.mark.parametrize(
    ("ttft_ns", "limit_ns"),
    [
        (None, MS),
        (0, MS),
        (100 * MS, MS),
        (200 * MS, 2 * MS),
        (1000 * MS, 10 * MS),
        (60 * S, 10 * MS),
    ],
)
def test_the_hiccup_limit_follows_ttft_within_bounds(ttft_ns: int | None, limit_ns: int) -> None:
    assert hiccup_limit_ns(ttft_ns) == limit_ns


@pytest.mark.parametrize(
    ("p99_ns", "ttft_ns", "error_ns", "status"),
    [
        (MS, None, 0, "ok"),
        (MS + 1, None, 0, "warn"),
        (2 * MS, 200 * MS, 0, "ok"),
        (2 * MS + 1, 200 * MS, 0, "warn"),
        (10 * MS, 60 * S, 0, "ok"),
        (10 * MS, 200 * MS, 0, "warn"),
        (10 * MS + 1, 200 * MS, 0, "bad"),
        (10 * MS + 1, 60 * S, 0, "bad"),
        (3 * MS, None, 2 * MS, "ok"),
        (3 * MS + 1, None, 2 * MS, "warn"),
        (12 * MS, None, 2 * MS, "warn"),
        (12 * MS + 1, None, 2 * MS, "bad"),
    ],
)
def test_hiccups(p99_ns: int, ttft_ns: int | None, error_ns: int, status: str) -> None:
    finding = found("event loop", ttft_ns, hiccups=late(p99_ns), alarm_error_ns=error_ns)
    assert finding.status == status
    assert ("the timer's own" in finding.why) == bool(error_ns)


@pytest.mark.parametrize(
    ("cpu_ns", "windows_ns", "status"),
    [
        (7 * S, {}, "ok"),
        (7 * S + MS, {}, "warn"),
        (9 * S, {}, "warn"),
        (9 * S + MS, {}, "bad"),
        (5 * S, {"89": 10 * S}, "ok"),
        (5 * S, {"50": 9 * S, "90": S}, "ok"),
        (5 * S, {"50": 9 * S, "90": S + MS}, "bad"),
        (5 * S, {"50": 8 * S, "95": S, "130": S}, "bad"),
    ],
)
def test_client_cpu(cpu_ns: int, windows_ns: dict[str, int], status: str) -> None:
    finding = found("client CPU", cpu_ns=cpu_ns, cpu_windows_ns=windows_ns)
    assert finding.status == status
    assert ("client saturated" in finding.why) == (status == "bad")


@pytest.mark.parametrize(
    ("steal", "status"),
    [(None, "ok"), (0.05, "ok"), (0.051, "warn"), (0.2, "warn"), (0.201, "bad")],
)
def test_stolen_cpu(steal: float | None, status: str) -> None:
    assert found("stolen CPU", machine_steal=steal).status == status


@pytest.mark.parametrize(
    ("times", "stopped_ns", "status"),
    [
        (None, None, "ok"),
        (0, 0, "ok"),
        (1, 0, "warn"),
        (1, 1, "warn"),
        (9, 500 * MS, "warn"),
        (9, 500 * MS + 1, "bad"),
    ],
)
def test_cpu_limit(times: int | None, stopped_ns: int | None, status: str) -> None:
    assert found("CPU limit", throttled=times, throttled_ns=stopped_ns).status == status


@pytest.mark.parametrize(
    ("longest_ns", "status"), [(None, "ok"), (10 * MS, "ok"), (10 * MS + 1, "warn")]
)
def test_garbage_collection(longest_ns: int | None, status: str) -> None:
    pauses = Spread() if longest_ns is None else replace(WELL.gc_pauses, max_ns=longest_ns)
    assert found("garbage collection", gc_pauses=pauses).status == status


@pytest.mark.parametrize(
    ("drift_ppm", "steps", "largest_ns", "status"),
    [
        (None, 0, 0, "ok"),
        (200.0, 0, 0, "ok"),
        (-200.0, 0, 0, "ok"),
        (200.1, 0, 0, "warn"),
        (-200.1, 0, 0, "warn"),
        (0.0, 1, -3 * MS, "bad"),
        (None, 1, 3 * MS, "bad"),
    ],
)
def test_wall_clock(drift_ppm: float | None, steps: int, largest_ns: int, status: str) -> None:
    finding = found(
        "wall clock",
        clock_drift_ppm=drift_ppm,
        clock_steps=steps,
        clock_largest_step_ns=largest_ns,
    )
    assert finding.status == status
    assert ("-3.00 ms" in finding.value) == (largest_ns < 0)


def test_facts_survive_json() -> None:
    again = msgspec.json.decode(msgspec.json.encode(WELL), type=PulseFacts)
    assert again == WELL
    assert again.cpu == 0.4


def test_a_spread_is_the_histograms() -> None:
    assert spread_of(Hist()) == Spread()
    hist = Hist()
    hist.add_many(range(1, 1001))
    spread = spread_of(hist)
    assert (spread.n, spread.p50_ns, spread.p99_ns) == (1000, 500, 990)
    assert (spread.p999_ns, spread.max_ns) == (999, 1000)
    assert spread.histogram == hist.encode()
