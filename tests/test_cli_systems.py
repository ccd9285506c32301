"""The street from end to end as Windows and macOS would run it; see pretend/sitecustomize.py.

What a real system does differently inside its libraries is not shown by this; that tailrace takes
its other branch everywhere, and that the branch works, is.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .command import MEASURED, ROOT, clean_env
from .test_cli_run import load, only_run, rows_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="pretends to be another system")
systems = pytest.mark.parametrize("system", ["win32", "darwin"])
PRETENCE = str(ROOT / "tests" / "pretend")
SHORT = ("-m", "sim", "--warmup", "0s")


def env_of(system: str, **more: str) -> dict[str, str]:
    paths = os.pathsep.join((PRETENCE, str(ROOT)))
    pretence = {"TAILRACE_PRETEND": system, "PYTHONPATH": paths, "PYTHONIOENCODING": "cp1252"}
    return clean_env() | pretence | more


def start(system: str, folder: Path, *arguments: str, **more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tailrace", *arguments],
        cwd=folder,
        env=env_of(system, **more),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="cp1252",
        errors="strict",
    )


def run(system: str, folder: Path, *arguments: str, **more: str) -> tuple[int, str, str]:
    process = start(system, folder, *arguments, **more)
    out, err = process.communicate(timeout=120)
    assert "Traceback" not in err, err
    return process.returncode, out, err


@systems
def test_the_pretence_holds(system: str, tmp_path: Path) -> None:
    """Else all that follows would show nothing."""
    seen = (
        "import sys, select, tailrace.engine.loops as loops\n"
        "print(sys.platform, hasattr(select, 'epoll'), loops.choose_loop('auto')[0])"
    )
    done = subprocess.run(
        [sys.executable, "-c", seen], env=env_of(system), capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [system, "False", "asyncio"]


@systems
def test_a_run_and_its_report(system: str, sim_url: str, tmp_path: Path) -> None:
    code, out, err = run(
        *(system, tmp_path, "run", "--url", sim_url, *SHORT, "-m", "a/b:1", "-c", "1,3", "-n", "6"),
    )
    assert code in MEASURED, err
    assert "stamps=user-space read" in " ".join(out.split())
    assert "loop=asyncio" in out
    folder = only_run(tmp_path)
    rows = [row for row in rows_of(folder) if row.phase == "measure"]
    assert len(rows) == 12
    assert all(row.outcome == "ok" and row.gaps_ns for row in rows)
    summary = (folder / "summary.csv").read_bytes()
    (folder / "summary.csv").unlink()
    code, out, err = run(system, tmp_path, "report", str(folder))
    assert code in MEASURED, err
    assert (folder / "summary.csv").read_bytes() == summary


@systems
def test_two_workers(system: str, sim_url: str, tmp_path: Path) -> None:
    code, _, err = run(
        *(system, tmp_path, "run", "--url", sim_url, *SHORT, "-c", "4", "-n", "12"),
        *("--workers", "2"),
    )
    assert code in MEASURED, err
    rows = [row for row in rows_of(only_run(tmp_path)) if row.phase == "measure"]
    assert len(rows) == 12
    facts = load(only_run(tmp_path) / "run.json")
    assert len(facts["models"][0]["stages"][0]["parts"]) == 2
    assert facts["lost_workers"] == []


@systems
def test_an_open_loop(system: str, sim_url: str, tmp_path: Path) -> None:
    code, _, err = run(
        *(system, tmp_path, "run", "--url", sim_url, *SHORT, "--rate", "30", "-d", "1s"),
        *("--arrival", "constant"),
    )
    assert code in MEASURED, err
    rows = [row for row in rows_of(only_run(tmp_path)) if row.phase == "measure"]
    assert len(rows) == 30
    assert all((row.sent_ns or 0) >= row.intended_ns for row in rows), "one was early"


@systems
@pytest.mark.parametrize("workers", ["1", "2"])
def test_ctrl_c_drains_and_writes(system: str, sim_url: str, tmp_path: Path, workers: str) -> None:
    process = start(
        *(system, tmp_path, "run", "--url", sim_url, *SHORT, "-c", "2", "-d", "60s"),
        *("--workers", workers),
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not _measuring(tmp_path):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    folder = only_run(tmp_path)
    assert load(folder / "run.json")["ended"] == "interrupted"
    assert (folder / "report.html").exists()
    assert {row.outcome for row in rows_of(folder)} == {"ok"}


def _measuring(folder: Path) -> bool:
    lines = [path.read_bytes().count(b"\n") for path in folder.glob("runs/*/sim/*.jsonl")]
    return sum(lines) > 6


@systems
def test_a_model_with_a_server_of_its_own(system: str, tmp_path: Path) -> None:
    taskkill = tmp_path / "taskkill"
    taskkill.write_text('#!/bin/sh\nkill -9 "$4" 2>/dev/null\nexit 0\n', encoding="utf-8")
    taskkill.chmod(0o755)
    serve = [sys.executable, "-m", "tailrace", "simulate", "--port", "{port}", "--model", "sim"]
    models = {"sim": {"serve": [*serve, "--ttft", "5ms", "--gap", "1ms", "--loop", "asyncio"]}}
    (tmp_path / "models.json").write_text(json.dumps(models), encoding="utf-8")
    code, _, err = run(
        *(system, tmp_path, "run", "--models-file", "models.json", "-n", "3", "--warmup", "0s"),
        PATH=os.pathsep.join((str(tmp_path), os.environ["PATH"])),
    )
    assert code in MEASURED, err
    rows = [row for row in rows_of(only_run(tmp_path)) if row.phase == "measure"]
    assert [row.outcome for row in rows] == ["ok"] * 3


@systems
def test_json_and_names_that_the_console_lacks(system: str, sim_url: str, tmp_path: Path) -> None:
    process = subprocess.run(
        [
            *(sys.executable, "-m", "tailrace", "run", "--url", sim_url, *SHORT, "-n", "2"),
            *("--name", "模型", "--prompt", "问", "--json"),
        ],
        cwd=tmp_path,
        env=env_of(system),
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert process.returncode in MEASURED, process.stderr
    assert json.loads(process.stdout.decode("utf-8"))["models"][0]["model"] == "sim"
    code, out, err = run(
        system, tmp_path, "run", "--url", sim_url, "--prompt", "问", "-m", "sim", "--show-config"
    )
    assert code == 0, err
    assert "\\u95ee" in out
