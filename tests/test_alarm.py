"""An alarm rings once, for the time it was last set to, and never early."""

from __future__ import annotations

import asyncio
import ctypes
import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from tailrace.alarm import Alarm, CoarseAlarm, LoopAlarm, make_alarm, make_quiet_alarm
from tailrace.simulate.launch import loop_factory

clock = time.perf_counter_ns
MS = 1_000_000

Make = Callable[[asyncio.AbstractEventLoop, Callable[[], None]], Alarm]
PRECISE: dict[str, Make] = {"best": make_alarm, "portable": LoopAlarm}
ALL: dict[str, Make] = PRECISE | {"quiet": make_quiet_alarm, "coarse": CoarseAlarm}


class Bell:
    """An alarm that notes when it rings, and sets itself to the next of the times it is given."""

    def __init__(self, loop: asyncio.AbstractEventLoop, make: Make) -> None:
        self.alarm = make(loop, self.ring)
        self.rings: list[int] = []
        self.later: Iterator[int] = iter(())

    def ring(self) -> None:
        self.rings.append(clock())
        due = next(self.later, 0)
        if due:
            self.alarm.arm(due)


@contextmanager
def bell(loop: str, make: Make) -> Iterator[tuple[Bell, Callable[[float, int], None]]]:
    """A bell, and what turns its loop for some seconds, or longer until it has rung so often."""
    with asyncio.Runner(loop_factory=loop_factory(loop)) as runner:
        made = Bell(runner.get_loop(), make)

        async def turn(seconds: float, rings: int) -> None:
            await asyncio.sleep(seconds)
            deadline = clock() + 5000 * MS
            while len(made.rings) < rings and clock() < deadline:
                await asyncio.sleep(0.001)

        try:
            yield made, lambda seconds, rings: runner.run(turn(seconds, rings))
        finally:
            made.alarm.close()


@pytest.mark.parametrize("kind", PRECISE)
def test_never_early(loop: str, kind: str) -> None:
    with bell(loop, PRECISE[kind]) as (made, turn):
        start = clock()
        dues = sorted(start + random.randrange(0, 60 * MS) for _ in range(100))
        made.later = iter(dues[1:])
        made.alarm.arm(dues[0])
        turn(0.06, len(dues))
    late = [at - due for at, due in zip(made.rings, dues, strict=True)]
    assert min(late) >= 0


@pytest.mark.parametrize("kind", ALL)
def test_the_last_time_set_counts(loop: str, kind: str) -> None:
    with bell(loop, ALL[kind]) as (made, turn):
        start = clock()
        made.alarm.arm(start + 5 * MS)
        made.alarm.arm(start + 20 * MS)
        turn(0.1, 1)
    assert len(made.rings) == 1
    assert made.rings[0] - start >= 18 * MS  # a coarse one may be early, by less than this


@pytest.mark.parametrize("kind", ALL)
def test_a_sooner_time_replaces_a_later_one(loop: str, kind: str) -> None:
    with bell(loop, ALL[kind]) as (made, turn):
        made.alarm.arm(clock() + 3_600_000 * MS)
        made.alarm.arm(clock() + 1 * MS)
        turn(0.1, 1)
        assert len(made.rings) == 1


@pytest.mark.parametrize("kind", ALL)
def test_a_time_gone_by_rings(loop: str, kind: str) -> None:
    with bell(loop, ALL[kind]) as (made, turn):
        made.alarm.arm(1)
        turn(0.05, 1)
        assert len(made.rings) == 1


@pytest.mark.parametrize("kind", ALL)
def test_a_closed_alarm_is_silent_and_closes_twice(loop: str, kind: str) -> None:
    with bell(loop, ALL[kind]) as (made, turn):
        made.alarm.arm(clock() + 5 * MS)
        made.alarm.close()
        made.alarm.close()
        turn(0.03, 0)
    assert made.rings == []


def test_a_coarse_alarm_says_how_far_off_it_may_be() -> None:
    with asyncio.Runner() as runner:
        alarm = make_quiet_alarm(runner.get_loop(), lambda: None)
        alarm.close()
        coarse = CoarseAlarm(runner.get_loop(), lambda: None)
        coarse.close()
    assert 0 <= alarm.error_ns <= coarse.error_ns
    assert coarse.error_ns >= MS


def test_a_loop_without_readers_gets_the_portable_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise NotImplementedError

    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        monkeypatch.setattr(loop, "add_reader", refuse)
        assert isinstance(make_alarm(loop, lambda: None), LoopAlarm)
        assert isinstance(make_quiet_alarm(loop, lambda: None), CoarseAlarm)


def test_windows_is_asked_for_short_ticks_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    native = SimpleNamespace(
        timeBeginPeriod=lambda ms: asked.append(f"begin {ms}") or 0,
        timeEndPeriod=lambda ms: asked.append(f"end {ms}"),
    )
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        monkeypatch.setattr(ctypes, "windll", SimpleNamespace(winmm=native), raising=False)
        with monkeypatch.context() as elsewhere:
            elsewhere.setattr(sys, "platform", "win32")
            alarm = make_quiet_alarm(loop, lambda: None)
        alarm.close()
        alarm.close()
    assert asked == ["begin 1", "end 1"]
    assert alarm.error_ns >= MS
