"""The virtual clock itself: exact, in order, and never asleep."""

from __future__ import annotations

import asyncio
import time

import pytest

from tailrace import alarm
from tailrace.engine import clock, closed_loop, open_loop, pacer, scheduler

from .virtual_clock import VirtualLoop, engine_follows, run_virtually, sleep_ns

HOUR_NS = 3_600_000_000_000


def test_a_day_passes_in_no_time_and_to_the_nanosecond() -> None:
    async def day() -> list[int]:
        seen = []
        for length_ns in (1, 999_999_999, 23 * HOUR_NS + 7):
            await sleep_ns(length_ns)
            seen.append(clock.now_ns())
        return seen

    began = time.perf_counter()
    assert run_virtually(day) == [1, 1_000_000_000, 23 * HOUR_NS + 1_000_000_007]
    assert time.perf_counter() - began < 60


def test_alarms_ring_in_their_nanosecond_and_the_last_one_set_counts() -> None:
    async def ring() -> list[int]:
        rung: list[int] = []
        loop = asyncio.get_running_loop()
        one = alarm.make_alarm(loop, lambda: rung.append(clock.now_ns()))
        for due_ns in (HOUR_NS + 2, HOUR_NS + 1, HOUR_NS):
            alarm.make_alarm(loop, lambda: rung.append(clock.now_ns())).arm(due_ns)
        one.arm(5)
        one.arm(7)
        await sleep_ns(2 * HOUR_NS)
        one.arm(1)  # gone by: at once
        await sleep_ns(1)
        return rung

    assert run_virtually(ring) == [7, HOUR_NS, HOUR_NS + 1, HOUR_NS + 2, 2 * HOUR_NS]


def test_who_waits_for_ever_is_told() -> None:
    async def forever() -> None:
        await asyncio.Event().wait()

    with pytest.raises(RuntimeError, match="never happen"):
        run_virtually(forever)


def test_the_engine_follows_it_wherever_it_reads_a_clock_and_no_longer() -> None:
    readers = (clock, closed_loop, open_loop, pacer, scheduler)
    loop = VirtualLoop()
    with engine_follows(loop):
        assert {module.now_ns() for module in readers} == {0}
        assert open_loop.make_alarm is pacer.make_alarm is not alarm.KernelAlarm
    loop.close()
    assert {module.now_ns for module in readers} == {time.perf_counter_ns}
    assert open_loop.make_alarm.__module__ == "tailrace.alarm"
