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
    assert knee_of([server(8, 1), server(8, 2), stage(4, 1.0, None), stage(5, None, 1.0)]) is None
    assert knee_of([server(8, 1), server(8, 2), server(8, 4), at_rate(5, 5.0, 100)]) is None


def test_a_level_that_was_not_measured_is_passed_by() -> None:
    found = knee_of([stage(3, None, None), *(server(2, users) for users in (1, 2, 4))])
    assert found is not None
    assert list(found["power"]) == ["1", "2", "4"]


def at_rate(per_s: float, rate: float, mean_ms: float) -> dict[str, Any]:
    """An open level, whose time in the queue only the response metric has."""
    return stage(0, rate, None) | {
        "load": f"{per_s:g}/s",
        "users": None,
        "arrivals": {"requested_per_s": per_s},
        "metrics": {"e2e": {"mean_ns": 1e6}, "e2e_response": {"mean_ns": mean_ms * 1e6}},
    }


def test_open_levels_are_in_the_order_of_their_rates_and_count_the_queue() -> None:
    found = knee_of([at_rate(20, 19.0, 900), at_rate(5, 5.0, 100), at_rate(10, 10.0, 150)])
    assert found == {
        "load": "10/s",
        "users": None,
        "end": None,
        "power": {"5/s": 50.0, "10/s": 66.6667, "20/s": 21.1111},
    }
