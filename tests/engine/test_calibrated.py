"""Which calibration a machine finds for a scenario."""

from __future__ import annotations

from pathlib import Path

import pytest

from tailrace import cache
from tailrace.cache import calibration_path, write_calibration
from tailrace.engine.calibrated import Street, expected_stamps, known_here, street_of
from tailrace.engine.ray_fleet import fleet_facts
from tailrace.scenarios.model import Level, Scenario

from ..results.builders import calibration

PLAIN = Street("asyncio", "fast", "user", False)


def scenario(url: str) -> Scenario:
    return Scenario(url, ("m",), (Level(1, 0.0, 1.0, None),), loop="asyncio", stamps="user")


def test_a_street_is_what_the_scenario_says() -> None:
    assert street_of(scenario("http://h/v1")) == PLAIN
    assert street_of(scenario("https://h/v1")) == PLAIN._replace(encrypted=True)


@pytest.mark.parametrize(
    ("change", "platform", "stamps"),
    [
        ({}, "linux", "kernel receive"),
        ({}, "darwin", "user-space read"),
        ({"encrypted": True}, "linux", "user-space read"),
        ({"transport": "httpx"}, "linux", "user-space read"),
        ({"stamps": "user"}, "linux", "user-space read"),
    ],
)
def test_who_will_stamp(change: dict[str, object], platform: str, stamps: str) -> None:
    street = Street("auto", "fast", "auto", False)._replace(**change)
    assert expected_stamps(street, platform) == stamps


def test_the_newest_that_fits_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cache, "cache_folder", lambda: tmp_path)
    engine = {"loop": "asyncio", "transport": "fast", "stamps": "user-space read"}
    kept = calibration(engine=engine)
    assert known_here(PLAIN, kept.host) is None
    write_calibration(kept, calibration_path("20261101T000000Z"))
    assert known_here(PLAIN, kept.host) == kept.to_dict()
    assert known_here(PLAIN, kept.host | {"cpu": "another"}) is None


def test_a_user_without_a_home_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(cache, "cache_folder", homeless)
    assert known_here(PLAIN, calibration().host) is None


def test_a_nodes_calibration_is_kept_once() -> None:
    known = {"machine": {}, "calibration": {"schema": "s"}}
    told = fleet_facts(["a", "b", "a"], [known, known | {"calibration": None}, known])
    assert told == [
        {"worker": 1, "node": "a", "machine": {}, "calibration": {"schema": "s"}},
        {"worker": 2, "node": "b", "machine": {}},
        {"worker": 3, "node": "a", "machine": {}},
    ]
