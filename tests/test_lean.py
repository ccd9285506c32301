"""Starting lean, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys

from .command import clean_env

_ASK = """
import gc, os, sys
from tailrace.lean import COLLECT_AT, one_blas_thread, start_lean
start_lean()
with one_blas_thread():
    import numpy
    import httpx
    within = os.environ["OPENBLAS_NUM_THREADS"]
assert gc.get_threshold() == COLLECT_AT
assert "pygments" not in sys.modules
print(within, os.environ.get("OPENBLAS_NUM_THREADS"), len(os.listdir("/proc/self/task"))
      if sys.platform == "linux" else 1)
"""


def asked(environment: dict[str, str]) -> list[str]:
    command = [sys.executable, "-c", _ASK]
    env = clean_env(environment)
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_numpy_starts_no_threads_and_a_server_that_is_started_later_is_not_told() -> None:
    assert asked({}) == ["1", "None", "1"]


def test_what_the_user_says_of_threads_stays() -> None:
    assert asked({"OPENBLAS_NUM_THREADS": "2"})[:2] == ["2", "2"]
