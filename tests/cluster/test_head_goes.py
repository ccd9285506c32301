"""The run's own process is killed: its nodes keep what they had measured, and it can be fetched."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from tailrace.results.schema import parse_row
from tailrace.simulate import background

from ..command import MEASURED, start_tailrace, tailrace
from .test_cluster import COMMON, SCRIPT, done_by, left_behind, ray_env, rows_of, the_run
from .test_cluster import wait_for_rows as rows_come
from .two_nodes import TwoNodes

pytestmark = pytest.mark.server
WORKERS, USERS = 4, 8
ENDS_S = 30.0


def wait_for_workers_to_end(folders: set[Path]) -> None:
    """Ray ends the actors of a run that is gone, and a worker ends with its actor."""
    until_s = time.monotonic() + ENDS_S
    while any(_is_in(process, folders) for process in psutil.process_iter()):
        assert time.monotonic() < until_s
        time.sleep(0.2)


def _is_in(process: psutil.Process, folders: set[Path]) -> bool:
    try:
        return Path(process.cwd()) in folders
    except psutil.Error:
        return False


def test_what_was_measured_stays_on_the_nodes_and_makes_the_run_whole(
    cluster: TwoNodes, tmp_path: Path
) -> None:
    before = left_behind()
    with background(SCRIPT) as url:
        fleet = ("--fleet", cluster.address, "--workers", str(WORKERS))
        asked = ("--url", url, "-c", str(USERS), "--duration", "60s")
        running = start_tailrace("run", *asked, *COMMON, *fleet, cwd=tmp_path, env=ray_env())
        rows_come(tmp_path, 80)
        running.kill()
        running.communicate(timeout=10)
        run = the_run(tmp_path)
        new = left_behind() - before
        scratch = {Path(tempfile.gettempdir()) / name for name in new}
        assert len(scratch) == WORKERS
        assert all(name.startswith(f"tailrace-{run.name}-") for name in new)
        wait_for_workers_to_end(scratch)
        finished = done_by(url, range(1, WORKERS + 1), of=WORKERS)
    fetched = {path.name: path for path in run.glob("sim/requests.*.jsonl")}
    kept: set[str] = set()
    for folder in scratch:
        (journal,) = folder.glob("run/sim/requests.*.jsonl")
        *lines, rest = journal.read_bytes().split(b"\n")
        assert rest == b""
        kept |= {parse_row(line, journal.name).id for line in lines}
        if journal.name in fetched:  # the same rows, as far as they had come
            assert journal.read_bytes().startswith(fetched[journal.name].read_bytes())
        shutil.copy(journal, run / "sim")
    # Of each user one answer may have come whole in the moment in which its worker ended.
    assert len(finished - kept) <= USERS
    assert len(kept) > 80
    done = tailrace("report", run.name, cwd=tmp_path)
    assert done.returncode in MEASURED, done.stderr
    rows = rows_of(tmp_path)
    assert {row.id for row in rows} == kept
    assert len(rows) == len(kept)
