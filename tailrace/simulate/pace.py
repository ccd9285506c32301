"""One heap of due times for every stream, woken precisely and never early.

Rule: a step runs when perf_counter_ns has reached its due time, never before. Linux wakes by a
timerfd; elsewhere the loop's timer wakes a margin before and the loop is yielded to until due.
Why: uvloop's timers are whole milliseconds and fire up to 0.92 ms early, and loop.time() is as
coarse; a task for each stream would cost a wake-up through the loop for each chunk.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import sys
import time
from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any, Protocol

Step = Callable[[], int]
"""What is due: it runs, and returns when it is due again, or 0 for never."""

BATCH = 64
_NEVER = 1 << 62


class Alarm(Protocol):
    """Something that calls back once, at or after a time."""

    def arm(self, due_ns: int) -> None:
        """Call back at `due_ns`, and forget any time set before."""

    def close(self) -> None:
        """Call back no more."""


class Pace:
    """The heap. Steps due at the same time run in the order they were added."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *, precise: bool | None = None) -> None:
        self._heap: list[tuple[int, int, Step]] = []
        self._seq = 0
        self._armed = _NEVER
        self._alarm = make_alarm(loop, self._fire, precise)

    def add(self, due_ns: int, step: Step) -> None:
        """Run `step` at `due_ns`, or as soon after as the loop allows."""
        self._seq += 1
        heappush(self._heap, (due_ns, self._seq, step))
        if due_ns < self._armed:
            self._armed = due_ns
            self._alarm.arm(due_ns)

    def close(self) -> None:
        """Forget every step."""
        self._alarm.close()
        self._heap.clear()

    def _fire(self) -> None:
        """Run a batch of what is due; between batches the loop reads its sockets."""
        heap = self._heap
        now = time.perf_counter_ns()
        self._armed = -1
        try:
            for _ in range(BATCH):
                if not heap or heap[0][0] > now:
                    break
                step = heappop(heap)[2]
                again = step()
                if again:
                    self._seq += 1
                    heappush(heap, (again, self._seq, step))
        finally:
            self._armed = heap[0][0] if heap else _NEVER
            if heap:
                self._alarm.arm(self._armed)


def make_alarm(
    loop: asyncio.AbstractEventLoop, fire: Callable[[], None], precise: bool | None = None
) -> Alarm:
    """The best alarm here; `precise` False asks for the portable one."""
    if precise is not False and sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError, NotImplementedError):
            return KernelAlarm(loop, fire)
    return LoopAlarm(loop, fire)


class KernelAlarm:
    """A timerfd on CLOCK_MONOTONIC, which is perf_counter_ns on Linux."""

    def __init__(self, loop: asyncio.AbstractEventLoop, fire: Callable[[], None]) -> None:
        self._loop = loop
        self._fire = fire
        self._fd, self._set = _open_timer()
        loop.add_reader(self._fd, self._ring)

    def arm(self, due_ns: int) -> None:
        """Set the timer; a time gone by rings at once."""
        self._set(max(due_ns, 1))

    def close(self) -> None:
        """Close the descriptor."""
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1

    def _ring(self) -> None:
        try:
            os.read(self._fd, 8)
        except BlockingIOError:
            return
        self._fire()


class _TimeSpec(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_long) for name in ("interval_s", "interval_ns", "value_s", "value_ns")
    )


def _open_timer() -> tuple[int, Callable[[int], None]]:
    """A non-blocking timerfd and the function that sets it to an absolute time."""
    native: Any = getattr(os, "timerfd_settime_ns", None)
    if native is not None:
        any_os: Any = os
        fd: int = any_os.timerfd_create(
            time.CLOCK_MONOTONIC, flags=any_os.TFD_NONBLOCK | any_os.TFD_CLOEXEC
        )
        flags = any_os.TFD_TIMER_ABSTIME
        return fd, lambda due_ns: native(fd, flags=flags, initial=due_ns)
    return _open_libc_timer()


def _open_libc_timer() -> tuple[int, Callable[[int], None]]:
    libc = ctypes.CDLL(None, use_errno=True)
    settime = libc.timerfd_settime
    fd: int = libc.timerfd_create(time.CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
    if fd < 0:
        raise OSError(ctypes.get_errno(), "timerfd_create")
    spec = _TimeSpec()
    where = ctypes.byref(spec)

    def set_timer(due_ns: int) -> None:
        spec.value_s, spec.value_ns = divmod(due_ns, 1_000_000_000)
        if settime(fd, 1, where, None) < 0:
            raise OSError(ctypes.get_errno(), "timerfd_settime")

    return fd, set_timer


class LoopAlarm:
    """The loop's own timer to a margin before, then one turn of the loop after another."""

    def __init__(self, loop: asyncio.AbstractEventLoop, fire: Callable[[], None]) -> None:
        self._loop = loop
        self._fire = fire
        self._due = _NEVER
        self._handle: asyncio.Handle | None = None
        tick = time.get_clock_info("monotonic").resolution
        self._margin = 1_500_000 if tick < 0.001 else int(tick * 1e9) + 1_500_000

    def arm(self, due_ns: int) -> None:
        """Set the time anew."""
        self.close()
        self._due = due_ns
        self._wait(time.perf_counter_ns())

    def close(self) -> None:
        """Cancel the wait."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _wait(self, now: int) -> None:
        rest = self._due - now - self._margin
        if rest > 0:
            self._handle = self._loop.call_later(rest / 1e9, self._look)
        else:
            self._handle = self._loop.call_soon(self._look)

    def _look(self) -> None:
        now = time.perf_counter_ns()
        if now < self._due:
            self._wait(now)
        else:
            self._handle = None
            self._fire()
