"""Start-up: how long until the first request is at the server, and how long ``--help`` takes.

Rule: from just before the process is made to the moment the endpoint has read the request, on the
one clock that both processes share. Files are warm: one run goes before those that count.
Why: a tool that takes ten seconds to start is not used for a check of five.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

from harness import ask_truth, client_command, endpoint, reset_truth, spend, start, table

from tailrace.simulate import Script

IMPORTED = "import tailrace.commands.options, tailrace.display, tailrace.runner"


def first_request_s(url: str) -> float:
    """One run of one request."""
    reset_truth(url)
    with tempfile.TemporaryDirectory(prefix="tailrace-bench-") as folder:
        spent = spend([*client_command("tailrace", url, 1, 1, 2), "--out", folder])
    received = [row["received_ns"] for row in ask_truth(url)["requests"]]
    if not received:
        raise RuntimeError(f"no request came:\n{spent.out}")
    return float(min(received) - spent.began_ns) / 1e9


def help_s() -> float:
    """Wall time of ``tailrace --help``, process start and end included."""
    with tempfile.TemporaryFile() as out:
        began_ns = time.perf_counter_ns()
        if start([sys.executable, "-m", "tailrace", "--help"], out).wait():
            raise RuntimeError("tailrace --help failed")
        return (time.perf_counter_ns() - began_ns) / 1e9


def measure(repeats: int) -> str:
    """Both, as a Markdown table."""
    with endpoint(Script(ttft_ns=1_000_000, gap_ns=1_000_000, tokens=2)) as url:
        first_request_s(url)
        firsts = [first_request_s(url) for _ in range(repeats)]
    help_s()
    helps = [help_s() for _ in range(repeats)]
    rows = [
        [name, f"{statistics.median(found):.3f}", f"{min(found):.3f} to {max(found):.3f}"]
        for name, found in (("first request at the server", firsts), ("tailrace --help", helps))
    ]
    return table(("from process start, s", "median", "min to max"), rows)


def profile(top: int = 10) -> str:
    """The dearest imports of a run by their own time, in ms."""
    command = [sys.executable, "-X", "importtime", "-c", IMPORTED]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = [line.removeprefix("import time:").split("|") for line in done.stderr.splitlines()]
    found = [
        (int(own), int(total), name.strip()) for own, total, name in lines if own.strip().isdigit()
    ]
    rows = [
        [name, f"{own / 1e3:.1f}", f"{total / 1e3:.1f}"]
        for own, total, name in sorted(found, reverse=True)[:top]
    ]
    whole = sum(own for own, _, _ in found) / 1e3
    head = f"{len(found)} modules, {whole:.0f} ms with the tracing"
    return f"{head}\n\n{table(('import', 'own ms', 'with its own imports ms'), rows)}"


def main(arguments: Sequence[str] | None = None) -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--repeats", type=int, default=10)
    options.add_argument("--profile", action="store_true", help="the dearest imports as well")
    given = options.parse_args(arguments)
    print(measure(given.repeats), end="\n\n", flush=True)
    if given.profile:
        print(profile(), end="\n\n", flush=True)


if __name__ == "__main__":
    main()
