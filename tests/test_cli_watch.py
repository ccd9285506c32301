"""``tailrace watch``: a run that goes on in another process, to its end, or found dead."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tailrace.simulate import Script, background

from .command import MEASURED, start_tailrace, tailrace

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is POSIX's")


@pytest.fixture(scope="module")
def quick_url() -> Iterator[str]:
    with background(Script(ttft_ns=20_000_000, gap_ns=2_000_000, tokens=8)) as url:
        yield url


def wait_for_level(folder: Path, timeout_s: float = 20) -> Path:
    """The run's folder, once its level has begun."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        for path in folder.glob("runs/*/run.json"):
            if b'"began_ns"' in path.read_bytes():
                return path.parent
        time.sleep(0.05)
    raise AssertionError("no level has begun")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_it_shows_the_level_and_ends_with_the_runs_own_table(
    quick_url: str, tmp_path: Path, workers: str
) -> None:
    run = start_tailrace(
        *("run", "--url", quick_url, "-m", "sim", "-c", "2", "-d", "7s", "--warmup", "0s"),
        *("--workers", workers, "--quiet"),
        cwd=tmp_path,
    )
    folder = wait_for_level(tmp_path)
    watched = tailrace("watch", cwd=tmp_path)
    printed, _ = run.communicate(timeout=30)
    assert run.returncode in MEASURED
    assert watched.returncode == run.returncode, watched.stderr
    lines = [line for line in watched.stderr.splitlines() if line.startswith("model=sim")]
    assert any("level=1/1 phase=measure" in line and " ok=0 " not in line for line in lines)
    assert "ttft_p50_ms=2" in lines[-1]
    assert "in_flight=n/a" in lines[-1]
    assert watched.stdout.split("results ")[0] == printed.split("results ")[0]
    assert str(folder.relative_to(tmp_path)) in watched.stdout


def test_a_run_that_has_ended_prints_its_table_at_once(quick_url: str, tmp_path: Path) -> None:
    done = tailrace(
        *("run", "--url", quick_url, "-m", "sim", "-n", "3", "--warmup", "0s", "-q"), cwd=tmp_path
    )
    assert done.returncode in MEASURED
    again = tailrace("watch", str(next(tmp_path.glob("runs/*"))), cwd=tmp_path)
    assert again.stdout.split("results ")[0] == done.stdout.split("results ")[0]
    once = tailrace("watch", "--once", cwd=tmp_path)
    assert (once.returncode, once.stdout) == (0, "ended: complete\n")


@posix_only
def test_a_run_that_was_killed_is_said_to_be_dead(quick_url: str, tmp_path: Path) -> None:
    run = start_tailrace(
        *("run", "--url", quick_url, "-m", "sim", "-c", "2", "-d", "60s", "--warmup", "0s"),
        cwd=tmp_path,
    )
    folder = wait_for_level(tmp_path)
    once = tailrace("watch", "--once", cwd=tmp_path)
    assert once.stdout.startswith("model=sim model_no=1/1 load=2 level=1/1 phase=measure")
    run.send_signal(signal.SIGKILL)
    run.communicate()
    watched = tailrace("watch", str(folder), cwd=tmp_path)
    assert watched.returncode == 2
    assert "is not going on any more, and did not end" in watched.stderr
    assert f"tailrace run --resume {folder}" in watched.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "'runs' holds no run; name one"),
        (("nowhere",), "'nowhere' is not a tailrace run"),
        (("--out", "empty"), "'empty' holds no run; name one"),
    ],
)
def test_what_is_no_run_is_said(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    found = tailrace("watch", *arguments, cwd=tmp_path)
    assert found.returncode == 2
    assert said in found.stderr
    assert "Traceback" not in found.stderr
