"""What many workers cost the machine that asks: merging what they measured, and getting them ready.

    python bench/fleet.py                           merging: journals and facts of 1 to 64 workers
    python bench/fleet.py --cluster 127.0.0.1:6379  how long until a level begins, on a Ray cluster

Merging is simulated: so many journals with the same rows in all, each in order, as workers leave
them, and the facts of so many parts, each with histograms of its own. The cluster is a real one.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

from big_report import make_run
from harness import endpoint, spend, table

from tailrace.results.facts import Books, StageFacts
from tailrace.results.hist import Hist
from tailrace.results.merge import merge_into
from tailrace.results.spread import spread_of
from tailrace.results.stamp_facts import StampFacts
from tailrace.simulate import Script

WORKERS = (1, 2, 4, 8, 16, 32, 64)
REQUESTS = 256_000


def part(seed: int) -> StageFacts:
    """As a worker sends it: books, and how late it saw its reads."""
    random, lag = Random(seed), Hist()
    lag.add_many([round(random.lognormvariate(11, 1)) for _ in range(5000)])
    stamps = StampFacts(5000, 0, 0, spread_of(lag))
    books = Books(planned=4000, started=4000, ok=4000)
    return StageFacts(0, 64, 0.0, None, None, 0, books, 0, 10**10, 10**10, stamps=stamps)


def facts_ms(workers: int) -> float:
    """To merge the facts of a level."""
    parts = [part(seed) for seed in range(workers)]
    whole = StageFacts(0, 64, 0.0, None, None, 0, Books())
    began_ns = time.process_time_ns()
    merge_into(whole, parts)
    took_ns = time.process_time_ns() - began_ns
    assert (whole.books.ok, whole.stamps.lag.n) == (4000 * workers, 5000 * workers)
    return took_ns / 1e6


def merged(workers: int, requests: int) -> Sequence[str]:
    """A line of the table."""
    with tempfile.TemporaryDirectory(prefix="tailrace-bench-") as folder:
        path = Path(folder) / "run"
        make_run(path, requests, 4, 0, workers)
        spent = spend([sys.executable, "-m", "tailrace", "report", str(path)])
        if spent.code not in (0, 11):
            raise SystemExit(f"tailrace report ended with {spent.code}:\n{spent.out[-2000:]}")
        with (path / "m" / "requests.jsonl").open("rb") as rows:
            assert sum(1 for _ in rows) == requests
    each_us = spent.cpu_s / requests * 1e6
    rss_mb = spent.peak_bytes / 1e6
    return (
        str(workers),
        f"{spent.cpu_s:.1f}",
        f"{each_us:.1f}",
        f"{rss_mb:.0f}",
        f"{facts_ms(workers):.0f}",
    )


def begun(address: str, workers: int) -> Sequence[str]:
    """How long from the command until the level began, and how far the clocks were known."""
    with tempfile.TemporaryDirectory(prefix="tailrace-bench-") as folder:
        with endpoint(Script(10_000_000, 1_000_000, 4)) as url:
            command = [sys.executable, "-m", "tailrace", "run", "--url", url, "-m", "sim", "-q"]
            command += ["-c", str(workers), "-n", str(workers), "--warmup", "0s", "--out", folder]
            command += ["--fleet", address, "--workers", str(workers)]
            began = time.perf_counter()
            done = subprocess.run(command, check=False, capture_output=True, text=True)
            took_s = time.perf_counter() - began
        if done.returncode not in (0, 11):
            raise SystemExit(done.stderr)
        (path,) = Path(folder).glob("*/run.json")
        stage = json.loads(path.read_bytes())["models"][0]["stages"][0]
    clocks = sorted(each["clock"]["uncertainty_ns"] for each in stage["parts"])
    middle_ms = clocks[len(clocks) // 2] / 1e6
    return (str(workers), f"{stage['began_ns'] / 1e9:.1f}", f"{middle_ms:.2f}", f"{took_s:.1f}")


def main(arguments: Sequence[str] | None = None) -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--requests", type=int, default=REQUESTS)
    options.add_argument("--workers", type=int, nargs="+", default=WORKERS)
    options.add_argument("--cluster", help="address of a Ray cluster with cores enough")
    given = options.parse_args(arguments)
    if given.cluster:
        head = ("workers", "level begins s", "clock ± ms, median", "command s")
        print(table(head, [begun(given.cluster, workers) for workers in given.workers]))
        return
    head = ("workers", "report CPU s", "us a request", "peak RSS MB", "facts of a level ms")
    print(table(head, [merged(workers, given.requests) for workers in given.workers]))


if __name__ == "__main__":
    main()
