"""The clock: stamps never go back, and the origin stands on both clocks."""

from __future__ import annotations

import time

import pytest

from tailrace.engine.clock import Origin, now_ns


def test_stamps_never_go_back() -> None:
    stamps = [now_ns() for _ in range(1000)]
    assert stamps == sorted(stamps)


def test_the_origin_lies_between_the_calls_around_it() -> None:
    before, wall_before = now_ns(), time.time_ns()
    origin = Origin.take()
    after, wall_after = now_ns(), time.time_ns()
    assert before <= origin.perf_ns <= after
    assert wall_before <= origin.wall_ns <= wall_after


def test_times_count_from_the_origin() -> None:
    origin = Origin(perf_ns=1_000, wall_ns=0)
    assert origin.since(1_000) == 0
    assert origin.since(1_500) == 500
    assert origin.since(400) == -600


@pytest.mark.parametrize(
    ("wall_ns", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_795_183_402_000_000_000, "2026-11-20T14:03:22.000Z"),
        (1_795_183_402_250_000_000, "2026-11-20T14:03:22.250Z"),
    ],
)
def test_iso_is_utc_in_milliseconds(wall_ns: int, text: str) -> None:
    assert Origin(0, wall_ns).iso() == text
