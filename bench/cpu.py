"""CPU seconds per million streamed tokens: tailrace between the raw limit and aiohttp.

Rule: the clients take turns (A B C A B C), so that a change of the machine's mood strikes all of
them; a ratio is taken within a round, never between rounds. The whole process counts, start-up
and files included. The error against truth is the client's percentile minus the endpoint's own.
Why: on a shared machine a lone figure drifts by tens of percent, a paired ratio by a few.

The endpoint's delays are jittered. With even delays a closed loop keeps the phases that its first
wave happened to have: streams in step come many to a wake-up, streams out of step one by one, and
the same client then costs more (raw at 64 streams: a third and up). Jitter soon spreads the
streams of every client alike. *Sleeps*, how often the process waited, show how they came.

*Busy* is the CPU that the client used of its one core. A client that is at its limit reads several
tokens at once, late, and is at its cheapest then: its cost is that of another job. Where a client
is above nine tenths, compare at a load that each of them can hold (``--gap-ms 40``).
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Sequence

from harness import NAMES, Run, endpoint, run_client, table

from tailrace.simulate import Script

TTFT_NS = 200_000_000
JOBS = {256: 15_625, 1000: 15_625}
"""Streams: requests, so that a client streams the million tokens that its CPU is stated for."""
_BESIDE = ("CPU s", "busy", "sleeps a 1000 tokens", "wall s", "peak RSS MB", "first s")
FIGURES = ("ttft_p50", "ttft_p99", "gap_p50", "gap_p99")


def measure(
    streams: int, requests: int, script: Script, rounds: int, clients: Sequence[str]
) -> list[dict[str, Run]]:
    """Each round holds one run of each client."""
    found: list[dict[str, Run]] = []
    with endpoint(script) as url:
        for number in range(rounds):
            found.append({})
            for client in clients:
                run = found[-1][client] = run_client(client, url, streams, requests, script.tokens)
                print(
                    f"{streams} streams, round {number + 1}: {client} "
                    f"{run.cpu_per_million:.1f} CPU-s per M tokens in {run.spent.wall_s:.1f} s",
                    file=sys.stderr,
                )
    return found


def report(streams: int, requests: int, script: Script, rounds: Sequence[dict[str, Run]]) -> str:
    """The tables of one job as Markdown."""
    head = ("client", "CPU-s per M tokens", "min to max", *_BESIDE)
    errors = ("client", *(f"{name.replace('_', ' ')} error ms" for name in FIGURES))
    clients = list(rounds[0])
    runs = {client: [each[client] for each in rounds] for client in clients}
    job = f"{streams} streams, {requests:,} requests of {script.tokens} tokens"
    title = f"### {job} {script.gap_ns / 1e6:g} ms apart, {len(rounds)} rounds"
    parts = [title, table(head, [_cost_row(client, runs[client]) for client in clients])]
    parts.append(table(errors, [_error_row(client, runs[client]) for client in clients]))
    ratios = [
        _ratio_row(name, [_ratio(each, name) for each in rounds])
        for name in clients
        if name != "tailrace" and "tailrace" in clients
    ]
    if ratios:
        parts.append(table(("ratio, pair by pair", "median", "min to max"), ratios))
    return "\n\n".join(parts)


def _ratio(each: dict[str, Run], other: str) -> float:
    return each["tailrace"].spent.cpu_s / each[other].spent.cpu_s


def _ratio_row(other: str, ratios: Sequence[float]) -> list[str]:
    median = statistics.median(ratios)
    return [f"tailrace / {other}", f"{median:.2f}", f"{min(ratios):.2f} to {max(ratios):.2f}"]


def _cost_row(client: str, runs: Sequence[Run]) -> list[str]:
    costs = [run.cpu_per_million for run in runs]
    return [
        client,
        f"{statistics.median(costs):.1f}",
        f"{min(costs):.1f} to {max(costs):.1f}",
        f"{statistics.median(run.spent.cpu_s for run in runs):.2f}",
        f"{statistics.median(run.spent.cpu_s / run.spent.wall_s for run in runs):.0%}",
        f"{statistics.median(run.spent.sleeps / run.tokens for run in runs) * 1e3:.0f}",
        f"{statistics.median(run.spent.wall_s for run in runs):.1f}",
        f"{statistics.median(run.spent.peak_bytes for run in runs) / 1e6:.1f}",
        f"{statistics.median(run.first_request_s for run in runs):.2f}",
    ]


def _error_row(client: str, runs: Sequence[Run]) -> list[str]:
    errors = [run.said.minus(run.true) for run in runs]
    return [client, *(f"{statistics.median(e[name] for e in errors):+.3f}" for name in FIGURES)]


def main(arguments: Sequence[str] | None = None) -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--streams", type=int, nargs="+", default=list(JOBS))
    options.add_argument("--requests", type=int, help="of each job; default by its streams")
    options.add_argument("--tokens", type=int, default=64)
    options.add_argument("--gap-ms", type=float, default=20.0)
    options.add_argument("--jitter", type=float, default=0.2, help="of each delay, 0 for none")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--all", action="store_true", help="stock httpx as well")
    options.add_argument("--clients", nargs="+", choices=NAMES)
    given = options.parse_args(arguments)
    clients = given.clients or NAMES[: 4 if given.all else 3]
    for streams in given.streams:
        requests = given.requests or JOBS.get(streams, 15_625)
        gap_ns = round(given.gap_ms * 1e6)
        script = Script(ttft_ns=TTFT_NS, gap_ns=gap_ns, tokens=given.tokens, jitter=given.jitter)
        rounds = measure(streams, requests, script, given.rounds, clients)
        print(report(streams, requests, script, rounds), end="\n\n", flush=True)


if __name__ == "__main__":
    main()
