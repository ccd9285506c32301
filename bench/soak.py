"""Soak: does anything grow while tailrace runs for long, with faults and lost connections?

    python bench/soak.py --minutes 60

A closed and an open loop, each a process, ask nine scripted endpoints at once. All but one of these
strike every fifth request with a fault of their own: errors, breaks, silence, closed connections.
Every ten seconds each loop notes its resident memory, open files, tasks, and the objects that the
garbage collector knows of, those that wait for it among them.

Rule: a line is fitted to what comes after the first fifth, when everything has been used once. A
series leaks when its slope less three standard errors is above what is allowed an hour. Then the
exit code is 1.

Why the open loop begins with a rush: a pool has as many connections as were ever in use at once,
and so has the allocator's memory. The highest of many random peaks comes late, and would look like
growth; after a rush of five times the rate it is behind. That takes some 10,000 requests of each
loop, so a shorter run than LEAST_MINUTES says nothing and is refused.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import psutil
from harness import endpoint, table

from tailrace.display import Quiet
from tailrace.engine.clock import now_ns
from tailrace.results.render.live import Snapshot
from tailrace.runner import run_scenario
from tailrace.scenarios.model import Level, Scenario, Think
from tailrace.scenarios.rates import Arrivals, parse_rates
from tailrace.scenarios.reach import Reach
from tailrace.simulate import Script

MS = 1_000_000
FAULTS = (
    *("http_500", "error_event", "truncated", "reset", "stall", "garbage_json"),
    *("close_idle", "connection_close"),
)
LOADS = ("closed", "open")
LEAST_MINUTES = 20.0
PER_S = 20
"""Arrivals of the open loop."""
RUSH = 5
"""Times as many in the first tenth."""
ALLOWED = {"RSS MB": 4.0, "fds": 6.0, "tasks": 6.0, "objects": 500.0}
"""Growth an hour that is none: an allocator's, or a load's own breath."""
ERRORS = 3.0
SHOWN = 12


class Note(NamedTuple):
    """What a loop's process held at a moment."""

    at_s: float
    rss_mb: float
    fds: int
    tasks: int
    objects: int


class Notes(Quiet):
    """A display that takes notes instead, one a line, for the process above."""

    def __init__(self, every_s: float) -> None:
        self.interval_s = every_s
        self._process = psutil.Process()
        self._began_ns = now_ns()

    def show(self, snapshot: Snapshot | None) -> None:
        """Called on the loop's own thread, so that its tasks can be counted."""
        if snapshot is None:
            return
        objects = len(gc.get_objects())
        rss_mb = self._process.memory_info().rss / 1e6
        at_s = (now_ns() - self._began_ns) / 1e9
        note = Note(at_s, rss_mb, self._process.num_fds(), len(asyncio.all_tasks()), objects)
        print(json.dumps(note), flush=True)


def scenario(load: str, urls: Sequence[str], seconds: float) -> Scenario:
    """Some tens of requests a second, over all endpoints; a stalled answer is given up soon."""
    if load == "closed":
        level = Level(18, 0.0, seconds, None, think=Think(0.2, "exponential"))
    else:
        (phases,) = parse_rates(f"{RUSH * PER_S} for {seconds / 10:g}s; {PER_S}")
        level = Level(None, 0.0, seconds, None, arrivals=Arrivals(phases, "poisson"))
    return Scenario(
        base_url=urls[0],
        models=("sim",),
        levels=(level,),
        max_tokens=32,
        idle_timeout_s=2.0,
        drain_s=5.0,
        reach=Reach(more_urls=tuple(urls[1:])),
    )


def hold(load: str, urls: Sequence[str], seconds: float, every_s: float) -> None:
    """In the loop's process: the load, and its notes on standard output."""
    with tempfile.TemporaryDirectory(prefix="tailrace-soak-") as out:
        run_scenario(scenario(load, urls, seconds), Path(out), load, (), Notes(every_s))


