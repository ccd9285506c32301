"""What is read of the machine that runs the tests."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest

from tailrace.engine.check_machine import (
    look_at_machine,
    smallest_quota,
    smallest_step_ns,
    synchronised,
    why_no_stamps,
)
from tailrace.results.check_machine import machine_rows
from tailrace.scenarios.model import Level, Scenario

SCENARIO = Scenario("http://127.0.0.1:1/v1", ("m",), (Level(8, 0.0, 1.0, None),))


def test_this_machine_is_looked_at() -> None:
    calibration = {"calibrated_at": "2026-01-01T00:00:00Z", "calibrated_by": "0"}
    look = anyio.run(look_at_machine, SCENARIO, 8, True, calibration)
    assert (look.users, look.server_is_here, look.calibrated_by) == (8, True, "0")
    assert look.cpus_usable >= 1
    assert look.busy is None or 0.0 <= look.busy <= 1.0
    assert {row.name for row in machine_rows(look)} >= {"clock", "open files", "stamps"}


def test_the_clock_moves_in_small_steps() -> None:
    assert 0 < smallest_step_ns() < 20_000_000


@pytest.mark.skipif(sys.platform != "linux", reason="adjtimex is Linux's")
def test_the_kernel_says_whether_its_clock_is_kept() -> None:
    assert synchronised() in (True, False, None)


@pytest.mark.parametrize(
    ("files", "quota"),
    [
        ({"cpu.max": "150000 100000\n"}, 1.5),
        ({"cpu.max": "max 100000\n"}, None),
        ({"cpu.cfs_quota_us": "50000\n", "cpu.cfs_period_us": "100000\n"}, 0.5),
        ({"cpu.cfs_quota_us": "-1\n", "cpu.cfs_period_us": "100000\n"}, None),
        ({"cpu.max": "a lot\n"}, None),
        ({}, None),
    ],
)
def test_a_quota_is_read_in_cpus(
    tmp_path: Path, files: dict[str, str], quota: float | None
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="ascii")
    assert smallest_quota([tmp_path / "cpu.stat"]) == quota


def test_of_nested_groups_the_tightest_counts(tmp_path: Path) -> None:
    for name, limit in (("outer", "400000"), ("inner", "200000")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "cpu.max").write_text(f"{limit} 100000", encoding="ascii")
    files = [tmp_path / name / "cpu.stat" for name in ("outer", "inner")]
    assert smallest_quota(files) == 2.0


@pytest.mark.parametrize(
    ("changes", "because"),
    [
        ({"transport": "httpx"}, "--transport httpx"),
        ({"stamps": "user"}, "--stamps user"),
        ({"base_url": "https://box/v1"}, "TLS"),
    ],
)
def test_why_the_kernel_does_not_stamp(changes: dict[str, Any], because: str) -> None:
    assert because in why_no_stamps(replace(SCENARIO, **changes))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has the stamps")
def test_plain_tcp_on_linux_is_stamped() -> None:
    assert why_no_stamps(SCENARIO) == ""
