"""A run of one level against the endpoint, and the endpoint's truth of the same requests by id."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import httpx

from tailrace.display import Display, Quiet
from tailrace.results.schema import Row, parse_row
from tailrace.runner import Finished, run_scenario
from tailrace.scenarios.model import Scenario


class Matched:
    """One finished run; its rows are those of the level, without the cold request."""

    def __init__(self, finished: Finished, truth: dict[str, Any]) -> None:
        self.finished = finished
        self.truth = truth
        self.true_by_id = {request["id"]: request for request in truth["requests"]}
        lines = (finished.path / "sim" / "requests.jsonl").read_bytes().splitlines()
        self.rows = [row for row in (parse_row(line, "") for line in lines) if row.stage >= 0]
        self.stage = finished.results[0]["stages"][0]
        self.audit = {finding["name"]: finding for finding in self.stage["audit"]}

    def ttft_error_ns(self, row: Row) -> int:
        """Reported less true TTFT of one request."""
        true = self.true_by_id[row.id]
        true_ns: int = true["writes_ns"][0] - true["arrived_ns"]
        assert row.first_output_ns is not None
        assert row.sent_ns is not None
        return row.first_output_ns - row.sent_ns - true_ns

    def gap_errors_ns(self, row: Row) -> list[int]:
        """Reported less true gaps of one request."""
        true = itertools.pairwise(self.true_by_id[row.id]["writes_ns"])
        return [gap - (b - a) for gap, (a, b) in zip(row.gaps_ns, true, strict=True)]


def run_matched(scenario: Scenario, out: Path, display: Display | None = None) -> Matched:
    """Run it on a fresh book of truth."""
    root = scenario.base_url.removesuffix("/v1")
    httpx.delete(root + "/truth")
    finished = run_scenario(scenario, out, None, (), display or Quiet())
    return Matched(finished, httpx.get(root + "/truth", timeout=30).json())
