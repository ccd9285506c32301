"""Over a bad network: what was put in is what is measured, and what breaks is told in time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from statistics import median

import pytest

from tests.faults.struck import run_against

from .namespace import NOBODY, Far, far_endpoint, why_not
from .relay import Road, relayed

pytestmark = pytest.mark.server

TTFT_S, GAP_S, TOKENS = 0.05, 0.02, 10


@pytest.fixture(scope="module")
def far() -> Iterator[Far]:
    if reason := why_not():
        pytest.skip(reason)
    with far_endpoint("--ttft", "50ms", "--gap", "20ms", "--tokens", str(TOKENS)) as endpoint:
        yield endpoint


def ttft_s(rows: list) -> float:  # type: ignore[type-arg]
    return median((row.first_output_ns - row.sent_ns) / 1e9 for row in rows)


def gaps_s(rows: list) -> list[float]:  # type: ignore[type-arg]
    return [gap / 1e9 for gap in chain.from_iterable(row.gaps_ns for row in rows)]


def cut_between(road: Road, from_s: float, until_s: float) -> None:
    """Nothing passes in that time, in seconds from now."""
    for at_s, cut in ((from_s, True), (until_s, False)):
        threading.Timer(at_s, setattr, (road, "cut", cut)).start()


@pytest.mark.parametrize("jitter_s", [0.0, 0.02])
def test_a_delay_is_in_the_first_token_and_not_in_the_gaps(
    tmp_path: Path, far: Far, jitter_s: float
) -> None:
    road = Road(delay_s=0.08, jitter_s=jitter_s)
    with relayed(far.host, far.port, road) as url:
        rows = run_against(url, tmp_path, idle_timeout_s=5.0).rows
    assert {row.outcome for row in rows} == {"ok"}
    put_in_s = 2 * road.delay_s + jitter_s  # there and back; a draw's mean is half of it
    assert -0.01 < ttft_s(rows) - TTFT_S - put_in_s < 0.1  # a busy machine adds, and takes nothing
    assert median(gaps_s(rows)) == pytest.approx(GAP_S, abs=0.012)


def test_a_network_that_stops_now_and_then_shows_in_the_longest_gaps(
    tmp_path: Path, far: Far
) -> None:
    with relayed(far.host, far.port, Road(stops=(0.8, 0.3))) as url:
        rows = run_against(url, tmp_path, idle_timeout_s=5.0, requests=16).rows
    assert {row.outcome for row in rows} == {"ok"}
    waits = [*gaps_s(rows), *((row.first_output_ns - row.sent_ns) / 1e9 for row in rows)]  # type: ignore[operator]
    assert 0.2 < max(waits) < 0.6
    assert median(gaps_s(rows)) < 0.05


def test_a_stop_of_over_a_second_is_counted_as_a_stall(tmp_path: Path, far: Far) -> None:
    road = Road()
    with relayed(far.host, far.port, road) as url:
        cut_between(road, 0.75, 2.1)
        struck = run_against(url, tmp_path, idle_timeout_s=5.0, requests=None, duration_s=3.0)
    (stage,) = struck.finished.results[0]["stages"]
    assert {row.outcome for row in struck.rows} == {"ok"}
    assert max(gaps_s(struck.rows)) > 1.0
    assert stage["stalls"]["gaps"] >= 1


def test_a_narrow_road_stretches_the_answers(tmp_path: Path, far: Far) -> None:
    with relayed(far.host, far.port, Road()) as url:
        wide = run_against(url, tmp_path / "wide", users=1, requests=3, idle_timeout_s=5.0).rows
    with relayed(far.host, far.port, Road(bytes_per_s=4000.0)) as url:
        rows = run_against(url, tmp_path / "narrow", users=1, requests=3, idle_timeout_s=5.0).rows
    least_s = median(row.body_bytes for row in rows) / 4000.0
    took_s = median((row.closed_ns - row.sent_ns) / 1e9 for row in rows)  # type: ignore[operator]
    assert took_s > 0.8 * least_s
    assert median(gaps_s(rows)) > 1.5 * median(gaps_s(wide))


def test_a_cut_has_its_class_and_what_follows_the_healing_is_ok(tmp_path: Path, far: Far) -> None:
    road = Road()
    with relayed(far.host, far.port, road) as url:
        cut_between(road, 1.0, 2.2)
        struck = run_against(url, tmp_path, idle_timeout_s=0.5, requests=None, duration_s=3.5)
    assert struck.kinds == {("timeout", "idle_timeout")}
    assert struck.rows[0].outcome == struck.rows[-1].outcome == "ok"
    assert struck.books.balanced()
    assert struck.took_s < 3.5 + 1.0 + 5


def test_a_syn_that_is_never_answered_ends_at_the_connect_timeout(tmp_path: Path, far: Far) -> None:
    struck = run_against(far.silent_url, tmp_path, connect_timeout_s=0.5)
    (model,) = struck.finished.facts.models
    assert (model.status, model.error_class) == ("failed", "connect_timeout")
    assert model.error is not None
    assert f"no connection to {NOBODY}" in model.error
    assert struck.finished.exit_code == 3
    assert struck.took_s < 0.5 * 2 + 5
