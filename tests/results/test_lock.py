"""Who writes into a folder: many of one run, or one resumption alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tailrace.errors import UsageError
from tailrace.results import lock
from tailrace.results.lock import Lock

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="one process cannot show it there")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "PATIENCE_S", 0.1)


def test_writers_share_and_a_resumption_is_refused(tmp_path: Path) -> None:
    first, second = Lock(tmp_path), Lock(tmp_path)
    with pytest.raises(UsageError, match="is still being written by another process"):
        Lock(tmp_path, alone=True)
    first.release()
    with pytest.raises(UsageError):
        Lock(tmp_path, alone=True)
    second.release()
    second.release()
    Lock(tmp_path, alone=True).release()


def test_what_is_held_alone_can_be_shared(tmp_path: Path) -> None:
    alone = Lock(tmp_path, alone=True)
    with pytest.raises(UsageError):
        Lock(tmp_path)
    alone.share()
    Lock(tmp_path).release()
    alone.release()


def test_the_end_of_a_process_gives_it_back(tmp_path: Path) -> None:
    code = (
        "import os, pathlib, sys; from tailrace.results.lock import Lock; "
        "lock = Lock(pathlib.Path(sys.argv[1]), alone=True); print('held', flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=Path(__file__).resolve().parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(UsageError):
            Lock(tmp_path, alone=True)
        process.kill()
    Lock(tmp_path, alone=True).release()
