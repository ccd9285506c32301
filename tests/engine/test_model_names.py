"""Model names: what ``auto`` and ``ALL`` stand for, by what different servers list."""

from __future__ import annotations

import orjson
import pytest

from tailrace.engine.dialects.openai_models import ListedModel, models_of
from tailrace.engine.model_names import ALL, AUTO, chosen, names_for
from tailrace.scenarios.model import Level, Scenario

ROUTER = [
    {"id": "a", "object": "model", "status": {"value": "unloaded"}},
    {"id": "b", "object": "model", "status": {"value": "loaded", "args": []}},
]
STUDIO = [{"id": "a", "state": "not-loaded"}, {"id": "b", "state": "loaded"}]
PLAIN = [{"id": "a", "object": "model"}, {"id": "b", "object": "model"}]


def listed(entries: object) -> list[ListedModel]:
    return models_of(orjson.dumps({"object": "list", "data": entries}))


@pytest.mark.parametrize(
    ("entries", "auto"),
    [(ROUTER, "b"), (STUDIO, "b"), (PLAIN, "a"), ([{"id": "x"}, {"id": "auto"}], "auto")],
)
def test_auto(entries: object, auto: str) -> None:
    assert chosen(AUTO, listed(entries)) == [auto]


def test_all_and_a_name() -> None:
    assert chosen(ALL, listed(ROUTER)) == ["a", "b"]
    assert chosen("c", listed(ROUTER)) == ["c"]
    assert chosen(ALL, listed([{"id": "ALL"}, {"id": "x"}])) == ["ALL"]


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"data": 5}', b'{"data": [5]}', b'{"data": [{}]}', b"\xff"]
)
def test_an_answer_that_is_no_list(body: bytes) -> None:
    assert models_of(body) == []


def test_a_server_is_asked_only_where_it_must_be() -> None:
    scenario = Scenario("http://127.0.0.1:9/v1", ("m", "n"), (Level(1, 0.0, 1.0, None),))
    assert names_for(scenario, ()) == ("m", "n")


@pytest.mark.parametrize(
    ("listed", "models"),
    [
        (b'{"data":[{"id":"a"},{"id":"b/c:1"}]}', ["a", "b/c:1"]),
        (b'{"data":[]}', []),
        (b'{"data":[{"name":"a"}]}', []),
        (b'{"data":null}', []),
        (b'{"data":5}', []),
        (b"[]", []),
        (b"<html>", []),
        (b"", []),
    ],
)
def test_models_listed(listed: bytes, models: list[str]) -> None:
    assert [model.id for model in models_of(listed)] == models
