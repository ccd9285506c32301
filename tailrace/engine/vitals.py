"""Vitals: what the system says of this process and its machine at one moment, and the difference.

Rule: each figure is read on its own, and is ``None`` where the system does not tell it; nothing
here raises. Why: a load generator that is starved of CPU measures its own machine, and the signs
of that differ from system to system.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

ROOT = Path("/")

Throttling = tuple[int, int]
"""(periods stopped, ns stopped), counted since the group was made."""


class Machine(NamedTuple):
    """Seconds of all cores since boot."""

    total: float
    busy: float
    steal: float | None


class Vitals(NamedTuple):
    """Counters that only grow; two of them make a ``Toll``."""

    cpu_ns: int
    switches: int | None
    machine: Machine | None
    throttling: dict[Path, Throttling]


class Toll(NamedTuple):
    """What was spent and lost between two moments; the names are those of ``PulseFacts``."""

    cpu_ns: int
    switches_involuntary: int | None
    machine_busy: float | None
    machine_steal: float | None
    throttled: int | None
    throttled_ns: int | None


def read_vitals(limits: Iterable[Path]) -> Vitals:
    """Read them all; ``limits`` from ``limit_files``. Some 0.1 ms."""
    throttling = {path: found for path in limits if (found := _throttling(path)) is not None}
    return Vitals(time.process_time_ns(), _switches(), _machine(), throttling)


def toll(before: Vitals, after: Vitals) -> Toll:
    """The difference. Of nested groups the one that was stopped longest counts."""
    busy, steal = _shares(before.machine, after.machine)
    stops = [
        (now[1] - before.throttling[path][1], now[0] - before.throttling[path][0])
        for path, now in after.throttling.items()
        if path in before.throttling
    ]
    throttled_ns, throttled = max(stops) if stops else (None, None)
    switches = None
    if before.switches is not None and after.switches is not None:
        switches = after.switches - before.switches
    return Toll(after.cpu_ns - before.cpu_ns, switches, busy, steal, throttled, throttled_ns)


def _shares(before: Machine | None, after: Machine | None) -> tuple[float | None, float | None]:
    """(busy, steal) as shares of the cores' time; a counter that went back counts nothing."""
    if before is None or after is None or after.total <= before.total:
        return None, None
    total = after.total - before.total
    busy = min(max(after.busy - before.busy, 0.0) / total, 1.0)
    if before.steal is None or after.steal is None:
        return round(busy, 6), None
    return round(busy, 6), round(min(max(after.steal - before.steal, 0.0) / total, 1.0), 6)


def _machine() -> Machine | None:
    """Linux counts a guest's time in ``user`` as well, so it is taken out of the total."""
    try:
        import psutil

        times = psutil.cpu_times()._asdict()
    except (ImportError, OSError, RuntimeError, ValueError, AttributeError):
        return None
    total = sum(times.values()) - times.get("guest", 0.0) - times.get("guest_nice", 0.0)
    steal = times.get("steal")
    idle = times.get("idle", 0.0) + times.get("iowait", 0.0) + (steal or 0.0)
    return Machine(total, total - idle, steal)


def _switches() -> int | None:
    if sys.platform == "win32":
        return None
    try:
        import resource
    except ImportError:
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw


def limit_files(root: Path = ROOT) -> list[Path]:
    """The ``cpu.stat`` of every cgroup that can stop this process: its own and those around it.

    A container often sees its own group as the root, under another name than the kernel tells it,
    so each name that exists is taken, up to the root.
    """
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return []
    paths = (path for line in lines for path in _candidates(root, line))
    return [path for path in dict.fromkeys(paths) if _throttling(path) is not None]


def _candidates(root: Path, line: str) -> Iterator[Path]:
    """Where a line of ``/proc/self/cgroup`` (``id:controllers:path``) may lead; v2 has no names."""
    _, _, rest = line.partition(":")
    controllers, _, name = rest.partition(":")
    if controllers and "cpu" not in controllers.split(","):
        return
    mounts = (controllers, "cpu,cpuacct", "cpu") if controllers else ("", "unified")
    group = PurePosixPath("/" + name.strip("/"))
    for mount in mounts:
        for level in (group, *group.parents):
            if ".." not in level.parts:
                yield root / "sys/fs/cgroup" / mount / level.relative_to("/") / "cpu.stat"


def _throttling(path: Path) -> Throttling | None:
    """The counters of one group; None when it cannot be limited, as v2's root, or read."""
    try:
        text = path.read_text(encoding="utf-8")
        values = dict(line.split() for line in text.splitlines() if len(line.split()) == 2)
        if "throttled_usec" in values:
            stopped_ns = int(values["throttled_usec"]) * 1000
        else:
            stopped_ns = int(values["throttled_time"])
        return int(values["nr_throttled"]), stopped_ns
    except (OSError, ValueError, KeyError):
        return None
