"""Which URL a user asks, and how many connections each URL needs."""

from __future__ import annotations

import pytest

from tailrace.engine.dialects.choice import dialect_of
from tailrace.engine.outgoing import Outgoing
from tailrace.engine.spread import Spread, urls_of
from tailrace.scenarios.model import Level, Scenario
from tailrace.scenarios.rates import Arrivals, RatePhase
from tailrace.scenarios.reach import Reach

URLS = ("http://a/v1", "http://b/v1", "http://c/v1")
CLOSED = Level(5, 0.0, 1.0, None)
OPEN = Level(None, 0.0, 1.0, None, arrivals=Arrivals((RatePhase(9.0, 9.0, None),), "constant"))


def scenario(base_url: str = URLS[0]) -> Scenario:
    return Scenario(base_url, ("m",), (CLOSED,), reach=Reach(more_urls=URLS[1:]))


def spread(count: int) -> Spread:
    return Spread([Outgoing(scenario(url), "m", dialect_of("openai-chat")) for url in URLS[:count]])


def test_a_url_of_a_models_own_stands_alone() -> None:
    assert urls_of(scenario(), URLS[0]) == URLS
    assert urls_of(scenario(), "http://own/v1") == ("http://own/v1",)


def test_users_take_turns_and_keep_their_url() -> None:
    assert [spread(3).place(user) for user in range(7)] == [0, 1, 2, 0, 1, 2, 0]
    assert [spread(1).place(user) for user in range(3)] == [0, 0, 0]
    assert spread(2).place(-1) in (0, 1), "sessions of a warm-up are below 0"


@pytest.mark.parametrize(
    ("level", "users", "ahead", "counts"),
    [
        (CLOSED, range(5), 5, [2, 2, 1]),
        (CLOSED, range(0, 5, 2), 3, [1, 1, 1]),
        (OPEN, range(0), 7, [3, 2, 2]),
    ],
)
def test_connections_ahead(level: Level, users: range, ahead: int, counts: list[int]) -> None:
    found = spread(3).connections(level, users, ahead)
    assert [str(outgoing.url.host) for outgoing, _ in found] == ["a", "b", "c"]
    assert [count for _, count in found] == counts
