"""Memory: the peak at 256 streams, and whether it grows with the number of requests.

Rule: resident size of the tailrace process alone; the growth is a line fitted through samples
taken every thousand requests from a tenth of the run on, when everything has been used once.
Why: what is kept in memory a request ends a long run; here it is to be on disk.
"""

from __future__ import annotations

import argparse
import contextlib
import tempfile
import time
from collections.abc import Sequence

import psutil
from harness import ask_truth, client_command, endpoint, peak_of, run_client, start, table

from tailrace.simulate import Script

MS = 1_000_000
STEP = 1_000


def at_256_streams(requests: int) -> str:
    """Peak of a whole run, writing of the reports included."""
    with endpoint(Script(ttft_ns=200 * MS, gap_ns=20 * MS, tokens=64)) as url:
        run = run_client("tailrace", url, 256, requests, 64)
    row = ["256", f"{requests:,}", f"{run.spent.peak_bytes / 1e6:.1f}"]
    return table(("streams", "requests", "peak RSS MB"), [row])


def sampled(requests: int, streams: int) -> tuple[list[tuple[int, int]], int]:
    """((requests so far, RSS in bytes), every thousand; the peak of the whole process)."""
    samples: list[tuple[int, int]] = []
    peak = 0
    script = Script(ttft_ns=MS, gap_ns=MS, tokens=2, truth_limit=1_000)
    with (
        endpoint(script) as url,
        tempfile.TemporaryDirectory(prefix="tailrace-bench-") as folder,
        tempfile.TemporaryFile() as out,
    ):
        command = client_command("tailrace", url, streams, requests, 2)
        child = start([*command, "--out", folder], out)
        watched = psutil.Process(child.pid)
        with contextlib.suppress(psutil.NoSuchProcess):
            while child.poll() is None:
                seen = ask_truth(url, records=False)["request_count"]
                if seen >= (len(samples) + 1) * STEP:
                    samples += [(seen, watched.memory_info().rss)] * (seen // STEP - len(samples))
                peak = max(peak, peak_of(watched))
                time.sleep(0.02)
        if child.returncode not in (0, 11):
            out.seek(0)
            raise RuntimeError(out.read().decode("utf-8", "replace")[-2000:])
    return samples, peak


def slope(samples: Sequence[tuple[int, int]]) -> float:
    """Bytes a request, by least squares."""
    mean_x = sum(x for x, _ in samples) / len(samples)
    mean_y = sum(y for _, y in samples) / len(samples)
    above = sum((x - mean_x) * (y - mean_y) for x, y in samples)
    return above / sum((x - mean_x) ** 2 for x, _ in samples)


def growth(requests: int, streams: int) -> str:
    """RSS at marks along the run, and the slope."""
    samples, peak = sampled(requests, streams)
    rows = []
    for share in (0.10, 0.25, 0.50, 1.00):
        mark = round(requests * share)
        rss = next((rss for seen, rss in samples if seen >= mark), samples[-1][1])
        rows.append([f"{mark:,}", f"{rss / 1e6:.1f}"])
    rows.append(["peak, reports included", f"{peak / 1e6:.1f}"])
    settled = [sample for sample in samples if sample[0] >= requests / 10]
    line = f"{slope(settled):+.0f} bytes a request from {requests // 10:,} to {requests:,}"
    return f"{table(('requests', 'RSS MB'), rows)}\n\n{line}, {streams} streams, 2 tokens each"


def main(arguments: Sequence[str] | None = None) -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--requests", type=int, default=100_000, help="of the long run")
    options.add_argument("--streams", type=int, default=32, help="of the long run")
    options.add_argument("--at-256", type=int, default=4_096, help="requests at 256 streams")
    given = options.parse_args(arguments)
    print(at_256_streams(given.at_256), end="\n\n", flush=True)
    print(growth(given.requests, given.streams), end="\n\n", flush=True)


if __name__ == "__main__":
    main()
