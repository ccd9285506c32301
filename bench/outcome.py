"""Outcome: what one client cost and said on one job, and the tables of several.

Rule: pure. A client's figure is compared with the endpoint's under the client's own definition:
percentiles of all gaps, or of each request's mean gap. A client that was not measured has a row
that says why.
Why: the error is to be the client's, not the definition's; and who is missing is a result too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from harness import table
from peer import Job, Said

FIGURES = ("ttft_p50", "ttft_p99", "gap_p50", "gap_p99")
NONE = "-"


@dataclass
class Outcome:
    """One client, one job. Where there is a reason, the rest is what is known in spite of it."""

    client: str
    version: str = ""
    reason: str = ""
    cpu_s: float = 0.0
    start_cpu_s: float = 0.0
    """Of it until the endpoint had read the first request."""
    peak_pss: int = 0
    peak_rss: int = 0
    processes: int = 0
    pids: int = 0
    killed: int = 0
    others_s: float = 0.0
    """CPU seconds of processes that have nothing to do with this, the while."""
    wall_s: float = 0.0
    first_s: float = 0.0
    load_s: float = 0.0
    """First request to last answer."""
    requests: int = 0
    """Whole answers of the job's length; other requests are probes."""
    probes: int = 0
    tokens: int = 0
    in_flight: int = 0
    connections: int = 0
    gap: str = ""
    ok: int = 0
    said_ns: dict[str, float] = field(default_factory=dict)
    true_ns: dict[str, float] = field(default_factory=dict)

    @property
    def errors_ms(self) -> dict[str, float]:
        """Said minus true, by figure."""
        return {name: (self.said_ns[name] - self.true_ns[name]) / 1e6 for name in self.said_ns}

    @property
    def per_million(self) -> float:
        """CPU seconds per million tokens that the endpoint sent."""
        return self.cpu_s / self.tokens * 1e6

    @property
    def per_million_after_start(self) -> float:
        """The same without what was spent before the first request."""
        return (self.cpu_s - self.start_cpu_s) / self.tokens * 1e6

    @property
    def others_cores(self) -> float:
        """What others took of the machine, on average."""
        return self.others_s / self.wall_s if self.wall_s else 0.0

    def values(self) -> dict[str, Any]:
        """Everything as plain values, derived ones included."""
        derived: dict[str, Any] = {"errors_ms": self.errors_ms}
        if self.tokens:
            derived["cpu_s_per_million"] = self.per_million
            derived["cpu_s_per_million_after_start"] = self.per_million_after_start
        return asdict(self) | derived


def judge(outcome: Outcome, job: Job, said: Said, truth: Mapping[str, Any]) -> None:
    """Fill in what the endpoint knows, and what the client says beside it."""
    rows = [row for row in truth["requests"] if not row["id"].endswith("-cold")]
    done = [row for row in rows if row["end"] == "done" and row["tokens"] == job.tokens]
    outcome.requests, outcome.probes = len(done), len(rows) - len(done)
    outcome.tokens = sum(row["tokens"] for row in truth["requests"])
    outcome.in_flight = truth["max_in_flight"]
    outcome.connections = truth["connections"]
    outcome.ok, outcome.gap, outcome.said_ns = said.ok, said.gap, said.figures
    if not done:
        outcome.reason = "no whole answer reached it"
        return
    outcome.load_s = (max(row["done_ns"] for row in done) - min_received(truth)) / 1e9
    outcome.true_ns = true_figures(done, each_gap=said.gap == "each gap")


def min_received(truth: Mapping[str, Any]) -> int:
    """When the endpoint had read the first request; 0 if it never did."""
    return min((row["received_ns"] for row in truth["requests"]), default=0)


def true_figures(rows: Sequence[Mapping[str, Any]], *, each_gap: bool) -> dict[str, float]:
    """Start of service to first write, and between writes or the mean of that in each answer."""
    writes = np.array([row["writes_ns"] for row in rows], dtype=np.int64)
    started = np.array([row["started_ns"] for row in rows], dtype=np.int64)
    gaps = np.diff(writes)
    values = (writes[:, 0] - started, gaps.ravel() if each_gap else gaps.mean(axis=1))
    found: list[float] = []
    for each in values:
        found += map(float, np.percentile(each, (50, 99), method="inverted_cdf"))
    return dict(zip(FIGURES, found, strict=True))


def report(job: Job, outcomes: Sequence[Outcome]) -> str:
    """The tables of one job as Markdown: cost, error, and who is missing."""
    measured = [each for each in outcomes if not each.reason]
    missing = [each for each in outcomes if each.reason]
    parts = [f"### {job.streams} streams, {job.requests:,} requests of {job.tokens} tokens"]
    if measured:
        parts.append(_cost_table(job, measured))
        parts.append(_error_table(measured))
    if missing:
        rows = [[_name(each), each.reason] for each in missing]
        parts.append(table(("not measured", "why"), rows))
    return "\n\n".join(parts)


def _name(outcome: Outcome) -> str:
    return f"{outcome.client} {outcome.version.split()[0]}" if outcome.version else outcome.client


def _cost_table(job: Job, outcomes: Sequence[Outcome]) -> str:
    head = ("client", "CPU-s per M tokens", "after start-up", "peak PSS MB", "sum of RSS MB")
    head += (
        "processes",
        "first request s",
        "wall s",
        "streams held",
        "requests",
        "connections",
        "others' cores",
    )
    rows = [
        [
            _name(each),
            f"{each.per_million:.1f}",
            f"{each.per_million_after_start:.1f}",
            f"{each.peak_pss / 1e6:.0f}" if each.peak_pss else NONE,
            f"{each.peak_rss / 1e6:.0f}",
            str(each.processes),
            f"{each.first_s:.2f}",
            f"{each.wall_s:.1f}",
            f"{each.in_flight:,} of {job.streams:,}",
            f"{each.requests:,}" + (f" + {each.probes}" if each.probes else ""),
            f"{each.connections:,}",
            f"{each.others_cores:.2f}",
        ]
        for each in outcomes
    ]
    return table(head, rows)


def _error_table(outcomes: Sequence[Outcome]) -> str:
    head = ("client", *(f"{name.replace('_', ' ')} error ms" for name in FIGURES), "gap is")
    rows = []
    for each in outcomes:
        errors = each.errors_ms
        texts = [f"{errors[name]:+.2f}" if name in errors else NONE for name in FIGURES]
        rows.append([_name(each), *texts, each.gap])
    return table(head, rows)
