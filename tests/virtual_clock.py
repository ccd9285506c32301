"""An event loop whose time is a whole number of nanoseconds that jumps from one timer to the next.

Rule: time stands still while there is anything to do, and then is the next timer's, exactly. So an
hour takes as long as its callbacks do, and what a law says of times holds to the nanosecond.
Why: on a real clock a queue can only be compared with theory about as well as the machine is idle.

Nothing outside the loop can wake it: no sockets, no threads. (The idea is trio's MockClock.)
"""

from __future__ import annotations

import asyncio
import contextlib
import selectors
import sys
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar
from unittest.mock import patch

from tailrace import alarm
from tailrace.engine import clock

T = TypeVar("T")

_REAL = {"now_ns": clock.now_ns, "make_alarm": alarm.make_alarm}


def run_virtually(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run it on a new virtual loop that begins at 0; the engine's clock and alarms follow it."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, VirtualLoop)
        with engine_follows(loop):
            return runner.run(main())


async def sleep_ns(duration_ns: int) -> None:
    """Exact on a virtual loop, where a float of seconds is good to 0.01 ns for a day."""
    await asyncio.sleep(duration_ns / 1e9)


class VirtualLoop(asyncio.SelectorEventLoop):
    """asyncio's own loop, but for the time."""

    def __init__(self) -> None:
        self._virtual = _Jump()
        super().__init__(self._virtual)
        self._clock_resolution = 1e-10  # else a timer is let run with one a nanosecond before

    def now_ns(self) -> int:
        """Nanoseconds since the loop was made."""
        return self._virtual.at_ns

    def time(self) -> float:
        """The same in seconds, for the loop's own timers."""
        return self._virtual.at_ns / 1e9

    def stand_still(self, length_ns: int) -> None:
        """To be called by a callback that would take so long."""
        self._virtual.at_ns += length_ns


class _Jump(selectors.SelectSelector):
    """Instead of waiting for so long, it is so much later."""

    at_ns = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("every task waits for something that will never happen")
        self.at_ns += round(max(timeout, 0.0) * 1e9)
        return []


class VirtualAlarm:
    """See alarm.Alarm; it rings in the very nanosecond."""

    def __init__(self, loop: asyncio.AbstractEventLoop, fire: Callable[[], None]) -> None:
        self._loop = loop
        self._fire = fire
        self._handle: asyncio.TimerHandle | None = None

    def arm(self, due_ns: int) -> None:
        self.close()
        self._handle = self._loop.call_at(due_ns / 1e9, self._fire)

    def close(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None


@contextlib.contextmanager
def engine_follows(loop: VirtualLoop) -> Iterator[None]:
    """Put this loop's time wherever a module of tailrace holds the real clock or alarm by name."""
    virtual = {"now_ns": loop.now_ns, "make_alarm": VirtualAlarm}
    with contextlib.ExitStack() as patches:
        for name, module in list(sys.modules.items()):
            for held, real in _REAL.items():
                if name.startswith("tailrace.") and vars(module).get(held) is real:
                    patches.enter_context(patch.object(module, held, virtual[held]))
        yield
