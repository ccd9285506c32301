"""A server that misbehaves on every second request: each fault has its outcome and class, the
other half is measured, and the books balance."""

from __future__ import annotations

from pathlib import Path

import pytest

from tailrace.display import Quiet
from tailrace.results.schema import Row, parse_row
from tailrace.runner import Finished, run_scenario
from tailrace.scenarios.model import Level, Scenario
from tailrace.simulate import Script, background

REQUESTS = 8
USERS = 2

FAULTS = [
    ("http_401", "error", "http_401"),
    ("http_404", "error", "http_404"),
    ("http_429", "error", "http_429"),
    ("http_500", "error", "http_500"),
    ("not_sse", "error", "not_sse"),
    ("error_event", "error", "error_event"),
    ("truncated", "error", "truncated"),
    ("no_done", "error", "no_done"),
    ("reset", "error", "reset"),
    ("empty", "error", "empty"),
    ("garbage_json", "error", "bad_event"),
    ("stall", "timeout", "idle_timeout"),
]

HARMLESS = ["close_idle", "connection_close"]


def run(
    out: Path, fault: str, transport: str = "fast", every: int = 2
) -> tuple[Finished, list[Row]]:
    script = Script(
        ttft_ns=10_000_000,
        gap_ns=2_000_000,
        tokens=8,
        fault=fault,
        fault_every=every,
        fault_after=3,
    )
    with background(script) as url:
        scenario = Scenario(
            base_url=url,
            models=("sim",),
            levels=(Level(USERS, 0.0, None, REQUESTS),),
            idle_timeout_s=0.3,
            transport=transport,  # type: ignore[arg-type]
        )
        finished = run_scenario(scenario, out, None, (), Quiet())
    lines = (finished.path / "sim" / "requests.jsonl").read_bytes().splitlines()
    return finished, [row for row in (parse_row(line, "") for line in lines) if row.stage == 0]


@pytest.mark.parametrize(("fault", "outcome", "error_class"), FAULTS)
def test_each_fault_has_its_class(
    tmp_path: Path, fault: str, outcome: str, error_class: str
) -> None:
    finished, rows = run(tmp_path, fault)
    struck = [row for row in rows if row.outcome != "ok"]
    assert {(row.outcome, row.error_class) for row in struck} == {(outcome, error_class)}
    assert len(rows) == REQUESTS
    assert len(struck) == REQUESTS // 2
    assert all(row.error for row in struck)
    assert finished.verdict.valid, finished.verdict.reasons
    (stage,) = finished.results[0]["stages"]
    assert stage["errors"] == {error_class: REQUESTS // 2}
    samples = REQUESTS if outcome == "timeout" else REQUESTS // 2
    assert stage["metrics"]["ttft"]["n"] == samples
    assert stage["metrics"]["e2e"]["lower_bounds"] == (samples - REQUESTS // 2)


@pytest.mark.parametrize("fault", ["truncated", "reset", "error_event", "stall"])
def test_what_came_before_the_fault_is_kept(tmp_path: Path, fault: str) -> None:
    _, rows = run(tmp_path, fault)
    for row in rows:
        if row.outcome != "ok":
            assert row.chunks == 3
            assert len(row.gaps_ns) == 2
            assert row.first_output_ns is not None
            assert row.token_source == "counted"


@pytest.mark.parametrize("fault", HARMLESS)
def test_habits_of_a_connection_are_no_errors(tmp_path: Path, fault: str) -> None:
    finished, rows = run(tmp_path, fault, every=1)
    assert {row.outcome for row in rows} == {"ok"}
    assert {row.reused for row in rows} == {False}
    assert finished.exit_code == 0


@pytest.mark.parametrize(
    ("fault", "outcome", "error_class"), [f for f in FAULTS if f[0] not in ("reset",)]
)
def test_stock_httpx_sees_the_same(
    tmp_path: Path, fault: str, outcome: str, error_class: str
) -> None:
    _, rows = run(tmp_path, fault, "httpx")
    struck = [(row.outcome, row.error_class) for row in rows if row.outcome != "ok"]
    assert struck == [(outcome, error_class)] * (REQUESTS // 2)
