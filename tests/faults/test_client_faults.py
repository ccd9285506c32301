"""What befalls the client itself: a full disk, a closed pipe, the end of its terminal, a sleep.

Each run is a process of its own, against the scripted endpoint. What was measured is in its folder,
the folder loads, and the command ends in time and says what happened.
"""

from __future__ import annotations

import errno
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tailrace.engine.exchange import Exchange, Timeouts
from tailrace.engine.wire import connect_error
from tailrace.engine.wire_httpx import translated
from tailrace.results.files import RunFolder
from tailrace.results.journal import JournalReader
from tailrace.simulate import Script, background

from ..bench.loaded import load_bench
from ..command import MEASURED, clean_env, start_tailrace, tailrace
from ..engine.test_wire import Sink

kill_points = load_bench("kill_points")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="limits and signals of POSIX")

MS = 1_000_000
SCRIPT = Script(20 * MS, 2 * MS, 16)
LOAD = ("-m", "sim", "-c", "4", "--warmup", "0s", "--out", "out")
SEVERAL = pytest.mark.parametrize("workers", ["1", "2"])


def the_run(cwd: Path) -> Path:
    (found,) = (cwd / "out").iterdir()
    return found


def rows_of(run: Path) -> list[str]:
    return [row.id for path in run.glob("sim/requests*.jsonl") for row in JournalReader(path)]


