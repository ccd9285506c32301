"""What it costs to make the reports of a run of very many requests: CPU seconds and peak RSS.

    python bench/big_report.py                     10,000, 100,000 and 1,000,000 requests
    python bench/big_report.py --requests 200000
    python bench/big_report.py --requests 15625 --tokens 64 --prompts 50

The journals are made up, by default four tokens a request, at one level of 64 users; each is
rebuilt by `tailrace report` in a process of its own. A million lines are 330 MB in the temporary
folder.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from harness import spend, table

from tailrace.results.facts import Books, ModelFacts, RunFacts, StageFacts
from tailrace.results.files import RunFolder
from tailrace.results.schema import Row

USERS, MS = 64, 1_000_000
FIGURES = ("requests", "CPU s", "us a request", "peak RSS MB", "report.html MB", "result.json MB")


def row_of(number: int, tokens: int, prompts: int) -> Row:
    """A simple function of its number, so that nothing has to be drawn."""
    sent = number * 2 * MS
    first = sent + (40 + number * 7919 % 61) * MS
    gaps = [(9 + (number * 31 + k * 17) % 5) * MS for k in range(tokens - 1)]
    last = first + sum(gaps)
    row = Row(f"0-{number}", 0, number % USERS, "measure", sent - 100_000, sent_ns=sent)
    row.headers_ns = row.first_event_ns = row.first_output_ns = row.first_answer_ns = first
    row.last_output_ns = row.closed_ns = row.ended_ns = last
    row.gaps_ns, row.chunks, row.output_tokens, row.reads = gaps, tokens, tokens, tokens
    row.prompt = f"p{number % prompts}" if prompts else ""
    row.token_source, row.status, row.reused, row.finish_reason = "usage", 200, True, "length"
    return row


def make_run(path: Path, requests: int, tokens: int, prompts: int, workers: int = 1) -> None:
    """A folder as the engine leaves it; several workers have a journal each and take turns."""
    folder = RunFolder(path)
    path.mkdir()
    for worker in range(workers):
        journal = folder.open_journal("m", worker + 1 if workers > 1 else None)
        for begin in range(worker, requests, 1000 * workers):
            numbers = range(begin, min(begin + 1000 * workers, requests), workers)
            rows = (row_of(number, tokens, prompts).to_json() for number in numbers)
            journal.append(b"".join(rows))
        journal.close()
    ends = row_of(requests - 1, tokens, prompts).ended_ns
    books = Books(planned=requests, started=requests, ok=requests)
    stage = StageFacts(0, USERS, 0.0, None, requests, 0, books, 0, ends, ends, load=str(USERS))
    model = ModelFacts("m", "m", "ok", stages=[stage])
    scenario = {"url": "http://127.0.0.1:1/v1", "models": ["m"]}
    began = "2026-01-01T00:00:00Z"
    facts = RunFacts("big", began, 0, 0, {}, {}, {}, scenario, [model], "complete")
    folder.write_facts(facts)


def measure(requests: int, tokens: int, prompts: int) -> Sequence[str]:
    """A line of the table."""
    with tempfile.TemporaryDirectory(prefix="tailrace-bench-") as folder:
        path = Path(folder) / "run"
        make_run(path, requests, tokens, prompts)
        spent = spend([sys.executable, "-m", "tailrace", "report", str(path)])
        if spent.code not in (0, 11):
            raise SystemExit(f"tailrace report ended with {spent.code}:\n{spent.out[-2000:]}")
        sizes = [(path / name).stat().st_size / 1e6 for name in ("report.html", "m/result.json")]
    cost = spent.cpu_s / requests * 1e6
    figures = (f"{spent.cpu_s:.1f}", f"{cost:.0f}", f"{spent.peak_bytes / 1e6:.0f}")
    return (f"{requests:,}", *figures, *(f"{size:.2f}" for size in sizes))


def main(arguments: Sequence[str] | None = None) -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--requests", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    options.add_argument("--tokens", type=int, default=4, help="of each request")
    options.add_argument("--prompts", type=int, default=0, help="asked in turn")
    given = options.parse_args(arguments)
    rows = [measure(requests, given.tokens, given.prompts) for requests in given.requests]
    print(table(FIGURES, rows))


if __name__ == "__main__":
    main()
