"""The scenario is plain, frozen, and goes through JSON unchanged."""

from __future__ import annotations

import dataclasses

import orjson
import pytest

from tailrace.scenarios.model import DEFAULT_PROMPT, Level, Scenario
from tailrace.scenarios.model_entry import ModelEntry

LEVELS = (Level(4, 1.0, 10.0, None), Level(16, 0.0, None, 200), Level(2, 0.5, 3.0, None))
SCENARIO = Scenario("http://h/v1", ("a", "b/c:1"), LEVELS)


def test_the_highest_level() -> None:
    assert SCENARIO.most_users == 16


def test_it_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        SCENARIO.seed = 1  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        LEVELS[0].users = 1  # type: ignore[misc]


def test_it_is_plain_json() -> None:
    kept = SCENARIO.to_dict()
    assert set(kept) == {field.name for field in dataclasses.fields(Scenario)}
    loaded = orjson.loads(orjson.dumps(kept))
    assert loaded["models"] == ["a", "b/c:1"]
    assert loaded["levels"][0] == {
        "users": 4,
        "warmup_s": 1.0,
        "duration_s": 10.0,
        "requests": None,
        "think": None,
        "arrivals": None,
        "max_in_flight": None,
        "when_full": "queue",
        "round": 0,
    }
    assert loaded["prompts"] == [DEFAULT_PROMPT]


def test_scenarios_do_not_share_their_extra_body() -> None:
    one, other = (Scenario("http://h/v1", ("a",), LEVELS) for _ in range(2))
    one.extra_body["x"] = 1
    assert other.extra_body == {}


def test_caches_are_kept_out_unless_asked_for() -> None:
    assert SCENARIO.nonce is True
    assert SCENARIO.temperature == 0.0
    assert SCENARIO.insecure is False


FOUNDRY = {"server": "foundry"}
PLACED = {
    "not asked for": ({}, {}, (None, None)),
    "the whole run": ({}, {"foundry": True}, ("foundry", "http://h/v1")),
    "the whole run, to be looked for": ({}, {"foundry": True, "base_url": ""}, ("foundry", None)),
    "one with a URL of its own": ({"url": "u"}, {"foundry": True}, (None, "u")),
    "one with a command": ({"serve": ("x",)}, {"foundry": True}, (None, None)),
    "its own word, and its own URL": (FOUNDRY | {"url": "u"}, {"foundry": True}, ("foundry", "u")),
    "its own word; the run's URL is another server's": (FOUNDRY, {}, ("foundry", None)),
}


@pytest.mark.parametrize("name", PLACED)
def test_where_a_model_lives(name: str) -> None:
    own, of_run, expected = PLACED[name]
    entry = ModelEntry("a", "m", **own)  # type: ignore[arg-type]
    scenario = dataclasses.replace(SCENARIO, entries=(entry,), **of_run)  # type: ignore[arg-type]
    (placed,) = scenario.queue
    assert (placed.server, placed.url) == expected
    assert scenario.entries == (entry,)  # as the models file has it
    (kept,) = dataclasses.replace(scenario, foundry_keep=True).queue
    assert (placed.keep_loaded, kept.keep_loaded) == (False, True)
