"""What it costs to look at the server meanwhile: runs with and without it, in pairs.

Rule: the same job against the same endpoint, which tells its metrics; the looking process is on the
client's core, where it is most in the way. CPU is of the whole tree of processes. The errors are
tailrace's percentiles minus the endpoint's own.
Why: what is there to see the server must not be seen in the latencies.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

from harness import (
    BenchError,
    Figures,
    ask_truth,
    client_command,
    endpoint,
    reset_truth,
    spend,
    table,
    tailrace_said,
    true_figures,
)

from tailrace.simulate import Script

MODES = {
    "not looked at": ("--server-metrics", "off"),
    "every second": (),
    "ten times a second": ("--server-metrics-interval", "100ms"),
}
COLUMNS = (
    *("", "CPU s", "looks", "CPU s of the looks", "gap p50 error ms", "gap p99 error ms"),
    *("TTFT p50 error ms", "TTFT p99 error ms"),
)


def once(url: str, mode: str, args: argparse.Namespace) -> list[float]:
    """One run's figures, in the order of the columns."""
    reset_truth(url)
    command = client_command("tailrace", url, args.streams, args.requests, args.tokens)
    with tempfile.TemporaryDirectory(prefix="tailrace-bench-") as folder:
        spent = spend([*command, "--out", folder, *MODES[mode]])
        if spent.code not in (0, 11):
            raise BenchError(f"tailrace ended with {spent.code}:\n{spent.out[-2000:]}")
        said = tailrace_said(Path(folder))
        looks, looks_s = _looks(Path(folder))
    records = [row for row in ask_truth(url)["requests"] if not row["id"].endswith("-cold")]
    said.pop("chunks")
    off = Figures(said).minus(true_figures(records))
    errors = [off[name] for name in ("gap_p50", "gap_p99", "ttft_p50", "ttft_p99")]
    return [spent.cpu_s, looks, looks_s, *errors]


def _looks(folder: Path) -> tuple[float, float]:
    (path,) = folder.glob("*/sim/result.json")
    server = json.loads(path.read_bytes())["stages"][0].get("server")
    return (0.0, 0.0) if server is None else (server["looks"], server["cost"]["cpu_s"])


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--streams", type=int, default=256)
    parser.add_argument("--requests", type=int, default=2048)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args(arguments)
    script = Script(jitter=0.2, tokens=args.tokens, metrics=True)
    found: dict[str, list[list[float]]] = {mode: [] for mode in MODES}
    with endpoint(script) as url:
        for number in range(args.rounds):
            for mode in list(MODES)[:: 1 if number % 2 else -1]:
                found[mode].append(once(url, mode, args))
    rows = [
        [mode, *(f"{statistics.median(column):.2f}" for column in zip(*runs, strict=True))]
        for mode, runs in found.items()
    ]
    print(table(COLUMNS, rows))


if __name__ == "__main__":
    main()
