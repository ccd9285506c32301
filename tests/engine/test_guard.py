"""The guard: what it starts ends with its standard input, whatever that does not want to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tailrace.engine import guard

ASKED_NOT_TO = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
LONG = "print('up', flush=True); time.sleep(120)"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Any]:
    """Starts a guard that holds Python code; what is left at the end is ended by its number."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(code: str, *command: str) -> subprocess.Popen[bytes]:
        with (tmp_path / "log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-P", guard.__file__, *(command or (sys.executable, "-c", code))],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        started.append(process)
        return process

    yield begin
    for process in started:
        if process.poll() is None:
            process.communicate()


def log_has(folder: Path, text: str) -> None:
    deadline = time.monotonic() + 20
    while text not in (folder / "log").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_command_ends_when_standard_input_does(start: Any, tmp_path: Path) -> None:
    process = start("import time; " + LONG)
    log_has(tmp_path, "up")
    (child,) = psutil.Process(process.pid).children()
    said, _ = process.communicate(timeout=20)
    assert not child.is_running()
    footprint = json.loads(said)
    assert footprint["peak_rss_bytes"] > 2_000_000
    assert footprint["source"].startswith("psutil")


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_who_does_not_listen_is_ended_all_the_same(tmp_path: Path) -> None:
    code = "import tailrace.engine.guard as g, sys; g.GRACE_S = 0.3; sys.exit(g.main(sys.argv[1:]))"
    stubborn = (sys.executable, "-c", ASKED_NOT_TO + LONG)
    with (tmp_path / "log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", code, *stubborn],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        )
    log_has(tmp_path, "up")
    process.communicate(timeout=20)
    assert process.returncode == 128 + 9


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX process groups")
def test_what_the_command_left_behind_is_ended_too(start: Any, tmp_path: Path) -> None:
    code = (
        "import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', "
        "'import time; time.sleep(120)']); print('left', p.pid, flush=True)"
    )
    process = start(code)
    process.wait(20)
    log_has(tmp_path, "left")
    pid = int((tmp_path / "log").read_text().split()[1])
    deadline = time.monotonic() + 10
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_killed_owner_closes_the_pipe(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys, time; subprocess.Popen([sys.executable, '-P', sys.argv[1], "
        "sys.executable, '-c', 'import os, time; print(os.getpid(), flush=True); time.sleep(120)'],"
        "stdin=subprocess.PIPE); time.sleep(120)"
    )
    with (tmp_path / "log").open("ab") as log:
        owner = subprocess.Popen([sys.executable, "-c", code, guard.__file__], stderr=log)
    log_has(tmp_path, "\n")
    server = psutil.Process(int((tmp_path / "log").read_text()))
    owner.kill()
    owner.wait()
    server.wait(20)


@pytest.mark.parametrize("code", [0, 3])
def test_the_commands_own_code(start: Any, code: int) -> None:
    process = start(f"import sys; sys.exit({code})")
    process.wait(20)
    assert process.returncode == code


def test_a_program_that_cannot_be_started(start: Any, tmp_path: Path) -> None:
    process = start("", str(tmp_path / "no-such"))
    process.wait(20)
    assert process.returncode == guard.CANNOT_START
    assert "no-such: No such file" in (tmp_path / "log").read_text()
