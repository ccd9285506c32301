"""The user's wish to stop: two steps, heard by signal or by call."""

from __future__ import annotations

import asyncio
import os
import signal
import threading

import pytest

from tailrace.engine.stop import Stop, signals_ask

pytestmark = pytest.mark.asyncio


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def heard(stop: Stop, level: int) -> None:
    await asyncio.wait_for(stop.wait(level), 10)


async def test_each_asking_is_one_step_and_two_are_all() -> None:
    stop = Stop()
    levels = [stop.level]
    for _ in range(3):
        stop.ask()
        levels.append(stop.level)
    assert levels == [0, 1, 2, 2]


async def test_a_level_that_is_reached_is_not_waited_for() -> None:
    stop = Stop()
    await heard(stop, 0)
    stop.ask()
    await heard(stop, 1)


async def test_waiters_hear_their_level_and_no_earlier() -> None:
    stop = Stop()
    waiters = [asyncio.create_task(stop.wait(level)) for level in (1, 2, 2, 1)]
    await turns()
    assert [waiter.done() for waiter in waiters] == [False] * 4
    stop.ask()
    await turns()
    assert [waiter.done() for waiter in waiters] == [True, False, False, True]
    stop.ask()
    await turns()
    assert all(waiter.done() for waiter in waiters)


async def test_two_askings_at_once_reach_the_second_level() -> None:
    stop = Stop()
    waiter = asyncio.create_task(stop.wait(2))
    await turns()
    stop.ask()
    stop.ask()
    await turns()
    assert waiter.done()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_signals_ask(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    stop = Stop()
    with signals_ask(stop):
        for level in (1, 2):
            os.kill(os.getpid(), number)
            await heard(stop, level)
            assert stop.level == level
    assert signal.getsignal(number) in (before, signal.default_int_handler)


async def test_signals_are_given_back_when_the_run_fails() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(ZeroDivisionError), signals_ask(Stop()):
        raise ZeroDivisionError
    assert signal.getsignal(signal.SIGINT) in (before, signal.default_int_handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_loop_without_signal_handlers_has_plain_ones(
    monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    def refuse(number: int, callback: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr(asyncio.get_running_loop(), "add_signal_handler", refuse)
    before = signal.getsignal(number)
    stop = Stop()
    with signals_ask(stop):
        signal.raise_signal(number)
        await heard(stop, 1)
    assert signal.getsignal(number) == before


async def test_off_the_main_thread_there_are_no_signals_and_no_fault() -> None:
    done: list[int] = []

    async def inside() -> None:
        stop = Stop()
        with signals_ask(stop):
            stop.ask()
            await heard(stop, 1)
        done.append(stop.level)

    thread = threading.Thread(target=lambda: asyncio.run(inside()))
    thread.start()
    await asyncio.to_thread(thread.join)
    assert done == [1]


async def test_a_child_hears_its_parent_and_may_be_asked_alone() -> None:
    stop = Stop()
    child = stop.child()
    child.ask()
    assert (stop.level, child.level) == (0, 1)
    stop.ask()
    assert (stop.level, child.level) == (1, 1)
    stop.ask()
    assert (stop.level, child.level) == (2, 2)
    assert stop.child().level == 2


async def test_a_child_aborts_the_whole() -> None:
    stop = Stop()
    child = stop.child()
    child.abort("too many")
    assert (stop.reason, stop.level, child.level) == ("too many", 1, 1)
