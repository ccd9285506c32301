"""The pulse sees what is done to its loop, begins anew for each stage, and stays out of the way."""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from collections.abc import Callable

import msgspec
import pytest

from tailrace.engine import pulse as pulse_module
from tailrace.engine.pulse import Pulse
from tailrace.results.pulse_facts import PulseFacts
from tailrace.simulate.launch import loop_factory

MS = 1_000_000


def watched(loop: str, *stages: Callable[[], None], seconds: float = 0.1) -> list[PulseFacts]:
    """One pulse over so many stages; each does its deed in the midst of some sleep."""

    async def main() -> list[PulseFacts]:
        pulse = Pulse(asyncio.get_running_loop())
        found = []
        for deed in stages:
            pulse.begin()
            await asyncio.sleep(seconds / 2)
            deed()
            await asyncio.sleep(seconds / 2)
            pulse.end()
            found.append(msgspec.convert(msgspec.to_builtins(pulse.report()), PulseFacts))
        return found

    with asyncio.Runner(loop_factory=loop_factory(loop)) as runner:
        return runner.run(main())


def nothing() -> None:
    """A deed that leaves the loop alone."""


def block() -> None:
    """At most a period passes until the next look is due, and 1 ms where timers ring early."""
    time.sleep(0.052)


def test_a_blocked_loop_is_a_hiccup_with_all_that_it_missed(loop: str) -> None:
    (facts,) = watched(loop, block)
    late = facts.hiccups
    assert facts.problem is None
    assert late.max_ns is not None
    assert late.max_ns >= 40 * MS
    assert late.p99_ns is not None
    assert late.p99_ns >= 40 * MS  # the rarest of some 15
    assert late.p50_ns is not None
    assert late.p50_ns <= late.p99_ns
    if facts.alarm == "timerfd":
        assert late.n == facts.wall_ns // facts.period_ns


def test_a_hiccup_that_lasts_until_the_end_is_seen(loop: str) -> None:
    async def main() -> PulseFacts:
        pulse = Pulse(asyncio.get_running_loop())
        pulse.begin()
        block()
        pulse.end()
        return pulse.report()

    with asyncio.Runner(loop_factory=loop_factory(loop)) as runner:
        facts = runner.run(main())
    assert facts.hiccups.n >= 5
    assert facts.hiccups.max_ns is not None
    assert facts.hiccups.max_ns >= 40 * MS


def test_garbage_collections_are_counted(loop: str) -> None:
    (facts,) = watched(loop, lambda: [gc.collect() for _ in range(3)] and None)
    assert facts.gc_runs["2"] >= 3
    assert facts.gc_pauses.n == sum(facts.gc_runs.values())
    assert facts.gc_pauses.max_ns is not None
    assert facts.gc_total_ns >= facts.gc_pauses.max_ns > 0
    assert facts.gc_pauses.histogram


def test_each_stage_begins_anew(loop: str) -> None:
    def collect_twice() -> None:
        gc.collect()
        gc.collect()

    gc.disable()
    try:
        first, second, third = watched(loop, collect_twice, nothing, nothing)
    finally:
        gc.enable()
    assert first.gc_runs == {"2": 2}
    assert second.gc_runs == third.gc_runs == {}
    for facts in (first, second, third):
        assert facts.wall_ns >= 90 * MS  # a loop may wake from a sleep a little early
        assert facts.hiccups.n > 0


def test_busy_seconds_are_seen(loop: str) -> None:
    def work() -> None:
        until = time.process_time_ns() + 1_000 * MS
        while time.process_time_ns() < until:
            pass

    (facts,) = watched(loop, work, seconds=0.02)
    assert facts.cpu_ns >= 1_000 * MS
    assert facts.cpu is not None
    assert facts.cpu_peak is not None
    assert 0 < facts.cpu <= 1.2 * facts.cpu_peak  # the rest at the end is in no window
    assert sum(facts.cpu_windows_ns.values()) <= facts.wall_ns
    assert facts.cpu_windows_ns


def test_nothing_is_left_behind(loop: str) -> None:
    before = list(gc.callbacks)

    async def main() -> None:
        pulse = Pulse(asyncio.get_running_loop())
        pulse.end()
        assert pulse.report() == PulseFacts()
        pulse.begin()
        pulse.begin()  # as if end had been forgotten
        await asyncio.sleep(0.02)
        assert len(gc.callbacks) == len(before) + 1
        pulse.end()
        pulse.end()
        done = pulse.report()
        await asyncio.sleep(0.03)
        assert pulse.report() == done

    with asyncio.Runner(loop_factory=loop_factory(loop)) as runner:
        runner.run(main())
    assert gc.callbacks == before


def test_a_system_that_tells_nothing(monkeypatch: pytest.MonkeyPatch, loop: str) -> None:
    monkeypatch.setitem(sys.modules, "psutil", None)
    monkeypatch.setitem(sys.modules, "resource", None)
    monkeypatch.setattr(pulse_module, "limit_files", list)
    monkeypatch.setattr("tailrace.alarm._open_timer", refuse)
    (facts,) = watched(loop, block)
    assert facts.problem is None
    assert facts.alarm == "loop timer"
    assert facts.alarm_error_ns > 0
    assert facts.switches_involuntary is facts.throttled is facts.throttled_ns is None
    assert facts.machine_busy is facts.machine_steal is None
    assert facts.cpu_ns > 0
    assert facts.hiccups.max_ns is not None
    assert facts.hiccups.max_ns >= 40 * MS


def refuse(*_: object) -> None:
    raise OSError("not here")


def test_a_pulse_that_cannot_begin_says_so(monkeypatch: pytest.MonkeyPatch, loop: str) -> None:
    monkeypatch.setattr(pulse_module, "make_quiet_alarm", refuse)
    before = list(gc.callbacks)
    (facts,) = watched(loop, nothing, seconds=0.02)
    assert facts.problem == "OSError: not here"
    assert gc.callbacks == before
    monkeypatch.setattr(pulse_module, "CpuWindows", refuse)
    (facts,) = watched(loop, nothing, seconds=0.02)
    assert facts == PulseFacts(problem="OSError: not here")


def test_a_pulse_that_fails_on_the_way_stops_and_says_so(
    monkeypatch: pytest.MonkeyPatch, loop: str
) -> None:
    def break_clocks() -> None:
        monkeypatch.setattr(pulse_module, "read_clocks", refuse)
        monkeypatch.setattr(pulse_module, "WINDOW_NS", 0)

    monkeypatch.setattr(pulse_module, "WINDOW_NS", 60 * MS)
    before = list(gc.callbacks)
    (facts,) = watched(loop, break_clocks, seconds=0.2)
    assert facts.problem == "OSError: not here"
    assert facts.wall_ns > 0
    assert facts.hiccups.n > 0
    assert gc.callbacks == before


def test_an_older_file_loads() -> None:
    assert msgspec.convert({}, PulseFacts) == PulseFacts()
    assert PulseFacts().cpu is None
