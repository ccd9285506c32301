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

import pytest

from tailrace.scenarios.model import Level, Scenario
from tailrace.simulate import Script, background

from .matched import Matched, run_matched

pytestmark = pytest.mark.realtime

TOKENS = 64
LEVELS = (1, 16, 64, 256)
REQUESTS_A_USER = 3


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[int, Matched]]:
    """Each level measured once, with the endpoint's truth reset in between."""
    script = Script(ttft_ns=200_000_000, gap_ns=20_000_000, tokens=TOKENS)
    with background(script) as url:
        yield {users: measure(url, users, tmp_path_factory.mktemp("runs")) for users in LEVELS}


def measure(url: str, users: int, out: Path, transport: str = "fast") -> Matched:
    scenario = Scenario(
        base_url=url,
        models=("sim",),
        levels=(Level(users, 0.0, None, REQUESTS_A_USER * users),),
        max_tokens=TOKENS,
        transport=transport,  # type: ignore[arg-type]
    )
    return run_matched(scenario, out)


@pytest.mark.parametrize("users", LEVELS)
def test_the_server_saw_as_many_requests_at_once_as_users(
    swept: dict[int, Matched], users: int
) -> None:
    assert swept[users].truth["max_in_flight"] == users


@pytest.mark.parametrize("users", LEVELS)
def test_counts_equal_what_was_asked_for(swept: dict[int, Matched], users: int) -> None:
    measured = swept[users]
    requests = REQUESTS_A_USER * users
    counts = measured.stage["counts"]
    assert counts["books"]["planned"] == counts["books"]["ok"] == requests
    assert counts["journal"]["ok"] == counts["measured"]["ok"] == len(measured.rows) == requests
    assert measured.stage["tokens"]["output"] == requests * TOKENS
    assert measured.stage["tokens"]["source"] == {"usage": requests}
    assert measured.stage["metrics"]["icl"]["n"] == requests * (TOKENS - 1)
    assert measured.stage["metrics"]["ttft"]["n"] == requests
    assert measured.truth["request_count"] == requests + 1  # and the cold one


@pytest.mark.parametrize("users", LEVELS)
def test_ttft_is_the_servers_within_a_millisecond(swept: dict[int, Matched], users: int) -> None:
    measured = swept[users]
    errors = [measured.ttft_error_ns(row) for row in measured.rows]
    assert abs(statistics.median(errors)) < 1e6
    reported = measured.stage["metrics"]["ttft"]["percentiles"]["p50"]["value_ns"]
    true = statistics.median(
        measured.true_by_id[row.id]["writes_ns"][0] - measured.true_by_id[row.id]["arrived_ns"]
        for row in measured.rows
    )
    assert abs(reported - true) < 1e6


@pytest.mark.parametrize("users", LEVELS)
def test_gaps_are_the_servers_within_a_tenth(swept: dict[int, Matched], users: int) -> None:
    measured = swept[users]
    errors = [abs(error) for row in measured.rows for error in measured.gap_errors_ns(row)]
    assert statistics.median(errors) < 1e5
    reported = measured.stage["metrics"]["icl"]["percentiles"]["p50"]["value_ns"]
    writes = [measured.true_by_id[row.id]["writes_ns"] for row in measured.rows]
    true = statistics.median(b - a for w in writes for a, b in itertools.pairwise(w))
    assert abs(reported - true) < 1e5


@pytest.mark.parametrize("users", LEVELS)
def test_the_load_was_held(swept: dict[int, Matched], users: int) -> None:
    stage = swept[users].stage
    assert stage["in_flight"]["max"] == users
    assert stage["in_flight"]["mean"] > 0.9 * users  # the last wave thins out


def test_rebuilding_gives_the_same_bytes(swept: dict[int, Matched]) -> None:
    folder = swept[16].finished.path
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for path in before:
        if path.name not in ("requests.jsonl", "run.json"):
            path.unlink()
    from tailrace.results.files import RunFolder

    RunFolder(folder).rebuild()
    after = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert after == before


def test_stock_httpx_runs_the_same_street(swept: dict[int, Matched], tmp_path: Path) -> None:
    with background(Script(ttft_ns=20_000_000, gap_ns=2_000_000, tokens=TOKENS)) as url:
        measured = measure(url, 4, tmp_path, transport="httpx")
    assert measured.truth["max_in_flight"] == 4
    assert measured.stage["counts"]["measured"]["ok"] == 4 * REQUESTS_A_USER
    assert measured.stage["connections"]["opened"] >= 3
    errors = [measured.ttft_error_ns(row) for row in measured.rows]
    assert statistics.median(errors) < 20e6
    run = json.loads((measured.finished.path / "run.json").read_text(encoding="utf-8"))
    assert run["engine"]["transport"] == "httpx"
