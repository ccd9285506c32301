"""Nothing runs before it is due, and what is due together runs in order."""

import asyncio
import random
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from tailrace.simulate.launch import loop_factory
from tailrace.simulate.pace import BATCH, Pace

clock = time.perf_counter_ns


def since(due: int) -> int:
    return clock() - due


def note(found: list[int], value: Callable[[], int]) -> Callable[[], int]:
    """A step that runs once, and keeps a value of the moment it runs."""

    def step() -> int:
        found.append(value())
        return 0

    return step


@pytest.fixture(params=[True, False], ids=["best", "portable"])
def precise(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@contextmanager
def paced(loop: str, precise: bool) -> Iterator[tuple[Pace, Callable[[float], None]]]:
    """A pace, and what turns its loop for some seconds."""
    with asyncio.Runner(loop_factory=loop_factory(loop)) as runner:
        pace = Pace(runner.get_loop(), precise=precise)
        try:
            yield pace, lambda seconds: runner.run(asyncio.sleep(seconds))
        finally:
            pace.close()


@pytest.mark.realtime
def test_never_early(loop: str, precise: bool) -> None:
    late: list[int] = []
    with paced(loop, precise) as (pace, turn):
        start = clock()
        for _ in range(200):
            due = start + random.randrange(0, 60_000_000)
            pace.add(due, note(late, partial(since, due)))
        turn(0.1)
    assert len(late) == 200
    assert min(late) >= 0
    assert statistics.median(late) < 5_000_000


def test_step_names_its_next_time(loop: str, precise: bool) -> None:
    times: list[int] = []
    with paced(loop, precise) as (pace, turn):
        start = clock()

        def step() -> int:
            times.append(clock() - start)
            return start + 10_000_000 * (len(times) + 1) if len(times) < 5 else 0

        pace.add(start + 10_000_000, step)
        turn(0.07)
    assert len(times) == 5
    assert all(at >= 10_000_000 * (index + 1) for index, at in enumerate(times))


def test_same_time_keeps_order_over_batches(loop: str, precise: bool) -> None:
    ran: list[int] = []
    with paced(loop, precise) as (pace, turn):
        due = clock() + 5_000_000
        for index in range(BATCH * 3 + 1):
            pace.add(due, note(ran, partial(int, index)))
        turn(0.05)
    assert ran == list(range(BATCH * 3 + 1))


def test_sooner_goes_first_and_steps_may_add(loop: str, precise: bool) -> None:
    ran: list[str] = []
    with paced(loop, precise) as (pace, turn):
        start = clock()

        def say(name: str) -> int:
            ran.append(name)
            return 0

        def add_more() -> int:
            pace.add(start, lambda: say("past"))
            return say("first")

        pace.add(start + 20_000_000, lambda: say("last"))
        pace.add(start + 5_000_000, add_more)
        turn(0.06)
    assert ran == ["first", "past", "last"]


def test_a_failing_step_stops_no_other(loop: str, precise: bool) -> None:
    ran: list[int] = []
    failed: list[object] = []
    with asyncio.Runner(loop_factory=loop_factory(loop)) as runner:
        runner.get_loop().set_exception_handler(lambda _, found: failed.append(found))
        pace = Pace(runner.get_loop(), precise=precise)
        pace.add(clock() + 1_000_000, lambda: 1 // 0)
        pace.add(clock() + 2_000_000, note(ran, partial(int, 1)))
        runner.run(asyncio.sleep(0.03))
        pace.close()
    assert ran == [1]
    assert failed