def soaked(seconds: float, every_s: float) -> dict[str, list[Note]]:
    """The notes of both loops."""
    with contextlib.ExitStack() as stack:
        script = {"ttft_ns": 50 * MS, "gap_ns": 5 * MS, "tokens": 32, "truth_limit": 0}
        urls = [stack.enter_context(endpoint(Script(**script)))]
        for fault in FAULTS:
            broken = Script(fault=fault, fault_every=5, fault_from=5, **script)
            urls.append(stack.enter_context(endpoint(broken)))
        common = [sys.executable, __file__, "--seconds", str(seconds), "--every", str(every_s)]
        children = {
            load: subprocess.Popen([*common, "--hold", load, *urls], stdout=subprocess.PIPE)
            for load in LOADS
        }
        said = {load: child.communicate()[0] for load, child in children.items()}
    for load, child in children.items():
        if child.returncode:
            print(f"the {load} loop ended with {child.returncode}", file=sys.stderr)
    return {
        load: [Note(*json.loads(line)) for line in out.splitlines()] for load, out in said.items()
    }


class Slope(NamedTuple):
    """Growth an hour, and its standard error."""

    per_hour: float
    error: float


def slope(times_s: Sequence[float], values: Sequence[float]) -> Slope:
    """Least squares; the error is that of independent values."""
    n = len(times_s)
    if n < 3:
        raise ValueError(f"{n} notes are too few for a line; soak longer, or note more often")
    mean_t, mean_v = sum(times_s) / n, sum(values) / n
    spread = sum((t - mean_t) ** 2 for t in times_s)
    steep = sum((t - mean_t) * (v - mean_v) for t, v in zip(times_s, values, strict=True)) / spread
    rests = [v - mean_v - steep * (t - mean_t) for t, v in zip(times_s, values, strict=True)]
    error = (sum(rest * rest for rest in rests) / (n - 2) / spread) ** 0.5
    return Slope(steep * 3600, error * 3600)


def settled(notes: Sequence[Note]) -> list[Note]:
    """Those after the first fifth."""
    return [note for note in notes if note.at_s >= notes[-1].at_s / 5]


def verdicts(notes: Sequence[Note]) -> list[tuple[str, Slope, bool]]:
    """(series, slope, whether it leaks)."""
    late = settled(notes)
    found = []
    for place, (name, allowed) in enumerate(ALLOWED.items(), 1):
        grown = slope([note.at_s for note in late], [note[place] for note in late])
        found.append((name, grown, grown.per_hour - ERRORS * grown.error > allowed))
    return found


def report(found: dict[str, list[Note]]) -> int:
    """Print both loops; returns the exit code."""
    leaks = 0
    for load, notes in found.items():
        step = max(1, len(notes) // SHOWN)
        shown = [*notes[:-1:step], notes[-1]]
        rows = [[f"{n.at_s:.0f}", f"{n.rss_mb:.1f}", *map(str, n[2:])] for n in shown]
        print(f"{load} loop, {len(notes)} notes\n\n{table(('s', *ALLOWED), rows)}\n")
        for name, grown, leaking in verdicts(notes):
            leaks += leaking
            word = "LEAKS" if leaking else "flat"
            print(f"{name}: {grown.per_hour:+.2f} ± {grown.error:.2f} an hour, {word}")
        print()
    return 1 if leaks else 0


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--every", type=float, default=10.0, help="seconds between two notes")
    parser.add_argument("--seconds", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--hold", nargs="+", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.hold:
        hold(args.hold[0], args.hold[1:], args.seconds, args.every)
        return 0
    if args.minutes < LEAST_MINUTES:
        parser.error(f"--minutes {args.minutes:g} is too short: it takes {LEAST_MINUTES:g}")
    return report(soaked(args.minutes * 60, args.every))


if __name__ == "__main__":
    sys.exit(main())
