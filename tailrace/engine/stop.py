"""Stop: the user's wish to end the run, in two steps.

The first signal asks for a drain: no new request starts, those in flight may finish. The second
asks to stop at once. Both still write everything that was measured.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import anyio


class Stop:
    """``level`` 0: go on, 1: drain, 2: now."""

    def __init__(self) -> None:
        self.level = 0
        self.reason: str | None = None
        """Why the run was aborted, where it was no signal."""
        self._changed = asyncio.Event()
        self._parent: Stop | None = None
        self._child: Stop | None = None

    def child(self) -> Stop:
        """For one level: it hears what this one is asked, and may be asked alone."""
        child = self._child = Stop()
        child.level, child._parent = self.level, self
        return child

    def ask(self) -> None:
        """One more signal."""
        self.level = min(self.level + 1, 2)
        self._changed.set()
        if self._child is not None and self._child.level < self.level:
            self._child.ask()

    def ask_once(self) -> None:
        """A signal that says no more when it comes again."""
        if not self.level:
            self.ask()

    def abort(self, reason: str) -> None:
        """A threshold of the scenario was passed: drain, and say why."""
        if self._parent is not None:
            self._parent.abort(reason)
        elif not self.level:
            self.reason = reason
            self.ask()

    async def wait(self, level: int) -> None:
        """Until the user has asked for at least ``level``."""
        while self.level < level:
            self._changed.clear()
            await self._changed.wait()


@contextlib.asynccontextmanager
async def until_asked(stop: Stop, level: int = 1) -> AsyncIterator[None]:
    """What is done inside is given up, without an error, once ``stop`` is asked for ``level``."""
    async with anyio.create_task_group() as group:

        async def give_up() -> None:
            await stop.wait(level)
            group.cancel_scope.cancel()

        group.start_soon(give_up)
        yield
        group.cancel_scope.cancel()


@contextlib.contextmanager
def signals_ask(stop: Stop) -> Iterator[None]:
    """Ctrl-C and SIGTERM (Windows: Ctrl-Break) ask ``stop`` while this is open, and so does the end
    of the terminal, as when ssh is cut, but for ``nohup``; needs a running loop.

    The end of a terminal is told twice, by the system and by the shell, and means it once.
    """
    loop = asyncio.get_running_loop()
    asks: dict[int, Callable[[], None]] = {signal.SIGINT: stop.ask, signal.SIGTERM: stop.ask}
    if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        asks[signal.SIGHUP] = stop.ask_once
    try:
        for number, ask in asks.items():
            loop.add_signal_handler(number, ask)
    except (NotImplementedError, RuntimeError, ValueError):  # Windows, or not the main thread
        with _plain_handlers(loop, stop):
            yield
        return
    try:
        yield
    finally:
        for number in asks:
            loop.remove_signal_handler(number)


@contextlib.contextmanager
def _plain_handlers(loop: asyncio.AbstractEventLoop, stop: Stop) -> Iterator[None]:
    def handler(number: int, frame: Any) -> None:
        loop.call_soon_threadsafe(stop.ask)

    names = ("SIGINT", "SIGTERM", "SIGBREAK")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before: list[tuple[int, Any]] = []
    with contextlib.suppress(ValueError):  # not the main thread: nobody can signal us here
        before = [(number, signal.signal(number, handler)) for number in numbers]
    try:
        yield
    finally:
        for number, was in before:
            signal.signal(number, was)
