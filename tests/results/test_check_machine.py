"""What of a machine is a fault, and the line that mends it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tailrace.results.check_machine import (
    COARSE_NS,
    DRIFT_PPM,
    SPARE_FILES,
    MachineLook,
    machine_rows,
)
from tailrace.results.checks import Check

from .builders import check_lines
from .golden_files import assert_golden, told_apart

GOOD = MachineLook(
    users=8,
    drift_ppm=0.5,
    synchronised=True,
    open_files=(1024, 4096),
    ports=(32768, 60999),
    cpus=8,
    cpus_usable=8,
    busy=0.02,
    steal=0.0,
    throttled=0,
    governor="performance",
    loop="uvloop",
    kernel_stamps=True,
    calibrated_at="2026-11-20T10:00:00Z",
    calibration_days=3.0,
    calibrated_by="0.1.0",
    version="0.1.0",
)


def rows(**changes: Any) -> dict[str, Check]:
    return {row.name: row for row in machine_rows(replace(GOOD, **changes))}


def test_a_good_machine_is_green() -> None:
    assert {row.status for row in rows().values()} == {"ok"}


def test_what_is_not_told_is_no_fault() -> None:
    empty = rows(open_files=None, ports=None, busy=None, governor=None, synchronised=None)
    assert {row.status for row in empty.values()} == {"ok"}
    assert empty["open files"].found == "not told by this system"


@pytest.mark.parametrize(
    ("name", "status", "changes", "found", "fix"),
    [
        ("clock", "warn", {"clock_step_ns": 15_600_000}, "15600000 ns", "another machine"),
        ("wall clock", "warn", {"synchronised": False}, "kept by nobody", "chrony"),
        ("wall clock", "warn", {"drift_ppm": -350.0}, "-350.0 ppm", "200 ppm"),
        (
            "wall clock",
            "warn",
            {"clock_steps": 1, "largest_step_ns": -2_000_000},
            "-2.000 ms",
            "settle",
        ),
        (
            "open files",
            "fail",
            {"users": 5000},
            "5064 needed for 5000 users",
            "LimitNOFILE=5064",
        ),
        ("open files", "fail", {"users": 5000, "system": "Darwin"}, "5064", "launchctl"),
        ("local ports", "fail", {"users": 30000}, "28232", "ip_local_port_range"),
        (
            "local ports",
            "fail",
            {"users": 30000, "system": "Windows"},
            "28232",
            "netsh int ipv4",
        ),
        ("local ports", "warn", {"users": 20000}, "28232", "fewer users"),
        ("CPUs", "warn", {"workers": 9}, "9 workers asked", "--workers 8"),
        ("CPUs", "warn", {"quota_cpus": 0.5}, "limited to 0.5", "CPU limit"),
        ("other load", "warn", {"busy": 0.7}, "70% of all cores", "end what else runs"),
        ("other load", "warn", {"steal": 0.05}, "5.0% stolen", "not shared"),
        ("other load", "warn", {"throttled": 2}, "stopped 2 times", "CPU limit"),
        ("CPU governor", "warn", {"governor": "powersave"}, "powersave", "cpupower"),
        ("event loop", "warn", {"loop": "asyncio"}, "uvloop is not", "pip install uvloop"),
        (
            "event loop",
            "warn",
            {"loop": "asyncio", "system": "Windows"},
            "winloop is not",
            "pip install winloop",
        ),
        (
            "stamps",
            "warn",
            {"kernel_stamps": False, "no_stamps_because": "--stamps user"},
            "--stamps user",
            "plain HTTP",
        ),
        ("calibration", "warn", {"calibrated_at": None}, "none", "tailrace calibrate"),
        ("calibration", "warn", {"calibration_days": 40.0}, "40 days old", "tailrace calibrate"),
        ("calibration", "warn", {"calibrated_by": "0.0.9"}, "this is 0.1.0", "calibrate"),
    ],
)
def test_a_fault_names_what_mends_it(
    name: str, status: str, changes: dict[str, Any], found: str, fix: str
) -> None:
    changed = rows(**changes)
    row = changed.pop(name)
    assert row.status == status
    assert found in row.found
    assert fix in row.fix
    assert all(row.status != "fail" for row in changed.values() if "users" not in changes)


def test_a_soft_limit_is_raised_by_the_run_itself() -> None:
    row = rows(users=2000)["open files"]
    assert (row.status, row.fix) == ("ok", "")
    assert "raises its own limit" in row.found


def test_an_unlimited_machine_has_room_for_all() -> None:
    assert rows(users=10**6, open_files=(-1, -1))["open files"].status == "ok"


def test_a_loop_that_was_asked_for_is_no_fault() -> None:
    assert rows(loop="asyncio", loop_asked="asyncio")["event loop"].status == "ok"


def test_a_server_on_this_machine_is_mentioned() -> None:
    assert "the server shares them" in rows(server_is_here=True)["CPUs"].found


CHANGES: dict[str, dict[str, Any]] = {
    "good": {},
    "nothing is told": {
        **{"open_files": None, "ports": None, "busy": None, "governor": None},
        **{"synchronised": None, "drift_ppm": None},
    },
    "steps of a microsecond": {"clock_step_ns": COARSE_NS},
    "coarser steps": {"clock_step_ns": COARSE_NS + 1},
    "the clock was set": {"clock_steps": 1, "largest_step_ns": 1_234_567, "synchronised": False},
    "nobody keeps it": {"synchronised": False, "drift_ppm": -0.04},
    "a drift of 200": {"drift_ppm": -DRIFT_PPM},
    "more than 200": {"drift_ppm": DRIFT_PPM + 0.06},
    "one user": {"users": 1},
    "files for all": {"users": 4096 - SPARE_FILES},
    "files for all but one": {"users": 4097 - SPARE_FILES},
    "on a Mac": {"users": 4097 - SPARE_FILES, "system": "Darwin"},
    "on another system": {"users": 4097 - SPARE_FILES, "system": "Plan 9", "ports": (1, 4000)},
    "files by the soft limit": {"users": 1024 - SPARE_FILES},
    "files by the hard limit": {"users": 1025 - SPARE_FILES},
    "no soft limit": {"open_files": (-1, 4096)},
    "no limit": {"open_files": (1024, -1), "users": 9_000},
    "half of the ports": {"users": 14_116, "open_files": None},
    "more than half": {"users": 14_117, "open_files": None},
    "all ports": {"users": 28_232, "open_files": None},
    "more than all": {"users": 28_233, "open_files": None},
    "more than all, on a Mac": {"users": 28_233, "open_files": None, "system": "Darwin"},
    "more than all, on Windows": {"users": 28_233, "open_files": None, "system": "Windows"},
    "as many workers as CPUs": {"workers": 8, "server_is_here": True},
    "one more": {"workers": 9},
    "a quota": {"quota_cpus": 2.5, "workers": 2},
    "one more than the quota": {"quota_cpus": 2.5, "workers": 3},
    "a whole CPU": {"quota_cpus": 1.0},
    "less than one": {"quota_cpus": 0.9},
    "some are not usable": {"cpus_usable": 4, "workers": 5},
    "half busy": {"busy": 0.5, "steal": None},
    "more than half busy": {"busy": 0.51},
    "a hundredth stolen": {"steal": 0.01},
    "more stolen": {"steal": 0.011},
    "stopped": {"throttled": 3, "steal": 0.5},
    "nobody tells of stops": {"throttled": None, "steal": None},
    "powersave": {"governor": "powersave"},
    "no uvloop": {"loop": "asyncio"},
    "no winloop": {"loop": "asyncio", "system": "Windows"},
    "asyncio as asked": {"loop": "asyncio", "loop_asked": "asyncio"},
    "read by C": {"reads": "C"},
    "no stamps": {"kernel_stamps": False, "no_stamps_because": "TLS"},
    "no stamps on a Mac": {
        **{"kernel_stamps": False, "no_stamps_because": "Darwin has none"},
        **{"system": "Darwin"},
    },
    "not calibrated": {"calibrated_at": None, "calibrate_command": "tailrace calibrate --x"},
    "calibrated a month ago": {"calibration_days": 30.0},
    "and a little more": {"calibration_days": 30.6},
    "by another version": {"calibrated_by": "0.0.9"},
}


def test_every_row_word_for_word_on_both_sides_of_its_rule() -> None:
    """Of each case, the rows that a good machine does not have."""
    text = told_apart(
        {
            title: check_lines(machine_rows(replace(GOOD, **changes)))
            for title, changes in CHANGES.items()
        }
    )
    assert_golden(Path(__file__).with_name("golden") / "check_machine.txt", text)
