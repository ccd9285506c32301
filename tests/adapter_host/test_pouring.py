"""Every kind of generate: its tokens, their count, its errors, its end when nobody waits."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from tailrace.adapter_host.adapter import Adapter, AdapterError
from tailrace.adapter_host.asks import Ask
from tailrace.adapter_host.pouring import Pouring, Spent

pytestmark = pytest.mark.asyncio

LONG_S = 30.0
"""Never waited out by a test that passes."""


class User:
    """An adapter around one function."""

    def __init__(self, generate: Callable[..., Any], **more: Any) -> None:
        self.generate = generate
        for name, value in more.items():
            setattr(self, name, value)


def text(prompt: str) -> str:
    return "one two"


def generator(prompt: str) -> Iterator[str]:
    yield from ("one", " two", "", " three")


def listed(prompt: str) -> list[str]:
    return ["one", " two", "", " three"]


async def coroutine(prompt: str) -> str:
    await asyncio.sleep(0)
    return "one two"


async def async_iterator(prompt: str) -> AsyncIterator[str]:
    for token in listed(prompt):
        await asyncio.sleep(0)
        yield token


async def coroutine_of_iterator(prompt: str) -> AsyncIterator[str]:
    return async_iterator(prompt)


def hidden_iterator(prompt: str) -> Any:
    return async_iterator(prompt)


def hidden_coroutine(prompt: str) -> Any:
    return coroutine(prompt)


TEXTS = (text, coroutine, hidden_coroutine)
TOKENS = (generator, listed, async_iterator, coroutine_of_iterator, hidden_iterator)


def ask(**params: Any) -> Ask:
    return Ask("m", "hi there", params, stream=True, include_usage=True)


async def poured(user: User, **params: Any) -> tuple[list[str], Spent]:
    tokens: list[str] = []
    spent = await Pouring(Adapter("x", user)).pour(ask(**params), tokens.append)
    return tokens, spent


@pytest.mark.parametrize("generate", TOKENS)
async def test_tokens_are_counted(generate: Callable[..., Any]) -> None:
    assert await poured(User(generate)) == (["one", " two", "", " three"], Spent(None, 4))


@pytest.mark.parametrize("generate", TEXTS)
async def test_a_text_is_one_piece_of_unknown_length(generate: Callable[..., Any]) -> None:
    assert await poured(User(generate)) == (["one two"], Spent(None, None))


@pytest.mark.parametrize("generate", [*TEXTS, *TOKENS])
async def test_an_adapter_may_count(generate: Callable[..., Any]) -> None:
    def count(text: str) -> int:
        return len(text.split())

    _, spent = await poured(User(generate, count_tokens=count))
    assert spent == Spent(2, 2 if generate in TEXTS else 4)


@pytest.mark.parametrize("generate", TOKENS)
async def test_no_more_tokens_than_were_asked_for(generate: Callable[..., Any]) -> None:
    assert await poured(User(generate), max_tokens=2) == (["one", " two"], Spent(None, 2, cut=True))


@pytest.mark.parametrize("is_async", [False, True])
async def test_what_is_cut_is_closed(is_async: bool) -> None:
    closed: list[bool] = []

    def endless(prompt: str) -> Iterator[str]:
        try:
            while True:
                yield "x"
        finally:
            closed.append(True)

    async def endless_async(prompt: str) -> AsyncIterator[str]:
        try:
            while True:
                yield "x"
        finally:
            closed.append(True)

    tokens, _ = await poured(User(endless_async if is_async else endless), max_tokens=3)
    assert (len(tokens), closed) == (3, [True])


def raises(prompt: str) -> str:
    raise ValueError("boom")


def raises_late(prompt: str) -> Iterator[str]:
    yield "one"
    raise ValueError("boom")


async def raises_async(prompt: str) -> str:
    raise ValueError("boom")


async def raises_late_async(prompt: str) -> AsyncIterator[str]:
    yield "one"
    raise ValueError("boom")


def numbers(prompt: str) -> list[int]:
    return [1, 2]


def number(prompt: str) -> int:
    return 1


def stops(prompt: str) -> str:
    raise StopIteration


@pytest.mark.parametrize(
    ("generate", "words"),
    [
        *((each, "adapter 'x' failed in generate: ValueError: boom") for each in (raises,)),
        *((each, "failed in generate: ValueError: boom") for each in (raises_late, raises_async)),
        (raises_late_async, "failed in generate: ValueError: boom"),
        (numbers, "adapter 'x' yielded a value of type int from generate, not a text"),
        (number, "adapter 'x' returned a value of type int from generate"),
        (stops, "failed in generate: StopIteration"),
    ],
)
async def test_what_goes_wrong_is_one_sentence(generate: Callable[..., Any], words: str) -> None:
    with pytest.raises(AdapterError, match=words):
        await poured(User(generate))


async def test_a_token_is_handed_on_when_it_is_yielded() -> None:
    came, go_on = asyncio.Event(), threading.Event()

    def generate(prompt: str) -> Iterator[str]:
        yield "first"
        assert go_on.wait(LONG_S)
        yield "second"

    tokens: list[str] = []

    def emit(token: str) -> None:
        tokens.append(token)
        came.set()

    pouring = asyncio.create_task(Pouring(Adapter("x", User(generate))).pour(ask(), emit))
    await asyncio.wait_for(came.wait(), LONG_S)
    assert tokens == ["first"]  # while generate still waits
    go_on.set()
    await pouring
    assert tokens == ["first", "second"]


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("concurrent", [None, 1, 3])
async def test_how_many_calls_there_are_at_once(is_async: bool, concurrent: int | None) -> None:
    calls, most, lock = 0, 0, threading.Lock()
    wanted = concurrent or (5 if is_async else 1)
    all_in = threading.Event()

    def enter() -> None:
        nonlocal calls, most
        with lock:
            calls += 1
            most = max(most, calls)
            if calls == wanted:
                all_in.set()

    def leave() -> None:
        nonlocal calls
        with lock:
            calls -= 1

    def generate(prompt: str) -> str:
        enter()
        assert all_in.wait(LONG_S)
        leave()
        return "x"

    async def generate_async(prompt: str) -> str:
        enter()
        while not all_in.is_set():
            await asyncio.sleep(0)
        await asyncio.sleep(0.01)
        leave()
        return "x"

    user = User(generate_async if is_async else generate)
    if concurrent is not None:
        user.concurrent = concurrent  # type: ignore[attr-defined]
    pouring = Pouring(Adapter("x", user))
    await asyncio.gather(*(pouring.pour(ask(), lambda _: None) for _ in range(5)))
    assert most == wanted


async def test_a_client_that_leaves_ends_an_async_iterator_at_once() -> None:
    began, closed = asyncio.Event(), asyncio.Event()

    async def generate(prompt: str) -> AsyncIterator[str]:
        try:
            yield "first"
            began.set()
            await asyncio.sleep(LONG_S)
        finally:
            closed.set()

    pouring = Pouring(Adapter("x", User(generate))).pour(ask(), lambda _: None)
    task = asyncio.create_task(pouring)
    await asyncio.wait_for(began.wait(), LONG_S)
    task.cancel()
    await asyncio.wait_for(closed.wait(), LONG_S)


async def test_a_client_that_leaves_ends_a_generator_at_its_next_token() -> None:
    began, go_on, closed = asyncio.Event(), threading.Event(), threading.Event()
    yielded = 0

    def generate(prompt: str) -> Iterator[str]:
        nonlocal yielded
        try:
            while True:
                yielded += 1
                yield "x"
                assert go_on.wait(LONG_S)
        finally:
            closed.set()

    pouring = Pouring(Adapter("x", User(generate))).pour(ask(), lambda _: began.set())
    task = asyncio.create_task(pouring)
    await asyncio.wait_for(began.wait(), LONG_S)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    go_on.set()
    assert await asyncio.to_thread(closed.wait, LONG_S)
    assert yielded <= 2  # of the second it was told when it had begun it


async def test_a_call_that_waits_for_its_turn_is_dropped_with_its_client() -> None:
    prompts: list[str] = []
    go_on, began = threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def generate(prompt: str) -> str:
        prompts.append(prompt)
        loop.call_soon_threadsafe(began.set)
        assert go_on.wait(LONG_S)
        return "x"

    pouring = Pouring(Adapter("x", User(generate)))

    def pour(prompt: str) -> asyncio.Task[Spent]:
        return asyncio.create_task(pouring.pour(ask()._replace(prompt=prompt), lambda _: None))

    first = pour("first")
    await asyncio.wait_for(began.wait(), LONG_S)
    left, last = pour("left"), pour("last")
    await asyncio.sleep(0)
    left.cancel()
    await asyncio.wait([left], timeout=LONG_S)  # gone before the thread is free to take it up
    go_on.set()
    await asyncio.gather(first, last)
    assert prompts == ["first", "last"]
