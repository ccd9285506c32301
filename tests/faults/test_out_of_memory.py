"""One worker of three runs out of memory in the middle of a level."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tailrace.display import Quiet
from tailrace.results.journal import JournalReader
from tailrace.runner import Finished, run_scenario
from tailrace.scenarios.model import Level, Scenario
from tailrace.simulate import Script, background

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits as Linux has them")
ROOM_BYTES = 6_000_000
"""Too little for an answer of 100 MiB, of which 16 MiB would be held."""
V1, V2 = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")


def second_of_three(out: Path) -> psutil.Process:
    """The second worker of this process, once it has finished a request."""
    until_s = time.monotonic() + 30
    while time.monotonic() < until_s:
        found = []
        for child in psutil.Process().children():
            with contextlib.suppress(psutil.Error):
                if "tailrace.engine.worker_process" in child.cmdline():
                    found.append(child)
        begun = any(path.stat().st_size for path in out.glob("*/*/requests.2.jsonl"))
        if len(found) == 3 and begun:
            return sorted(found, key=lambda child: child.pid)[1]
        time.sleep(0.01)
    raise AssertionError("no worker has finished a request")


def held(out: Path, strike: Callable[[psutil.Process], None]) -> Finished:
    """Two users a worker; every 13th answer from the sixtieth on is one endless line."""
    script = Script(*(30_000_000, 3_000_000, 8), fault="line_100mib", fault_every=13, fault_from=60)
    thread = threading.Thread(target=lambda: strike(second_of_three(out)))
    with background(script) as url:
        levels = (Level(6, 0.0, 5.0, None),)
        thread.start()
        scenario = Scenario(url, ("sim",), levels, max_tokens=8, workers=3, drain_s=5.0)
        finished = run_scenario(scenario, out, None, (), Quiet())
    thread.join()
    return finished


def test_a_worker_that_gets_no_more_memory_says_so_and_goes_on(tmp_path: Path) -> None:
    """As under ``ulimit -v``: the answer fails, and with it the run's validity; no row is lost."""

    def strike(worker: psutil.Process) -> None:
        most = worker.memory_info().vms + ROOM_BYTES
        worker.rlimit(psutil.RLIMIT_AS, (most, most))

    finished = held(tmp_path, strike)
    assert finished.exit_code == 11
    assert any("no memory left" in reason for reason in finished.verdict.reasons)
    assert not finished.facts.lost_workers
    books = finished.facts.models[0].stages[0].books
    rows = [
        row for row in JournalReader(finished.path / "sim" / "requests.jsonl") if row.stage == 0
    ]
    assert len(rows) == books.started
    failed = Counter(row.error_class for row in rows if row.outcome == "error")
    assert set(failed) == {"out_of_memory", "event_too_large"}
    assert {row.user for row in rows if row.error_class == "out_of_memory"} <= {1, 4}
    last_ns = {user: max(row.closed_ns or 0 for row in rows if row.user == user) for user in (0, 4)}
    assert last_ns[4] > last_ns[0] - 2e9  # its users went on


@contextlib.contextmanager
def memory_group() -> Iterator[Callable[[int], None]]:
    """Puts a process under a limit of what it may take from now on, at which the kernel kills."""
    parent, limit = (V1, "memory.limit_in_bytes") if V1.is_dir() else (V2, "memory.max")
    group = parent / f"tailrace-{time.time_ns()}"
    try:
        group.mkdir()
        (group / limit).write_text(str(ROOM_BYTES))
    except OSError as exc:
        pytest.skip(f"no control group for memory can be made here: {exc}")

    def put(pid: int) -> None:
        (group / "cgroup.procs").write_text(str(pid))

    try:
        yield put
    finally:
        group.rmdir()


def test_a_worker_that_the_kernel_kills_for_its_memory_is_named(tmp_path: Path) -> None:
    with memory_group() as put:
        finished = held(tmp_path, lambda worker: put(worker.pid))
    assert finished.exit_code == 11
    (lost,) = finished.facts.lost_workers
    assert lost == "sim at 6 users: worker 2 was killed by signal 9"
    rows = [
        row for row in JournalReader(finished.path / "sim" / "requests.jsonl") if row.stage == 0
    ]
    users = {row.user for row in rows}
    assert {0, 2, 3, 5} <= users  # the survivors'
    assert {1, 4} & users  # and what the lost one had finished
