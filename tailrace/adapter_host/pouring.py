"""Pouring: one call of ``generate``, and each token that comes of it handed on when it comes.

``generate`` may return a text, or be a generator, an async function or an async iterator. What is
not async runs in the adapter's threads, ``concurrent`` calls at a time, which is 1 unless it says
otherwise; a call that waits for its turn is a request that waits, as in any server. What is async
runs on the loop, all calls at once unless it says ``concurrent``.

Rule: a client that leaves ends its call: an async iterator at once, a generator at its next token.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterable, Iterator
from contextlib import AsyncExitStack, contextmanager
from threading import Event
from typing import Any, NamedTuple

from tailrace.adapter_host.adapter import Adapter, AdapterError
from tailrace.adapter_host.asks import Ask

Emit = Callable[[str], object]
"""Takes a token, on the loop."""


class Spent(NamedTuple):
    """What an answer took, as far as it is known."""

    prompt_tokens: int | None
    completion_tokens: int | None
    """Tokens that were yielded; of a text that came whole by ``count_tokens``."""
    cut: bool = False
    """It had as many tokens as were asked for."""


class Pouring:
    """The calls of one adapter."""

    def __init__(self, adapter: Adapter) -> None:
        self._adapter = adapter
        self._loop = asyncio.get_running_loop()
        self._gate = None if adapter.concurrent is None else asyncio.Semaphore(adapter.concurrent)

    async def pour(self, ask: Ask, emit: Emit) -> Spent:
        """Answer; raises AdapterError for whatever goes wrong in the user's code."""
        call = _Call(self._adapter, ask)
        if self._adapter.is_async:
            async with AsyncExitStack() as stack:
                if self._gate is not None:
                    await stack.enter_async_context(self._gate)
                return await call.on_loop(call.begin(), emit)

        def emit_from_thread(token: str) -> None:
            self._loop.call_soon_threadsafe(emit, token)

        pool = self._adapter.pool
        try:
            spent = await self._loop.run_in_executor(pool, call.in_thread, emit_from_thread)
        finally:
            call.left.set()
        return spent if isinstance(spent, Spent) else await call.on_loop(spent, emit)


class _Call:
    """One call and its count."""

    def __init__(self, adapter: Adapter, ask: Ask) -> None:
        self._adapter = adapter
        self._ask = ask
        self.left = Event()
        """The client does not wait any more."""
        self._tokens = 0

    def begin(self) -> Any:
        """Call ``generate``."""
        with self._told():
            return self._adapter.generate(self._ask.prompt, self._ask.params)

    def in_thread(self, emit: Emit) -> Any:
        """All of a call that is not async; what the loop goes on with of one that turns out so."""
        if self.left.is_set():
            return Spent(None, None)
        result = self.begin()
        if inspect.isawaitable(result) or hasattr(result, "__aiter__"):
            return result
        with self._told():
            return self._settle(result, emit)

    async def on_loop(self, result: Any, emit: Emit) -> Spent:
        """All of a call that is async."""
        with self._told():
            while inspect.isawaitable(result):
                result = await result
            if not hasattr(result, "__aiter__"):
                return self._settle(result, emit)
            tokens = aiter(result)
            try:
                async for token in tokens:
                    if self._is_enough(token, emit):
                        break
            finally:
                if (close := getattr(tokens, "aclose", None)) is not None:
                    await close()
            return self._spent(self._tokens)

    def _settle(self, result: Any, emit: Emit) -> Spent:
        """A text, or tokens that are not async."""
        if isinstance(result, str):
            emit(result)
            count = self._adapter.count_tokens
            return self._spent(None if count is None else count(result))
        if not isinstance(result, Iterable):
            raise AdapterError(
                f"adapter {self._adapter.name!r} returned {_kind(result)} from generate, not a "
                "text or an iterator of texts"
            )
        tokens: Iterator[Any] = iter(result)
        try:
            for token in tokens:
                if self._is_enough(token, emit) or self.left.is_set():
                    break
        finally:
            if (close := getattr(tokens, "close", None)) is not None:
                close()
        return self._spent(self._tokens)

    def _is_enough(self, token: Any, emit: Emit) -> bool:
        """Hand a token on; whether it was the last that is wanted."""
        if not isinstance(token, str):
            raise AdapterError(
                f"adapter {self._adapter.name!r} yielded {_kind(token)} from generate, not a text"
            )
        self._tokens += 1
        emit(token)
        return self._tokens == self._ask.limit

    def _spent(self, tokens: int | None) -> Spent:
        count = self._adapter.count_tokens
        asked = None if count is None else count(self._ask.prompt)
        return Spent(asked, tokens, self._tokens == self._ask.limit)

    @contextmanager
    def _told(self) -> Iterator[None]:
        with self._adapter.told("failed in generate"):
            yield


def _kind(value: Any) -> str:
    return f"a value of type {type(value).__name__}"
