"""Runs the ``tailrace`` command as its users do: in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

MEASURED = (0, 11)
"""Exit codes of a run that ended whole; a busy machine may make any run INVALID, which is 11."""


def clean_env(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This environment without anything that tailrace reads, plus ``extra``.

    It may compile what it imports: hundreds of tests start it.
    """
    ours = (
        *("TAILRACE_", "OPENAI_", "BENCH_", "FOUNDRY_", "API_KEY", "RETRY_"),
        *("OTEL_", "MLFLOW_", "PYTHONDONTWRITEBYTECODE"),
    )
    env = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    return env | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"} | dict(extra or {})


def tailrace(
    *arguments: str,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    stdin: str = "",
    timeout_s: float = 60,
    ulimit: str | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run to the end, perhaps under a limit like ``-n 70``; stdout and stderr as text."""
    limited = ["bash", "-c", f'ulimit {ulimit}; exec "$@"', "-"] if ulimit else []
    return subprocess.run(
        [*limited, sys.executable, "-m", "tailrace", *arguments],
        cwd=cwd,
        env=clean_env(env),
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=timeout_s,
        check=False,
    )


def small_run(folder: Path, url: str, *more: str) -> Path:
    """The folder, with a run of a scripted endpoint in ``RUN``: model ``sim``, 1 and 2 users."""
    done = tailrace(
        *("run", "--url", url, "-m", "sim", "-c", "1,2", "-n", "6", "--warmup", "0s", "-q"),
        *("--out", "out", *more),
        cwd=folder,
    )
    assert done.returncode in MEASURED, done.stderr
    (found,) = (folder / "out").iterdir()
    found.rename(folder / "RUN")
    return folder


def start_tailrace(
    *arguments: str, cwd: Path, env: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    """Start it and return; the caller waits for it."""
    return subprocess.Popen(
        [sys.executable, "-m", "tailrace", *arguments],
        cwd=cwd,
        env=clean_env(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
