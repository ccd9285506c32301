"""Gauges: what the pulse makes of the times it is given: hiccups, CPU windows, clock steps. Pure.

Rule: a gauge is given stamps and keeps counts; a value once noted is never lost, and adding to a
histogram is done in batches. Why: so the arithmetic is tested with tables, and a tick costs
microseconds.
"""

from __future__ import annotations

from array import array
from collections import Counter

from tailrace.results.hist import Hist

PERIOD_NS = 10_000_000
WINDOW_NS = 1_000_000_000

STEP_NS = 1_000_000
STEADY_PPM = 1000
"""A clock may be slewed by up to 500 ppm on purpose; twice that over a longer wait is no step."""
DOUBT_PPM = 100
"""A drift that cannot be told from how coarse the clock is, to this, is not told."""


class Lengths:
    """Durations, kept in a plain array until there are enough for a histogram."""

    __slots__ = ("_hist", "_recent", "add", "extend")

    def __init__(self) -> None:
        self._hist = Hist()
        self._renew()

    def _renew(self) -> None:
        self._recent = array("q")
        self.add = self._recent.append
        self.extend = self._recent.extend

    def settle(self, at_least: int = 1) -> Hist:
        """Bring the histogram up to date, if there are so many to add.

        The array is replaced first: a garbage collection in the midst of adding adds one more.
        """
        if len(self._recent) >= at_least:
            taken = self._recent
            self._renew()
            self._hist.add_many(taken)
        return self._hist


class Hiccups:
    """How late each look was; one value for each time that was due, looked at or missed."""

    __slots__ = ("due_ns", "late")

    def __init__(self, now: int) -> None:
        self.due_ns = now + PERIOD_NS
        self.late = Lengths()

    def note(self, now: int) -> int:
        """A look at ``now``; returns when the next is due. An early one is not late."""
        late = now - self.due_ns
        if late < PERIOD_NS:
            self.late.add(max(late, 0))
            self.due_ns += PERIOD_NS
        else:
            missed = range(late, -1, -PERIOD_NS)
            self.late.extend(missed)
            self.due_ns += len(missed) * PERIOD_NS
        return self.due_ns


class CpuWindows:
    """CPU time in windows of a second or more, in whole per cent of one core."""

    __slots__ = ("_at_ns", "_cpu_ns", "peak", "windows_ns")

    def __init__(self, now: int, cpu_ns: int) -> None:
        self._at_ns, self._cpu_ns = now, cpu_ns
        self.peak: float | None = None
        self.windows_ns: Counter[int] = Counter()

    def note(self, now: int, cpu_ns: int) -> None:
        """Close the window that ends now; one that is too short goes on."""
        length = now - self._at_ns
        if length < WINDOW_NS:
            return
        used = (cpu_ns - self._cpu_ns) / length
        self._at_ns, self._cpu_ns = now, cpu_ns
        self.windows_ns[int(100 * used)] += length
        self.peak = round(max(used, self.peak or 0.0), 4)


class ClockWatch:
    """The wall clock against the monotonic one: what it drifts, and when it jumps.

    ``doubt_ns``: how far apart the clocks were read; ``coarse_ns``: how coarse the wall clock is.
    """

    __slots__ = (
        "_coarse_ns",
        "_doubt_ns",
        "_offset_ns",
        "_perf_ns",
        "_steady_ns",
        "_strayed_ns",
        "largest_step_ns",
        "steps",
    )

    def __init__(self, perf_ns: int, offset_ns: int, doubt_ns: int, coarse_ns: int = 0) -> None:
        self._coarse_ns = coarse_ns
        self._perf_ns, self._offset_ns, self._doubt_ns = perf_ns, offset_ns, doubt_ns
        self._steady_ns = self._strayed_ns = 0
        self.steps = self.largest_step_ns = 0

    def note(self, perf_ns: int, offset_ns: int, doubt_ns: int) -> None:
        """Both clocks once more: the monotonic, the wall clock less that, and the doubt."""
        passed, change = perf_ns - self._perf_ns, offset_ns - self._offset_ns
        self._perf_ns, self._offset_ns = perf_ns, offset_ns
        self._doubt_ns = max(self._doubt_ns, doubt_ns)
        allowed = max(STEP_NS, passed * STEADY_PPM // 1_000_000, self._coarse_ns)
        if abs(change) > allowed + doubt_ns:
            self.steps += 1
            self.largest_step_ns = max(self.largest_step_ns, change, key=abs)
        else:
            self._steady_ns += passed
            self._strayed_ns += change

    @property
    def drift_ppm(self) -> float | None:
        """Positive when the wall clock is the faster; None when too short to tell."""
        doubt_ns = 2 * self._doubt_ns + self._coarse_ns
        if self._steady_ns <= 0 or doubt_ns * 1_000_000 > DOUBT_PPM * self._steady_ns:
            return None
        return round(self._strayed_ns * 1e6 / self._steady_ns, 2)