@SEVERAL
def test_a_full_disk_ends_the_run_and_loses_nothing_that_was_written(
    tmp_path: Path, workers: str
) -> None:
    """A limit on the size of files stands for the disk: beyond it a write fails or is cut."""
    with background(Script(5 * MS, MS, 16)) as url:
        command = ("run", "--url", url, *LOAD, "--workers", workers, "--duration", "30s")
        began = time.monotonic()
        done = tailrace(*command, cwd=tmp_path, ulimit="-f 150")
    assert time.monotonic() - began < 20
    run = the_run(tmp_path)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert f"`tailrace report {run.relative_to(tmp_path)}`" in done.stderr
    again = tailrace("report", str(run), cwd=tmp_path)
    assert again.returncode == 11
    said = re.sub(r"\s+", " ", again.stdout)
    assert re.search(r"aborted: .*requests[.12]*\.jsonl' cannot be written: File too large", said)
    assert len(rows_of(run)) == len(set(rows_of(run))) > 50


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_reader_that_leaves_takes_nothing_with_it(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    with background(SCRIPT) as url:
        running = start_tailrace("run", "--url", url, *LOAD, "-n", "200", *options, cwd=tmp_path)
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        running.stderr.close()
        assert running.wait(timeout=30) == 141
    facts, results, _ = RunFolder(the_run(tmp_path)).rebuild()
    assert facts.ended == "complete"
    assert results[0]["stages"][0]["counts"]["measured"]["ok"] == 200
    assert (the_run(tmp_path) / "report.html").exists()


@pytest.fixture
def no_nohup() -> Iterator[None]:
    """The tests themselves may have been started with it, and what they start would heed it."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@SEVERAL
@pytest.mark.usefixtures("no_nohup")
def test_the_end_of_the_terminal_drains_and_writes(tmp_path: Path, workers: str) -> None:
    """SIGHUP comes twice, from the system and from the shell; a second Ctrl-C would cut."""
    with background(SCRIPT) as url:
        command = ("run", "--url", url, *LOAD, "--duration", "30s", "--workers", workers)
        running = start_tailrace(*command, cwd=tmp_path)
        wait_for_rows(tmp_path, 20)
        running.send_signal(signal.SIGHUP)
        running.send_signal(signal.SIGHUP)
        _, said = running.communicate(timeout=20)
    assert running.returncode == 130, said
    facts, results, _ = RunFolder(the_run(tmp_path)).rebuild()
    outcomes = results[0]["stages"][0]["counts"]["journal"]
    assert (facts.ended, facts.lost_workers) == ("interrupted", [])
    assert outcomes["cancelled"] == outcomes["censored"] == 0


def test_nohup_is_heeded(tmp_path: Path) -> None:
    with background(SCRIPT) as url:
        command = (sys.executable, "-m", "tailrace", "run", "--url", url, *LOAD, "--duration", "3s")
        running = subprocess.Popen(("nohup", *command), cwd=tmp_path, env=clean_env())
        wait_for_rows(tmp_path, 20)
        running.send_signal(signal.SIGHUP)
        assert running.wait(timeout=30) in MEASURED
    assert RunFolder(the_run(tmp_path)).read_facts().ended == "complete"


def test_a_service_that_is_stopped_keeps_its_workers_until_they_have_drained(
    tmp_path: Path,
) -> None:
    """Who stops a service signals all of its processes at once."""
    psutil = pytest.importorskip("psutil")
    with background(SCRIPT) as url:
        command = ("run", "--url", url, *LOAD, "--duration", "30s", "--workers", "2")
        running = start_tailrace(*command, cwd=tmp_path)
        wait_for_rows(tmp_path, 20)
        for process in psutil.Process(running.pid).children(recursive=True):
            process.terminate()
        running.terminate()
        _, said = running.communicate(timeout=20)
    assert running.returncode == 130, said
    assert RunFolder(the_run(tmp_path)).read_facts().lost_workers == []


def test_a_sleep_is_seen_and_the_end_is_kept(tmp_path: Path) -> None:
    """A stopped process stands for a laptop that is closed: its clock goes on, it does not."""
    with background(SCRIPT) as url:
        command = ("run", "--url", url, *LOAD, "--duration", "4s", "--stamps", "user")
        running = start_tailrace(*command, cwd=tmp_path)
        wait_for_rows(tmp_path, 20)
        running.send_signal(signal.SIGSTOP)
        time.sleep(1.5)
        running.send_signal(signal.SIGCONT)
        _, said = running.communicate(timeout=30)
    assert running.returncode == 11, said
    facts, results, verdict = RunFolder(the_run(tmp_path)).rebuild()
    stage = facts.models[0].stages[0]
    assert (stage.ended_ns or 0) - stage.began_ns < 10e9
    assert stage.pulse.hiccups.max_ns is not None
    assert stage.pulse.hiccups.max_ns > 1e9
    assert any("event loop" in reason for reason in verdict.reasons)
    assert results[0]["stages"][0]["counts"]["measured"]["ok"] > 20


def test_too_few_files_left_are_named_and_the_run_ends(tmp_path: Path) -> None:
    """The limit is looked at before; an open loop may still need more connections than it had."""
    script = Script(3_000 * MS, 2 * MS, 2)
    with background(script) as url:
        command = ("run", "--url", url, "-m", "sim", "--rate", "60", "--duration", "3s", "-q")
        more = ("--warmup", "0s", "--drain", "2s", "--out", "out")
        done = tailrace(*command, *more, cwd=tmp_path, ulimit="-n 70")
    assert "Traceback" not in done.stderr
    assert done.returncode == 11, done.stderr
    _, results, verdict = RunFolder(the_run(tmp_path)).rebuild()
    assert set(results[0]["stages"][0]["errors"]) == {"open_files"}
    assert any("no file left" in reason for reason in verdict.reasons)


@pytest.mark.parametrize(
    ("number", "error_class"),
    [
        (errno.EMFILE, "open_files"),
        (errno.ENFILE, "open_files"),
        (errno.EADDRNOTAVAIL, "local_ports"),
        (errno.EHOSTUNREACH, "connect_failed"),
    ],
)
def test_the_limits_of_this_machine_are_not_the_server_s(number: int, error_class: str) -> None:
    failure = OSError(number, os.strerror(number))
    error = connect_error(failure, ("http", "h", 80))
    assert error.error_class == error_class
    assert "h:80" in str(error)
    told = httpx.ConnectError("All connection attempts failed")
    told.__cause__ = failure
    assert translated(told, Exchange(Sink()), Timeouts()).error_class == error_class


@pytest.mark.parametrize("point", list(kill_points.points(6, seed=3)))
def test_a_kill_at_any_moment_loses_no_finished_request(
    tmp_path: Path, point: tuple[int, float, str]
) -> None:
    """bench/kill_points.py makes 200."""
    killed = kill_points.killed_run(tmp_path, *point)
    assert killed.ended > 0
    assert (killed.lost, killed.doubled, killed.loads) == (0, 0, True)


def wait_for_rows(cwd: Path, least: int) -> None:
    """Until so many requests have ended, by the journals' lines."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        lines = sum(p.read_bytes().count(b"\n") for p in cwd.glob("out/*/sim/requests*.jsonl"))
        if lines >= least:
            return
        time.sleep(0.02)
    raise AssertionError("no requests ended")
