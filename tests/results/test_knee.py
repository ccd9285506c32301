"""The knee is where power, throughput for its latency, is highest."""

from __future__ import annotations

from typing import Any

from tailrace.results.knee import knee_of


def stage(users: int, rate: float | None, mean_ms: float | None, number: int = 0) -> dict[str, Any]:
    mean_ns = None if mean_ms is None else mean_ms * 1e6
    return {
        "load": str(users),
        "users": users,
        "round": number,
        "arrivals": None,
        "metrics": {"e2e": {"mean_ns": mean_ns}, "e2e_response": {"mean_ns": 1e12}},
        "rates": {"requests_per_s": rate},
    }


def server(slots: int, users: int) -> dict[str, Any]:
    """100 ms an answer, and no more at a time than there are slots."""
    return stage(users, min(users, slots) * 10, 100 * max(1, users / slots))


def test_of_a_server_with_slots_it_is_where_they_are_full() -> None:
    found = knee_of([server(8, users) for users in (32, 1, 2, 4, 8, 16)])
    assert found is not None
    assert (found["load"], found["users"], found["end"]) == ("8", 8, None)
    assert list(found["power"]) == ["1", "2", "4", "8", "16", "32"]
    assert found["power"]["8"] == 800


def test_at_an_end_of_the_levels_it_may_lie_beyond() -> None:
    rising = knee_of([server(64, users) for users in (1, 2, 4)])
    falling = knee_of([server(1, users) for users in (1, 2, 4)])
    assert rising is not None
    assert falling is not None
    assert (rising["load"], rising["end"]) == ("4", "highest")
    assert (falling["load"], falling["end"]) == ("1", "lowest")


def test_rounds_are_averaged() -> None:
    stages = [stage(users, 10.0 * users, 100, 1) for users in (1, 2, 4)]
    stages += [stage(users, 20.0 * users, 100, 2) for users in (1, 2, 4)]
    found = knee_of(stages)
    assert found is not None
    assert found["power"]["4"] == 600


def test_too_few_levels_have_none() -> None:
    assert knee_of([server(8, 1), server(8, 2)]) is None
    assert knee_of([server(8, 1), server(8, 2), stage(4, None, None)]) is None
    mixed = [server(8, 1), server(8, 2), server(8, 4) | {"users": None, "load": "5/s"}]
    assert knee_of(mixed) is None
