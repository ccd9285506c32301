"""Reaper: starts one command, waits for all that comes of it, and writes down what it cost.

Rule: orphans of the command come to this process (Linux: child subreaper), so that the kernel's
account of its ended children is the whole tree's. What outlives the command by GRACE seconds, or
the whole by LIMIT, is killed: children by their pid, and theirs as they come to this process.
Why: load generators start many processes; those that ended early, or were left behind, have cost
CPU too, and a look now and then would miss them.

Usage: reaper.py RESULT_FILE LIMIT_S GRACE_S COMMAND [ARGUMENT ...]
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

SUBREAPER, DEATH_SIGNAL = 36, 1
"""prctl's PR_SET_CHILD_SUBREAPER and PR_SET_PDEATHSIG."""
AGAIN_S = 0.2


class Reaper:
    """One command and its tree."""

    def __init__(self, limit_s: float, grace_s: float) -> None:
        self._grace_s = grace_s
        self._code: int | None = None
        self._ended_ns = 0
        self._killed = 0
        for number in (signal.SIGALRM, signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)
        signal.setitimer(signal.ITIMER_REAL, limit_s, AGAIN_S)

    def run(self, command: list[str]) -> dict[str, float | int | None]:
        """Start it and wait for all."""
        began_ns = time.perf_counter_ns()
        first = subprocess.Popen(command).pid
        while True:
            try:
                pid, status = os.waitpid(-1, 0)
            except ChildProcessError:
                break
            if pid == first:
                self._code = os.waitstatus_to_exitcode(status)
                self._ended_ns = time.perf_counter_ns()
                wait_s = AGAIN_S if self._killed else self._grace_s
                signal.setitimer(signal.ITIMER_REAL, wait_s, AGAIN_S)
        signal.setitimer(signal.ITIMER_REAL, 0)
        spent = resource.getrusage(resource.RUSAGE_CHILDREN)
        return {
            "began_ns": began_ns,
            "ended_ns": self._ended_ns,
            "code": self._code,
            "cpu_s": spent.ru_utime + spent.ru_stime,
            "killed": self._killed,
        }

    def _end(self, number: int, frame: FrameType | None) -> None:
        signal.setitimer(signal.ITIMER_REAL, AGAIN_S, AGAIN_S)
        for pid in children():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                self._killed += 1


def children() -> list[int]:
    """Processes whose parent is this one, those that wait to be reaped left out."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, parent = path.read_text(encoding="utf-8").rpartition(")")[2].split()[:2]
            if int(parent) == os.getpid() and state != "Z":
                found.append(int(path.parent.name))
    return found


def adopt() -> None:
    """Take in orphans, and end when who started this ends."""
    if sys.platform == "linux":
        prctl = ctypes.CDLL(None, use_errno=True).prctl
        for option, value in ((SUBREAPER, 1), (DEATH_SIGNAL, signal.SIGTERM)):
            if prctl(option, value, 0, 0, 0):
                raise OSError(ctypes.get_errno(), "prctl")


def main() -> None:
    result, limit, grace, *command = sys.argv[1:]
    adopt()
    found = Reaper(float(limit), float(grace)).run(command)
    Path(result).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
