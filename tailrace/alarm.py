"""Alarm: call back once at a time of perf_counter_ns, precisely and never early.

Rule: an alarm rings when perf_counter_ns has reached its time, never before. Linux wakes by a
timerfd; elsewhere the loop's timer wakes a margin before and the loop is yielded to until due.
Why: uvloop's timers are whole milliseconds and fire up to 0.92 ms early, and loop.time() is as
coarse. Those who pace (the engine's schedule, the simulated endpoint) get it from here.

The exception to the rule is CoarseAlarm, for what rings all day and must cost nothing in between.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import sys
import time
from collections.abc import Callable
from typing import Any, Protocol

_NEVER = 1 << 62
_TICK_WANTED_MS = 1


class Alarm(Protocol):
    """Something that calls back once, at or after a time."""

    def arm(self, due_ns: int) -> None:
        """Call back at `due_ns`, and forget any time set before."""

    def close(self) -> None:
        """Call back no more."""


class QuietAlarm(Alarm, Protocol):
    """An alarm that says how far off it may ring by itself."""

    error_ns: int


def make_alarm(
    loop: asyncio.AbstractEventLoop, fire: Callable[[], None], precise: bool | None = None
) -> Alarm:
    """The best alarm here; `precise` False asks for the portable one."""
    if precise is not False and sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError, NotImplementedError):
            return KernelAlarm(loop, fire)
    return LoopAlarm(loop, fire)


def make_quiet_alarm(loop: asyncio.AbstractEventLoop, fire: Callable[[], None]) -> QuietAlarm:
    """The best alarm here that costs nothing while it waits, for one that rings all day."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError, NotImplementedError):
            return KernelAlarm(loop, fire)
    return CoarseAlarm(loop, fire)


class KernelAlarm:
    """A timerfd on CLOCK_MONOTONIC, which is perf_counter_ns on Linux."""

    error_ns = 0

    def __init__(self, loop: asyncio.AbstractEventLoop, fire: Callable[[], None]) -> None:
        self._loop = loop
        self._fire = fire
        self._fd, self._set = _open_timer()
        try:
            loop.add_reader(self._fd, self._ring)
        except NotImplementedError:
            os.close(self._fd)
            raise

    def arm(self, due_ns: int) -> None:
        """Set the timer; a time gone by rings at once."""
        self._set(max(due_ns, 1))

    def close(self) -> None:
        """Close the descriptor."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            try:
                self._loop.remove_reader(fd)
            finally:
                os.close(fd)

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


class CoarseAlarm:
    """The loop's own timer as it is: it may ring `error_ns` early or late, and never spins.

    Windows counts time in steps of 15.6 ms until a program asks for shorter ones, as this does.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, fire: Callable[[], None]) -> None:
        self._loop = loop
        self._fire = fire
        self._handle: asyncio.TimerHandle | None = None
        self._asked = _ask_short_ticks()
        tick_ns = int(time.get_clock_info("monotonic").resolution * 1e9)
        self.error_ns = 2_000_000 if self._asked else max(tick_ns, 1_000_000)

    def arm(self, due_ns: int) -> None:
        """Set the time anew."""
        if self._handle is not None:
            self._handle.cancel()
        rest = max(due_ns - time.perf_counter_ns(), 0)
        self._handle = self._loop.call_later(rest / 1e9, self._ring)

    def close(self) -> None:
        """Cancel the wait, and let the system's clock tick as before."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        if self._asked:
            self._asked = False
            _winmm().timeEndPeriod(_TICK_WANTED_MS)

    def _ring(self) -> None:
        self._handle = None
        self._fire()


def _ask_short_ticks() -> bool:
    """Whether this system had to be asked for ticks of 1 ms, and granted them."""
    if sys.platform != "win32":
        return False
    try:
        return bool(_winmm().timeBeginPeriod(_TICK_WANTED_MS) == 0)
    except (OSError, AttributeError):
        return False


def _winmm() -> Any:
    native: Any = ctypes
    return native.windll.winmm
