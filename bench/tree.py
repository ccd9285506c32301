"""Tree: runs a command with all its processes, and takes what the whole tree cost.

Rule: CPU is the kernel's account of the ended tree, so nothing that came and went is missed.
Memory and the number of processes are looked at from outside, often at first, then four times a
second; PSS, which counts a page shared by k processes as a k-th in each, once a second.
What other processes took meanwhile is the machine's CPU less ours.
Why: the sum of RSS counts a library shared by ten processes ten times, and one process's RSS
forgets nine of them. Looking costs CPU too, on a machine that has little to spare.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from harness import cores

REAPER = Path(__file__).resolve().parent / "reaper.py"
GRACE_S = 10.0
OFTEN_S, SELDOM_S, PSS_S = 0.05, 0.25, 1.0
OFTEN_UNTIL_S = 2.0
QUIET_S, QUIET_CORES = 2.0, 0.05
"""The machine is quiet when others took less than that, over that time."""


@dataclass
class Looks:
    """What was seen from outside."""

    cpu: list[tuple[int, float]] = field(default_factory=list)
    """(perf_counter_ns, CPU seconds of the tree until then)."""
    peak_rss: int = 0
    peak_pss: int = 0
    most: int = 0
    """Processes at once."""
    pids: set[int] = field(default_factory=set)

    def cpu_at(self, at_ns: int) -> float:
        """CPU seconds spent until then, on the line between two looks."""
        before = (self.cpu[0][0], 0.0) if self.cpu else (at_ns, 0.0)
        for stamp, spent in self.cpu:
            if stamp >= at_ns:
                share = (at_ns - before[0]) / max(1, stamp - before[0])
                return before[1] + max(0.0, share) * (spent - before[1])
            before = (stamp, spent)
        return before[1]


@dataclass
class Cost:
    """One command, whole."""

    began_ns: int
    wall_s: float
    cpu_s: float
    code: int
    killed: int
    """Processes that had to be ended: left behind, or out of time."""
    others_s: float
    """CPU seconds that went to processes which are not ours, the while."""
    looks: Looks
    out: str


@contextlib.contextmanager
def off_the_endpoint() -> Iterator[None]:
    """Children made in this block may run on every core but the endpoint's."""
    server, _ = cores()
    if server is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, before - {server})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def run_tree(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], limit_s: float
) -> Cost:
    """Run it in `folder` to its end, or for `limit_s`."""
    with tempfile.TemporaryDirectory(prefix="tailrace-bench-") as place:
        result = Path(place) / "cost.json"
        wrapped = [sys.executable, "-S", str(REAPER), str(result), str(limit_s), str(GRACE_S)]
        before_s = others_s()
        with tempfile.TemporaryFile() as out:
            with off_the_endpoint():
                reaper = subprocess.Popen(
                    [*wrapped, *command],
                    cwd=folder,
                    env=dict(environment),
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=subprocess.STDOUT,
                )
            looks = watch(reaper)
            out.seek(0)
            text = out.read().decode("utf-8", "replace")
        if not result.exists():
            raise RuntimeError(f"the command was not run:\n{text[-2000:]}")
        found = json.loads(result.read_bytes())
    return Cost(
        found["began_ns"],
        (found["ended_ns"] - found["began_ns"]) / 1e9,
        found["cpu_s"],
        found["code"],
        found["killed"],
        max(0.0, others_s() - before_s),
        looks,
        text,
    )


def others_s() -> float:
    """CPU seconds of the machine until now, less our own and those of our children."""
    all_times = psutil.cpu_times()
    idle = all_times.idle + getattr(all_times, "iowait", 0.0) + getattr(all_times, "steal", 0.0)
    guest = getattr(all_times, "guest", 0.0) + getattr(all_times, "guest_nice", 0.0)
    spent = sum(all_times) - idle - guest
    me = psutil.Process()
    spent -= sum(me.cpu_times()[:4])
    for child in me.children():
        with contextlib.suppress(psutil.Error):
            spent -= sum(child.cpu_times()[:2])
    return float(spent)


def wait_for_quiet(limit_s: float) -> None:
    """Until others take next to nothing, or for `limit_s`."""
    until_s = time.monotonic() + limit_s
    while time.monotonic() < until_s:
        before_s = others_s()
        time.sleep(QUIET_S)
        if others_s() - before_s < QUIET_CORES * QUIET_S:
            return


def watch(reaper: subprocess.Popen[bytes]) -> Looks:
    """Look at the tree until it has ended."""
    looks = Looks()
    began_s = time.monotonic()
    pss_due_s = began_s
    watched = psutil.Process(reaper.pid)
    try:
        while reaper.poll() is None:
            now_s = time.monotonic()
            with contextlib.suppress(psutil.Error):
                look(watched, looks, pss=now_s >= pss_due_s)
            if now_s >= pss_due_s:
                pss_due_s = now_s + PSS_S
            time.sleep(OFTEN_S if now_s - began_s < OFTEN_UNTIL_S else SELDOM_S)
    finally:
        if reaper.poll() is None:
            reaper.terminate()
            reaper.wait(30)
    return looks


def look(reaper: psutil.Process, looks: Looks, *, pss: bool) -> None:
    """Once; the reaper itself is not counted."""
    tree = reaper.children(recursive=True)
    ended = reaper.cpu_times()
    spent = ended.children_user + ended.children_system
    rss = shared = 0
    for process in tree:
        with contextlib.suppress(psutil.Error):
            spent += sum(process.cpu_times()[:4])
            rss += process.memory_info().rss
            shared += process.memory_full_info().pss if pss else 0
    looks.cpu.append((time.perf_counter_ns(), spent))
    looks.peak_rss = max(looks.peak_rss, rss)
    looks.peak_pss = max(looks.peak_pss, shared)
    looks.most = max(looks.most, len(tree))
    looks.pids.update(process.pid for process in tree)
