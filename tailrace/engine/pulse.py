"""Pulse: the client's own health while a stage is measured.

Rule: the pulse never raises into the run, and never waits; what it cannot know it leaves ``None``.
Every 10 ms an alarm is due, and how late it really runs is how late any stamp taken on this loop
may have been (jHiccup's method). Once a second the same tick looks at the CPU and the clocks.
Why: a client that is busy with itself reports its own delays as the server's, and only the client
can see that.

Cost (``python bench/pulse.py``; Linux in a virtual machine of two cores, Python 3.11, uvloop): 0.2
CPU-ms a second on a busy loop; 11 on an idle one, of which a timer that does nothing takes 10.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import time
from collections import Counter
from pathlib import Path

from tailrace.alarm import KernelAlarm, QuietAlarm, make_quiet_alarm
from tailrace.engine.clock import now_ns
from tailrace.engine.gauges import PERIOD_NS, WINDOW_NS, ClockWatch, CpuWindows, Hiccups, Lengths
from tailrace.engine.vitals import limit_files, read_vitals, toll
from tailrace.results.pulse_facts import PulseFacts
from tailrace.results.spread import spread_of

BATCH = 1000
"""Values kept before they go into a histogram: 10 s of them, then some 60 us at once."""


class Pulse:
    """One for a run; ``begin`` and ``end`` frame each stage, on the loop's thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._beat: _Beat | None = None
        self._none = PulseFacts()
        self._limits = limit_files()
        read_vitals(self._limits)  # what it imports shall not be loaded in a stage

    def begin(self) -> None:
        """Start afresh; what an earlier stage left is forgotten."""
        self.end()
        self._beat, self._none = None, PulseFacts()
        try:
            self._beat = _Beat(self._loop, self._limits)
        except Exception as problem:
            self._none.problem = _sentence(problem)
            return
        self._beat.start()

    def end(self) -> None:
        """Stop; nothing happens when it is not running."""
        if self._beat is not None:
            self._beat.stop()

    def report(self) -> PulseFacts:
        """The stage's facts, after ``end``; empty ones before the first. Takes milliseconds."""
        return self._none if self._beat is None else self._beat.report()

    def so_far(self) -> PulseFacts:
        """The facts of the stage under way, without histograms. Some 0.6 ms."""
        return self._none if self._beat is None else self._beat.so_far()


class _Beat:
    """One stage of the pulse: started once, stopped once."""

    def __init__(self, loop: asyncio.AbstractEventLoop, limits: list[Path]) -> None:
        self._loop = loop
        self._limits = limits
        self._alarm: QuietAlarm | None = None
        self._running = False
        self._collections = _Collections()
        self._facts = PulseFacts(period_ns=PERIOD_NS)
        coarse_ns = 2 * int(time.get_clock_info("time").resolution * 1e9)
        self._before = read_vitals(limits)
        self._clocks = ClockWatch(*read_clocks(), coarse_ns)
        self._began_ns = now = now_ns()
        self._cpu = CpuWindows(now, time.process_time_ns())
        self._hiccups = Hiccups(now)
        self._look_ns = now + WINDOW_NS

    def start(self) -> None:
        self._running = True
        gc.callbacks.append(self._collections.note)
        try:
            alarm = self._alarm = make_quiet_alarm(self._loop, self._tick)
            self._facts.alarm = "timerfd" if isinstance(alarm, KernelAlarm) else "loop timer"
            self._facts.alarm_error_ns = alarm.error_ns
            alarm.arm(self._hiccups.due_ns)
        except Exception as problem:
            self._fail(problem)

    def _tick(self) -> None:
        if not self._running or self._alarm is None:
            return
        try:
            now = now_ns()
            due_ns = self._hiccups.note(now)
            if now >= self._look_ns:
                self._look(now)
            self._alarm.arm(due_ns)
        except Exception as problem:
            self._fail(problem)

    def _look(self, now: int) -> None:
        """What is looked at once a second."""
        self._look_ns = now + WINDOW_NS
        self._cpu.note(now, time.process_time_ns())
        self._clocks.note(*read_clocks())
        self._hiccups.late.settle(BATCH)
        self._collections.lengths.settle(BATCH)

    def _fail(self, problem: Exception) -> None:
        self._facts.problem = self._facts.problem or _sentence(problem)
        self.stop()

    def stop(self) -> None:
        if not self._running:
            return
        self._running = False
        try:
            self._finish(now_ns())
        except Exception as problem:
            self._fail(problem)
        if self._alarm is not None:
            with contextlib.suppress(Exception):
                self._alarm.close()
        gc.callbacks.remove(self._collections.note)

    def _finish(self, now: int) -> None:
        """The last look; a hiccup that lasts until now has not been seen by any tick."""
        self._take_toll(now)
        if now >= self._hiccups.due_ns:
            self._hiccups.note(now)
        self._look(now)

    def _take_toll(self, now: int) -> None:
        self._facts.wall_ns = now - self._began_ns
        for name, value in toll(self._before, read_vitals(self._limits))._asdict().items():
            setattr(self._facts, name, value)

    def report(self) -> PulseFacts:
        self.stop()
        return self._tell(encoded=True)

    def so_far(self) -> PulseFacts:
        if self._running:
            self._take_toll(now_ns())
        return self._tell(encoded=False)

    def _tell(self, encoded: bool) -> PulseFacts:
        facts, collections = self._facts, self._collections
        facts.hiccups = spread_of(self._hiccups.late.settle(), encoded)
        facts.gc_pauses = spread_of(collections.lengths.settle(), encoded)
        facts.gc_total_ns = collections.total_ns
        facts.gc_runs = {str(generation): n for generation, n in sorted(collections.runs.items())}
        windows = sorted(self._cpu.windows_ns.items())
        facts.cpu_windows_ns = {str(percent): length_ns for percent, length_ns in windows}
        facts.cpu_peak = self._cpu.peak
        facts.clock_drift_ppm = self._clocks.drift_ppm
        facts.clock_steps = self._clocks.steps
        facts.clock_largest_step_ns = self._clocks.largest_step_ns
        return facts


def _sentence(problem: Exception) -> str:
    return f"{type(problem).__name__}: {problem}".rstrip(": ")


class _Collections:
    """The garbage collector's pauses."""

    __slots__ = ("_began_ns", "lengths", "runs", "total_ns")

    def __init__(self) -> None:
        self._began_ns = 0
        self.lengths = Lengths()
        self.runs: Counter[int] = Counter()
        self.total_ns = 0

    def note(self, phase: str, info: dict[str, int]) -> None:
        """Called by the collector, from whichever thread set it off."""
        if phase == "start":
            self._began_ns = now_ns()
        elif self._began_ns:
            length = now_ns() - self._began_ns
            self._began_ns = 0
            self.lengths.add(length)
            self.total_ns += length
            self.runs[info["generation"]] += 1


def read_clocks() -> tuple[int, int, int]:
    """(perf_counter_ns, wall time less that, by how much it may be off): the best of three."""
    best = (0, 0, 1 << 62)
    for _ in range(3):
        before = now_ns()
        wall = time.time_ns()
        after = now_ns()
        middle = (before + after) // 2
        if after - before < best[2]:
            best = (middle, wall - middle, after - before)
    return best
