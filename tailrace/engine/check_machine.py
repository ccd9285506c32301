"""What ``tailrace check`` reads of this machine: clocks, limits, CPUs, in a look of half a second.

Rule: each figure is read on its own and is None where the system does not tell it; nothing here
raises. It is looked at before anything is sent, so that the load seen is that of others.
"""

from __future__ import annotations

import ctypes
import itertools
import platform
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio

from tailrace import __version__
from tailrace.engine import host, wire_reads
from tailrace.engine.clock import now_ns
from tailrace.engine.gauges import ClockWatch
from tailrace.engine.loops import choose_loop
from tailrace.engine.pulse import read_clocks
from tailrace.engine.stamps import ask_for_stamps
from tailrace.engine.vitals import limit_files, read_vitals, toll
from tailrace.results.check_machine import MachineLook
from tailrace.scenarios.model import Scenario

LOOK_S = 0.5
_READS = 2000
_TIME_ERROR, _UNSYNCHRONISED = 5, 0x40
"""What adjtimex returns, and its status bit, where nothing keeps the wall clock."""


async def look_at_machine(
    scenario: Scenario, users: int, server_is_here: bool, calibration: dict[str, Any]
) -> MachineLook:
    """Take the look; ``calibration`` holds the fields of MachineLook that tell of it."""
    files = limit_files()
    before, watch = read_vitals(files), _watch()
    step_ns = smallest_step_ns()
    await anyio.sleep(LOOK_S)
    watch.note(*read_clocks())
    spent = toll(before, read_vitals(files))
    machine = host.fingerprint()
    open_files = machine.get("open_files_limit")
    loop, _ = choose_loop(scenario.loop)
    because = why_no_stamps(scenario)
    return MachineLook(
        system=platform.system(),
        users=users,
        workers=scenario.workers,
        clock_step_ns=step_ns,
        drift_ppm=watch.drift_ppm,
        clock_steps=watch.steps,
        largest_step_ns=watch.largest_step_ns,
        synchronised=synchronised(),
        open_files=None if open_files is None else (open_files[0], open_files[1]),
        ports=_ports(machine.get("ephemeral_ports")),
        cpus=machine["cpus"] or 1,
        cpus_usable=machine["cpus_usable"],
        quota_cpus=smallest_quota(files),
        busy=spent.machine_busy,
        steal=spent.machine_steal,
        throttled=spent.throttled,
        governor=machine.get("governor"),
        loop=loop,
        loop_asked=scenario.loop,
        kernel_stamps=not because,
        reads=wire_reads.load()[1],
        no_stamps_because=because,
        server_is_here=server_is_here,
        version=__version__,
        **calibration,
    )


def _watch() -> ClockWatch:
    return ClockWatch(*read_clocks(), 2 * int(time.get_clock_info("time").resolution * 1e9))


def smallest_step_ns() -> int:
    """The shortest time between two readings of the clock that differ."""
    reads = [now_ns() for _ in range(_READS)]
    steps = [b - a for a, b in itertools.pairwise(reads) if b > a]
    return min(steps, default=0)


def synchronised() -> bool | None:
    """Whether the kernel says that its wall clock is kept (Linux's adjtimex, which changes nothing
    when asked like this); None elsewhere, and where it is not allowed.
    """
    if sys.platform != "linux":
        return None
    words = (ctypes.c_long * 64)()  # struct timex: modes and status are the first and the sixth
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(words))
    except (OSError, AttributeError):
        return None
    if state < 0:
        return None
    status = words[5] & 0xFFFFFFFF
    return state != _TIME_ERROR and not status & _UNSYNCHRONISED


def smallest_quota(stat_files: Sequence[Path]) -> float | None:
    """The least that a cgroup around this process allows, in CPUs; None where none limits it."""
    found = [quota for path in stat_files if (quota := _quota(path.parent)) is not None]
    return min(found, default=None)


def _quota(group: Path) -> float | None:
    """Of one group: ``cpu.max`` of version 2, or the two files of version 1."""
    try:
        if (group / "cpu.max").exists():
            limit, period = (group / "cpu.max").read_text(encoding="ascii").split()
        else:
            limit = (group / "cpu.cfs_quota_us").read_text(encoding="ascii").strip()
            period = (group / "cpu.cfs_period_us").read_text(encoding="ascii").strip()
        return None if limit in ("max", "-1") else round(int(limit) / int(period), 2)
    except (OSError, ValueError, ZeroDivisionError):
        return None


def _ports(told: str | None) -> tuple[int, int] | None:
    """First and last ephemeral port, from Linux's line or macOS's sysctl."""
    if told is None and sys.platform == "darwin":
        names = ("net.inet.ip.portrange.first", "net.inet.ip.portrange.last")
        try:
            done = subprocess.run(
                ["/usr/sbin/sysctl", "-n", *names],
                capture_output=True,
                text=True,
                timeout=2,
                check=False,
            )
            told = done.stdout
        except (OSError, subprocess.SubprocessError):
            return None
    numbers = (told or "").split()
    if len(numbers) != 2 or not all(number.isdecimal() for number in numbers):
        return None
    return int(numbers[0]), int(numbers[1])


def why_no_stamps(scenario: Scenario) -> str:
    """Why a run of this scenario has no stamps of the kernel; empty where it has them."""
    if scenario.transport != "fast":
        return f"--transport {scenario.transport}"
    if scenario.stamps != "auto":
        return f"--stamps {scenario.stamps}"
    if any(url.startswith("https") for url in scenario.urls):
        return "TLS is undone after the kernel has stamped"
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        if ask_for_stamps(sock):
            return ""
    return f"{platform.system()} gives none"
