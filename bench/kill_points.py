"""Kills runs at random moments with SIGKILL, and looks for what is lost.

    python bench/kill_points.py --points 200

Rule: what had ended is known from the endpoint, not from the client. A connection carries one
request at a time, so a request is over, for its client, when another one comes on its connection.
Each such request must be in the journal once, and the folder must load. One run in two has two
worker processes; of those the parent or one worker is killed. A killed worker leaves a run that
ends by itself and names it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import psutil

from tailrace.errors import TailraceError
from tailrace.results.files import RunFolder
from tailrace.results.journal import JournalReader
from tailrace.simulate import Script, background

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = Script(ttft_ns=10_000_000, gap_ns=1_000_000, tokens=8, jitter=0.5)
USERS = 8
LONGEST_S = 1.5
"""A kill comes at most so long after the first request of the load."""


class Killed(NamedTuple):
    """What one killed run left."""

    target: str
    ended: int
    """Requests that another one followed on their connection."""
    lost: int
    """Of these, how many no journal has."""
    doubled: int
    torn: int
    loads: bool


def killed_run(folder: Path, workers: int, after_s: float, target: str) -> Killed:
    """Start a run of its own endpoint, kill ``target`` after that time, and look."""
    with background(SCRIPT) as url:
        command = (
            *("-m", "tailrace", "run", "--url", url, "-m", "sim", "-c", str(USERS), "-q"),
            *("--duration", "20s" if target == "parent" else "3s", "--warmup", "0s"),
            *("--workers", str(workers), "--out", str(folder)),
        )
        running = subprocess.Popen(
            [sys.executable, *command],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _wait_for_load(url, running)
        time.sleep(after_s)
        family = psutil.Process(running.pid).children(recursive=True)
        _kill(running, target)
        with contextlib.suppress(subprocess.TimeoutExpired):
            running.wait(timeout=30)
        if running.poll() is None:
            running.kill()
            raise SystemExit("a run whose worker was killed did not end")
        _, alive = psutil.wait_procs(family, timeout=10)  # workers of a killed parent notice it
        if alive:
            raise SystemExit("a worker outlived its run")
        seen = _truth(url)["requests"]
    (run,) = folder.iterdir()
    return _looked_at(run, seen, target)


def _looked_at(run: Path, seen: list[dict[str, object]], target: str) -> Killed:
    readers = [JournalReader(path) for path in (run / "sim").glob("requests*.jsonl")]
    rows = Counter(row.id for reader in readers for row in reader)
    last = {record["connection"]: record["id"] for record in seen}
    ended = [r["id"] for r in seen if last[r["connection"]] != r["id"]]
    torn = sum(reader.torn_lines for reader in readers)
    return Killed(
        target,
        len(ended),
        sum(each not in rows for each in ended),
        sum(count - 1 for count in rows.values()),
        torn,
        _loads(run, sum(rows.values())),
    )


def _loads(run: Path, rows: int) -> bool:
    """Whether the reports are made, of every row."""
    try:
        facts, _, _ = RunFolder(run).rebuild()
    except TailraceError as exc:
        print(exc, file=sys.stderr)
        return False
    kept = sum(1 for _ in JournalReader(run / "sim" / "requests.jsonl"))
    return kept == rows and len(facts.models) == 1


def _wait_for_load(url: str, running: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until and running.poll() is None:
        if _truth(url, "?requests=0")["request_count"] > 1:  # behind the cold request
            return
        time.sleep(0.02)
    raise SystemExit("the load did not begin")


def _kill(running: subprocess.Popen[bytes], target: str) -> None:
    if target == "parent":
        running.kill()
        return
    children = psutil.Process(running.pid).children(recursive=True)
    workers = [each for each in children if "worker_process" in " ".join(each.cmdline())]
    random.choice(workers).send_signal(signal.SIGKILL)


def _truth(url: str, query: str = "") -> dict[str, list[dict[str, object]]]:
    where = url.removesuffix("/v1") + "/truth" + query
    with urllib.request.urlopen(where, timeout=30) as answer:
        found: dict[str, list[dict[str, object]]] = json.load(answer)
        return found


def points(many: int, seed: int) -> Iterator[tuple[int, float, str]]:
    """(workers, seconds, target) of each kill."""
    dice = random.Random(seed)
    for number in range(many):
        workers = 1 + number % 2
        target = "parent" if workers == 1 or dice.random() < 0.5 else "worker"
        yield workers, dice.uniform(0, LONGEST_S), target


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--points", type=int, default=200)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--at-once", type=int, default=2)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(given.at_once) as pool:
        wanted = enumerate(points(given.points, given.seed))
        waiting = [pool.submit(killed_run, Path(folder, str(n)), *point) for n, point in wanted]
        found = [each.result() for each in waiting]
    print("| killed | runs | requests ended | lost | doubled | torn lines | folders that load |")
    print("|---|---|---|---|---|---|---|")
    for target in ("parent", "worker"):
        mine = [each for each in found if each.target == target]
        sums = [sum(column) for column in list(zip(*mine, strict=True))[1:]] if mine else [0] * 5
        print(f"| {target} | {len(mine)} | {' | '.join(map(str, sums))} |")
    bad = [each for each in found if each.lost or each.doubled or not each.loads]
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
