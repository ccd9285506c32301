"""The script for Slurm, run as it is, with stand-ins for Slurm's commands and a real Ray."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tailrace.results.files import RunFolder
from tailrace.simulate import background

from ..command import MEASURED
from .test_cluster import COMMON, SCRIPT, the_run, wait_for_rows
from .test_recipes import RECIPES
from .two_nodes import free_port, ray_env

pytestmark = pytest.mark.server
NODES, CORES = 2, 2

SRUN = """#!/bin/sh
# What stands behind the options runs here; each call is noted.
echo "$@" >> "$NOTES"
while [ "${1#--}" != "$1" ]; do
  case "$1" in --nodelist=*) NODE="${1#--nodelist=}";; esac
  shift
done
case "$1" in hostname) echo 127.0.0.1; exit;; esac
# One machine cannot start all of them in the half minute that Ray gives each.
case "$NODE" in weir2) sleep 20;; esac
exec "$@"
"""
SCONTROL = """#!/bin/sh
[ "$1 $2 $3" = "show hostnames weir[1-2]" ] && printf 'weir1\\nweir2\\n'
"""
COMMAND = """#!/bin/sh
exec {python} -m {module} "$@"
"""


@pytest.fixture
def job(tmp_path: Path) -> dict[str, str]:
    """The environment of a job of two nodes, its commands in front of all others."""
    commands = tmp_path / "bin"
    commands.mkdir()
    texts = {
        "srun": SRUN,
        "scontrol": SCONTROL,
        "ray": COMMAND.format(python=sys.executable, module="ray.scripts.scripts"),
        "tailrace": COMMAND.format(python=sys.executable, module="tailrace"),
    }
    for name, text in texts.items():
        (commands / name).write_text(text, encoding="utf-8")
        (commands / name).chmod(0o755)
    return ray_env() | {
        "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}",
        "NOTES": str(tmp_path / "notes"),
        "RAY_PORT": str(free_port()),
        "SLURM_JOB_NODELIST": "weir[1-2]",
        "SLURM_CPUS_PER_TASK": str(CORES),
    }


def start(job: dict[str, str], folder: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["bash", str(RECIPES / "slurm.sh"), *COMMON, *options],
        cwd=folder,
        env=job,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


@pytest.fixture
def nothing_left(job: dict[str, str]) -> Iterator[None]:
    """No process of the job's cluster is there afterwards, and none is left for the next test."""
    yield
    left = list(filter(None, (_of_cluster(each, job["RAY_PORT"]) for each in _processes())))
    for process in left:
        process.kill()
    assert left == []


def _processes() -> Iterator[psutil.Process]:
    yield from psutil.process_iter()


def _of_cluster(process: psutil.Process, port: str) -> psutil.Process | None:
    try:
        return process if any(port in word for word in process.cmdline()) else None
    except psutil.Error:
        return None


@pytest.mark.usefixtures("nothing_left")
def test_the_script_runs_on_every_node_and_ends_what_it_started(
    job: dict[str, str], tmp_path: Path
) -> None:
    with background(SCRIPT) as url:
        running = start(job, tmp_path, "--url", url, "-c", "8", "-n", "64")
        said, _ = running.communicate(timeout=300)
    assert running.returncode in MEASURED, said
    facts, (result,), _ = RunFolder(the_run(tmp_path)).rebuild()
    assert len(facts.fleet) == NODES * CORES
    assert len({each["node"] for each in facts.fleet}) == NODES
    assert result["stages"][0]["counts"]["measured"]["ok"] == 64
    calls = (tmp_path / "notes").read_text(encoding="utf-8").splitlines()
    starts = [call for call in calls if "ray start" in call]
    assert ["--head" in call for call in starts].count(True) == 1
    assert {f"--nodelist=weir{number}" for number in (1, 2)} <= set(" ".join(starts[1:]).split())


@pytest.mark.usefixtures("nothing_left")
def test_a_job_that_is_cancelled_leaves_nothing(job: dict[str, str], tmp_path: Path) -> None:
    """Everything that the job has started is asked to end, and at the same time."""
    with background(SCRIPT) as url:
        running = start(job, tmp_path, "--url", url, "-c", "4", "--duration", "120s")
        wait_for_rows(tmp_path, 20, within_s=200)
        os.killpg(running.pid, signal.SIGTERM)
        said, _ = running.communicate(timeout=100)
    kept = sum(file.read_bytes().count(b"\n") for file in tmp_path.glob("*-r/sim/requests*.jsonl"))
    assert kept >= 20, said
