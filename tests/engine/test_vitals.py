"""What systems say, and what is made of it where they say less."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tailrace.engine import vitals
from tailrace.engine.vitals import Machine, Vitals, limit_files, read_vitals, toll

V2 = "usage_usec 9\nnr_periods 3\nnr_throttled {n}\nthrottled_usec {us}\n"
V1 = "nr_periods 3\nnr_throttled {n}\nthrottled_time {ns}\n"


def machine(files: dict[str, str], root: Path) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


FOUND: dict[str, tuple[dict[str, str], list[str]]] = {
    "v2, the limit on a parent": (
        {
            "proc/self/cgroup": "0::/system.slice/job.scope\n",
            "sys/fs/cgroup/cpu.stat": "usage_usec 9\n",
            "sys/fs/cgroup/system.slice/cpu.stat": V2.format(n=1, us=7),
            "sys/fs/cgroup/system.slice/job.scope/cpu.stat": V2.format(n=0, us=0),
        },
        ["system.slice/job.scope/cpu.stat", "system.slice/cpu.stat"],
    ),
    "v2, a container that sees itself as the root": (
        {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.stat": V2.format(n=0, us=0)},
        ["cpu.stat"],
    ),
    "v2, outside of the namespace": (
        {"proc/self/cgroup": "0::/../other\n", "sys/fs/cgroup/cpu.stat": V2.format(n=0, us=0)},
        ["cpu.stat"],
    ),
    "v1, named as mounted, path of the host": (
        {
            "proc/self/cgroup": "7:memory:/docker/1\n4:cpu,cpuacct:/docker/1\n1:name=x:/\n0::/\n",
            "sys/fs/cgroup/cpu,cpuacct/cpu.stat": V1.format(n=0, ns=0),
            "sys/fs/cgroup/memory/cpu.stat": V1.format(n=0, ns=0),
        },
        ["cpu,cpuacct/cpu.stat"],
    ),
    "v1, mounted by one name": (
        {
            "proc/self/cgroup": "4:cpuacct,cpu:/\n",
            "sys/fs/cgroup/cpu/cpu.stat": V1.format(n=0, ns=0),
        },
        ["cpu/cpu.stat"],
    ),
    "none": ({}, []),
    "nonsense": ({"proc/self/cgroup": "\n:\nx\n0::\n"}, []),
}


@pytest.mark.parametrize("case", FOUND)
def test_every_group_that_can_stop_us_is_found(case: str, tmp_path: Path) -> None:
    files, expected = FOUND[case]
    root = machine(files, tmp_path)
    names = [path.relative_to(root / "sys/fs/cgroup").as_posix() for path in limit_files(root)]
    assert names == expected


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (V2.format(n=1, us=10), V2.format(n=4, us=2010)),
        (V1.format(n=1, ns=10_000), V1.format(n=4, ns=2_010_000)),
    ],
)
def test_throttling_is_what_was_added(before: str, after: str, tmp_path: Path) -> None:
    file = tmp_path / "cpu.stat"
    file.write_text(before, encoding="utf-8")
    first = read_vitals([file])
    file.write_text(after, encoding="utf-8")
    found = toll(first, read_vitals([file]))
    assert (found.throttled, found.throttled_ns) == (3, 2_000_000)


def test_of_nested_groups_the_one_stopped_longest_counts() -> None:
    inner, outer, gone = Path("inner"), Path("outer"), Path("gone")
    before = Vitals(0, None, None, {inner: (5, 50), outer: (1, 10), gone: (0, 0)})
    after = Vitals(0, None, None, {inner: (7, 60), outer: (2, 40)})
    assert toll(before, after)[-2:] == (1, 30)


def test_a_file_that_goes_away_is_no_error(tmp_path: Path) -> None:
    found = toll(read_vitals([tmp_path / "gone"]), read_vitals([tmp_path / "gone"]))
    assert (found.throttled, found.throttled_ns) == (None, None)


@pytest.mark.parametrize(
    ("before", "after", "shares"),
    [
        (Machine(100, 40, 1), Machine(200, 90, 6), (0.5, 0.05)),
        (Machine(100, 40, None), Machine(200, 90, None), (0.5, None)),
        (Machine(100, 40, 1), Machine(200, 39, 0), (0.0, 0.0)),  # counters may go back a little
        (Machine(100, 40, 1), Machine(100, 40, 1), (None, None)),
        (None, Machine(200, 90, 6), (None, None)),
    ],
)
def test_shares_of_the_machine(
    before: Machine | None, after: Machine | None, shares: tuple[float | None, float | None]
) -> None:
    found = toll(Vitals(0, None, before, {}), Vitals(0, None, after, {}))
    assert (found.machine_busy, found.machine_steal) == shares


def times(**values: float) -> Callable[[], Any]:
    return lambda: SimpleNamespace(_asdict=lambda: values)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (
            {"user": 5.0, "system": 1.0, "idle": 8.0, "iowait": 1.0, "steal": 2.0, "guest": 3.0},
            Machine(17.0, 6.0, 2.0),
        ),
        ({"user": 5.0, "nice": 0.0, "system": 1.0, "idle": 8.0}, Machine(14.0, 6.0, None)),
    ],
)
def test_a_guests_time_counts_once(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, float], expected: Machine
) -> None:
    monkeypatch.setitem(sys.modules, "psutil", SimpleNamespace(cpu_times=times(**values)))
    assert read_vitals([]).machine == expected


def test_what_the_system_does_not_tell_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psutil", None)
    monkeypatch.setitem(sys.modules, "resource", None)
    found = read_vitals([])
    assert (found.switches, found.machine, found.throttling) == (None, None, {})


def test_windows_has_no_switches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vitals.sys, "platform", "win32")
    assert vitals._switches() is None


def test_work_takes_cpu_time() -> None:
    before = read_vitals([])
    until = time.process_time_ns() + 20_000_000
    while time.process_time_ns() < until:
        pass
    found = toll(before, read_vitals([]))
    assert found.cpu_ns >= 20_000_000
    assert found.switches_involuntary is None or found.switches_involuntary >= 0
