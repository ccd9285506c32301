"""The cost of a tree of processes holds its orphans, and nothing of the tree outlives the run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench"
BURN = "import time\nwhile time.process_time() < 0.3: pass\n"
ORPHAN = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {BURN!r}])"
SLEEPER = "import subprocess; subprocess.Popen(['sleep', '60'])"
SLEEPERS = SLEEPER + "; import time; subprocess.Popen(['sleep', '60']); time.sleep(60)"

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux gives orphans to a reaper")


def reap(tmp_path: Path, script: str, limit_s: float, grace_s: float) -> dict[str, float]:
    result = tmp_path / "cost.json"
    reaper = [sys.executable, "-S", str(BENCH / "reaper.py"), str(result)]
    command = [*reaper, str(limit_s), str(grace_s), sys.executable, "-c", script]
    subprocess.run(command, timeout=25, check=True)
    found: dict[str, float] = json.loads(result.read_bytes())
    return found


def test_cpu_until_a_moment_lies_between_two_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("psutil")
    monkeypatch.syspath_prepend(str(BENCH))
    from tree import Looks

    looks = Looks(cpu=[(100, 0.0), (200, 1.0), (300, 5.0)])
    assert [looks.cpu_at(at) for at in (50, 150, 250, 900)] == [0.0, 0.5, 3.0, 5.0]


@linux
def test_an_orphan_is_waited_for_and_counted(tmp_path: Path) -> None:
    found = reap(tmp_path, ORPHAN, 30, 20)
    assert (found["code"], found["killed"]) == (0, 0)
    assert found["cpu_s"] >= 0.3


@linux
def test_what_is_left_behind_is_ended(tmp_path: Path) -> None:
    found = reap(tmp_path, SLEEPER, 30, 0.2)
    assert (found["code"], found["killed"]) == (0, 1)


@linux
def test_what_takes_too_long_is_ended_with_all_its_children(tmp_path: Path) -> None:
    found = reap(tmp_path, SLEEPERS, 1, 20)
    assert (found["code"], found["killed"]) == (-9, 3)
    assert (found["ended_ns"] - found["began_ns"]) / 1e9 < 10
