"""What the pulse counts, from stamps in tables."""

from __future__ import annotations

import gc
from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tailrace.engine.gauges import (
    PERIOD_NS,
    STEP_NS,
    WINDOW_NS,
    ClockWatch,
    CpuWindows,
    Hiccups,
    Lengths,
)

MS = 1_000_000
S = 1_000 * MS


def lateness(hiccups: Hiccups) -> list[int]:
    return list(hiccups.late._recent)


@pytest.mark.parametrize(
    ("late_ms", "noted_ms"),
    [
        (-1, [0]),  # a coarse timer rang early
        (0, [0]),
        (9, [9]),
        (10, [10, 0]),  # the next was due at this very moment
        (11, [11, 1]),
        (25, [25, 15, 5]),
        (50, [50, 40, 30, 20, 10, 0]),
    ],
)
def test_a_late_look_also_counts_those_it_missed(late_ms: int, noted_ms: list[int]) -> None:
    hiccups = Hiccups(0)
    assert hiccups.due_ns == PERIOD_NS
    due_ns = hiccups.note(PERIOD_NS + late_ms * MS)
    assert lateness(hiccups) == [value * MS for value in noted_ms]
    assert due_ns == PERIOD_NS * (1 + len(noted_ms))


@settings(deadline=None)
@given(st.lists(st.integers(0, 300 * MS), min_size=1, max_size=50))
def test_there_is_one_value_for_each_time_that_was_due(waits: list[int]) -> None:
    hiccups, now = Hiccups(0), 0
    for wait in waits:
        now = max(now + wait, hiccups.due_ns)
        assert hiccups.note(now) > now
    hist = hiccups.late.settle()
    assert hist.n == now // PERIOD_NS
    assert hist.max_ns <= max(*waits, PERIOD_NS) + PERIOD_NS


def test_few_values_wait_for_more() -> None:
    lengths = Lengths()
    lengths.extend([1, 2, 3])
    assert lengths.settle(4).n == 0
    lengths.add(7)
    hist = lengths.settle(4)
    assert (hist.n, hist.min_ns, hist.max_ns) == (4, 1, 7)
    assert lengths.settle().n == 4


def test_a_value_that_comes_while_others_are_added_is_kept() -> None:
    lengths = Lengths()
    lengths.extend(range(1000))
    hist, came = lengths._hist, []

    def note(phase: str, _: dict[str, int]) -> None:
        if phase == "stop":
            lengths.add(5)
            came.append(5)

    class Interrupted:
        def add_many(self, values: array[int]) -> None:
            with memoryview(values):  # as numpy holds it; an array held so cannot grow
                gc.collect()
            hist.add_many(values)
            gc.collect()

    lengths._hist = Interrupted()  # type: ignore[assignment]
    gc.callbacks.append(note)
    try:
        lengths.settle()
    finally:
        gc.callbacks.remove(note)
    lengths._hist = hist
    assert len(came) >= 2
    assert lengths.settle().n == 1000 + len(came)


def test_cpu_windows_last_a_second_or_more() -> None:
    cpu = CpuWindows(0, 0)
    cpu.note(S // 2, S // 2)  # too soon: the window goes on
    assert cpu.peak is None
    cpu.note(S, S * 6 // 10)
    cpu.note(4 * S, S * 6 // 10 + 3 * S * 9 // 10)
    cpu.note(4 * S + WINDOW_NS - 1, 9 * S)
    assert cpu.peak == 0.9
    assert cpu.windows_ns == {60: S, 90: 3 * S}


def test_several_threads_use_more_than_one_core() -> None:
    cpu = CpuWindows(0, 0)
    cpu.note(S, 2 * S)
    assert cpu.windows_ns == {200: S}


@pytest.mark.parametrize(
    ("passed_ns", "change_ns", "doubt_ns", "is_step"),
    [
        (S, MS, 0, False),
        (S, MS + 1, 0, True),
        (S, -MS - 1, 0, True),
        (S, 3 * MS, 2 * MS, False),  # the two clocks were read so far apart
        (10 * S, 9 * MS, 0, False),  # slewed at 900 ppm for ten seconds
        (10 * S, 11 * MS, 0, True),
    ],
)
def test_a_jump_is_told_from_a_slew(
    passed_ns: int, change_ns: int, doubt_ns: int, is_step: bool
) -> None:
    clocks = ClockWatch(0, 5 * S, 0)
    clocks.note(passed_ns, 5 * S + change_ns, doubt_ns)
    assert clocks.steps == is_step
    assert clocks.largest_step_ns == (change_ns if is_step else 0)


def test_a_coarse_clock_does_not_step() -> None:
    clocks = ClockWatch(0, 0, 0, coarse_ns=32 * MS)
    clocks.note(S, -20 * MS, 0)
    assert clocks.steps == 0
    assert clocks.drift_ppm is None


def test_drift_leaves_steps_out_and_the_largest_step_keeps_its_sign() -> None:
    clocks = ClockWatch(0, 0, 0)
    offset = 0
    for second, step in enumerate((0, -5 * MS, 0, 3 * MS, 0), 1):
        offset += step or 50_000
        clocks.note(second * S, offset, 100)
    assert (clocks.steps, clocks.largest_step_ns) == (2, -5 * MS)
    assert clocks.drift_ppm == 50.0


@pytest.mark.parametrize(("passed_ns", "told"), [(0, False), (19 * MS, False), (21 * MS, True)])
def test_drift_is_not_told_from_too_short_a_time(passed_ns: int, told: bool) -> None:
    clocks = ClockWatch(0, 0, 1000)  # twice 1 us of doubt is 100 ppm of 20 ms
    clocks.note(passed_ns, 0, 1000)
    assert (clocks.drift_ppm is not None) == told


def test_windows_of_one_share_add_up() -> None:
    windows = CpuWindows(0, 0)
    for number in (1, 2, 3):
        windows.note(number * WINDOW_NS, number * WINDOW_NS // 3)
    assert windows.windows_ns == {33: 3 * WINDOW_NS}
    assert windows.peak == 0.3333


def test_a_clock_that_was_read_at_one_moment_is_steady() -> None:
    """Nothing has passed, so that only the least that counts as a step is allowed."""
    watch = ClockWatch(0, 0, 0)
    watch.note(0, STEP_NS, 0)
    assert watch.steps == 0
    watch.note(0, 2 * STEP_NS + 1, 0)
    assert (watch.steps, watch.largest_step_ns) == (1, STEP_NS + 1)
