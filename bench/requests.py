"""CPU of a request: tailrace and the raw limit on answers of one token that come at once.

Rule: each client runs a short and a long job, and the slope between the two counts: start-up, which
outweighs some thousand such requests, drops out of it. The clients take turns; a ratio is taken
within a round. *In the stage* is what tailrace itself saw its process spend while it made load, so
the rest of its slope is the result files.
Why: a streamed chunk is the common case and cheap (``cpu.py``); what bounds the rate of small
requests, and how late they start, is what a request costs besides its chunks.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from harness import (
    BenchError,
    Spent,
    ask_truth,
    client_command,
    endpoint,
    reset_truth,
    spend,
    table,
)

from tailrace.simulate import Script

CLIENTS = ("raw", "tailrace")
SIZES = (2_000, 20_000)
USERS = 64


class Cost(NamedTuple):
    """Of one request, in us."""

    cpu: float
    in_stage: float | None
    """CPU between the first request and the last; only tailrace tells."""
    apart: float
    """From one request to the next, as the endpoint received them in the long job."""
    whole: float
    """CPU of the whole short job, start-up included: what the slope is there to leave out."""


class Job(NamedTuple):
    """One job of one client."""

    spent: Spent
    in_stage: float | None
    apart: float


def run_once(name: str, url: str, users: int, requests: int, tokens: int) -> Job:
    """A job, checked against the endpoint's books."""
    reset_truth(url)
    command = client_command(name, url, users, requests, tokens)
    in_stage = None
    with tempfile.TemporaryDirectory(prefix="tailrace-bench-") as folder:
        if name == "tailrace":
            command += ["--out", folder]
        spent = spend(command)
        if spent.code not in (0, 11):  # 11: a noisy machine may make the verdict INVALID
            raise BenchError(f"{name} ended with {spent.code}:\n{spent.out[-2000:]}")
        if name == "tailrace":
            in_stage = _stage(Path(folder))["pulse"]["cpu_ns"] / 1e3 / requests
    rows = [row for row in ask_truth(url)["requests"] if not row["id"].endswith("-cold")]
    answered = sum(row["end"] == "done" for row in rows)
    if not len(rows) == answered == requests:
        raise BenchError(f"{name}: {len(rows)} requests, {answered} answered, not {requests}")
    received = [row["received_ns"] for row in rows]
    return Job(spent, in_stage, (max(received) - min(received)) / 1e3 / requests)


def _stage(folder: Path) -> dict[str, Any]:
    (path,) = folder.glob("*/run.json")
    found: dict[str, Any] = json.loads(path.read_bytes())["models"][0]["stages"][0]
    return found


def cost_of(name: str, url: str, users: int, sizes: Sequence[int], tokens: int) -> Cost:
    """The slope between a short and a long job."""
    short = run_once(name, url, users, sizes[0], tokens)
    long = run_once(name, url, users, sizes[1], tokens)
    cpu = (long.spent.cpu_s - short.spent.cpu_s) / (sizes[1] - sizes[0]) * 1e6
    return Cost(cpu, long.in_stage, long.apart, short.spent.cpu_s / sizes[0] * 1e6)


def report(rounds: Sequence[dict[str, Cost]]) -> str:
    """The rounds as Markdown tables."""
    rows = []
    for name in rounds[0]:
        costs = [each[name].cpu for each in rounds]
        stage = [cost for each in rounds if (cost := each[name].in_stage) is not None]
        rows.append(
            [
                name,
                f"{statistics.median(costs):.1f}",
                f"{min(costs):.1f} to {max(costs):.1f}",
                f"{statistics.median(stage):.1f}" if stage else "",
                f"{1e6 / statistics.median(each[name].apart for each in rounds):,.0f}",
                f"{statistics.median(each[name].whole for each in rounds):.0f}",
            ]
        )
    head = ("client", "CPU us a request", "min to max", "in the stage", "requests/s")
    parts = [table((*head, "short job, start-up in"), rows)]
    if len(rounds[0]) > 1:
        ratios = [each["tailrace"].cpu / each["raw"].cpu for each in rounds]
        spread = f"{min(ratios):.1f} to {max(ratios):.1f}"
        row = ["tailrace / raw", f"{statistics.median(ratios):.1f}", spread]
        parts.append(table(("ratio, pair by pair", "median", "min to max"), [row]))
    return "\n\n".join(parts)


def main(arguments: Sequence[str] | None = None) -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--users", type=int, default=USERS)
    options.add_argument("--sizes", type=int, nargs=2, default=SIZES, metavar=("SHORT", "LONG"))
    options.add_argument("--tokens", type=int, default=1)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--clients", nargs="+", choices=CLIENTS, default=CLIENTS)
    given = options.parse_args(arguments)
    rounds: list[dict[str, Cost]] = []
    with endpoint(Script(ttft_ns=0, gap_ns=0, tokens=given.tokens)) as url:
        for number in range(given.rounds):
            rounds.append({})
            for name in given.clients:
                cost = cost_of(name, url, given.users, given.sizes, given.tokens)
                rounds[-1][name] = cost
                print(f"round {number + 1}: {name} {cost.cpu:.0f} us", file=sys.stderr)
    print(report(rounds), end="\n\n", flush=True)


if __name__ == "__main__":
    main()
