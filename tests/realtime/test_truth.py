"""What tailrace reports against what the endpoint knows: the times of its own writes.

The endpoint runs in its own process. It stamps each write just before the kernel gets the bytes,
and on Linux it knows when the kernel got a request, however late it looked itself; tailrace stamps
each read. Both read the same monotonic clock. Asserted by median, never by a maximum: these
machines are shared.
"""

from __future__ import annotations

import itertools
import json
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tailrace.display import Quiet
from tailrace.results.schema import Row, parse_row
from tailrace.runner import Finished, run_scenario
from tailrace.scenarios.model import Level, Scenario
from tailrace.simulate import Script, background

pytestmark = pytest.mark.realtime

TOKENS = 64
LEVELS = (1, 16, 64, 256)
REQUESTS_A_USER = 3


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[int, Measured]]:
    """Each level measured once, with the endpoint's truth reset in between."""
    script = Script(ttft_ns=200_000_000, gap_ns=20_000_000, tokens=TOKENS)
    with background(script) as url:
        yield {users: measure(url, users, tmp_path_factory.mktemp("runs")) for users in LEVELS}


class Measured:
    """A run at one level, its rows, and the truth of the same requests by id."""

    def __init__(self, finished: Finished, truth: dict[str, Any]) -> None:
        self.finished = finished
        self.truth = truth
        self.true_by_id = {request["id"]: request for request in truth["requests"]}
        lines = (finished.path / "sim" / "requests.jsonl").read_bytes().splitlines()
        self.rows = [row for row in (parse_row(line, "") for line in lines) if row.stage >= 0]
        self.stage = finished.results[0]["stages"][0]

    def error_ns(self, row: Row) -> tuple[float, list[float]]:
        """(TTFT error, gap errors) of one request, in ns."""
        true = self.true_by_id[row.id]
        writes = true["writes_ns"]
        true_ttft = writes[0] - true["arrived_ns"]
        true_gaps = [b - a for a, b in itertools.pairwise(writes)]
        assert row.first_output_ns is not None
        assert row.sent_ns is not None
        ttft = row.first_output_ns - row.sent_ns
        return ttft - true_ttft, [a - b for a, b in zip(row.gaps_ns, true_gaps, strict=True)]


def measure(url: str, users: int, out: Path, transport: str = "fast") -> Measured:
    httpx.delete(url.removesuffix("/v1") + "/truth")
    scenario = Scenario(
        base_url=url,
        models=("sim",),
        levels=(Level(users, 0.0, None, REQUESTS_A_USER * users),),
        max_tokens=TOKENS,
        transport=transport,  # type: ignore[arg-type]
    )
    finished = run_scenario(scenario, out, None, (), Quiet())
    truth = httpx.get(url.removesuffix("/v1") + "/truth", timeout=30).json()
    return Measured(finished, truth)


@pytest.mark.parametrize("users", LEVELS)
def test_the_server_saw_as_many_requests_at_once_as_users(
    swept: dict[int, Measured], users: int
) -> None:
    assert swept[users].truth["max_in_flight"] == users


@pytest.mark.parametrize("users", LEVELS)
def test_counts_equal_what_was_asked_for(swept: dict[int, Measured], users: int) -> None:
    measured = swept[users]
    requests = REQUESTS_A_USER * users
    counts = measured.stage["counts"]
    assert counts["books"]["planned"] == counts["books"]["ok"] == requests
    assert counts["journal"]["ok"] == counts["measured"]["ok"] == len(measured.rows) == requests
    assert measured.stage["tokens"]["output"] == requests * TOKENS
    assert measured.stage["tokens"]["source"] == {"usage": requests}
    assert measured.stage["metrics"]["icl"]["n"] == requests * (TOKENS - 1)
    assert measured.stage["metrics"]["ttft"]["n"] == requests
    assert measured.finished.verdict.valid, measured.finished.verdict.reasons
    assert measured.truth["request_count"] == requests + 1  # and the cold one


@pytest.mark.parametrize("users", LEVELS)
def test_ttft_is_the_servers_within_a_millisecond(swept: dict[int, Measured], users: int) -> None:
    measured = swept[users]
    errors = [measured.error_ns(row)[0] for row in measured.rows]
    assert abs(statistics.median(errors)) < 1e6
    reported = measured.stage["metrics"]["ttft"]["percentiles"]["p50"]["value_ns"]
    true = statistics.median(
        measured.true_by_id[row.id]["writes_ns"][0] - measured.true_by_id[row.id]["arrived_ns"]
        for row in measured.rows
    )
    assert abs(reported - true) < 1e6


@pytest.mark.parametrize("users", LEVELS)
def test_gaps_are_the_servers_within_a_tenth(swept: dict[int, Measured], users: int) -> None:
    measured = swept[users]
    errors = [abs(error) for row in measured.rows for error in measured.error_ns(row)[1]]
    assert statistics.median(errors) < 1e5
    reported = measured.stage["metrics"]["icl"]["percentiles"]["p50"]["value_ns"]
    writes = [measured.true_by_id[row.id]["writes_ns"] for row in measured.rows]
    true = statistics.median(b - a for w in writes for a, b in itertools.pairwise(w))
    assert abs(reported - true) < 1e5


@pytest.mark.parametrize("users", LEVELS)
def test_the_load_was_held(swept: dict[int, Measured], users: int) -> None:
    stage = swept[users].stage
    assert stage["in_flight"]["max"] == users
    assert stage["in_flight"]["mean"] > 0.9 * users  # the last wave thins out


def test_rebuilding_gives_the_same_bytes(swept: dict[int, Measured]) -> None:
    folder = swept[16].finished.path
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for path in before:
        if path.name not in ("requests.jsonl", "run.json"):
            path.unlink()
    from tailrace.results.files import RunFolder

    RunFolder(folder).rebuild()
    after = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert after == before


def test_stock_httpx_runs_the_same_street(swept: dict[int, Measured], tmp_path: Path) -> None:
    with background(Script(ttft_ns=20_000_000, gap_ns=2_000_000, tokens=TOKENS)) as url:
        measured = measure(url, 4, tmp_path, transport="httpx")
    assert measured.truth["max_in_flight"] == 4
    assert measured.stage["counts"]["measured"]["ok"] == 4 * REQUESTS_A_USER
    assert measured.stage["connections"]["opened"] >= 3
    errors = [measured.error_ns(row)[0] for row in measured.rows]
    assert statistics.median(errors) < 20e6
    run = json.loads((measured.finished.path / "run.json").read_text(encoding="utf-8"))
    assert run["engine"]["transport"] == "httpx"
