"""The facts of run.json: a round trip, and refusals that name the file."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tailrace.errors import ResultError
from tailrace.results.facts import Books, ModelFacts, StageFacts, facts_from_dict, is_converted
from tailrace.results.schema import RUN_SCHEMA

from . import builders

many = settings(max_examples=200, deadline=None)

WHOLE = builders.facts(
    ModelFacts(
        "a/b:1",
        "a-b-1",
        "ok",
        stages=[
            StageFacts(0, 4, 1.0, 10.0, None, 5, Books(3, 2, 1), 6, 7, 8, {4: 9, 3: 1}, 4, 4),
            StageFacts(1, 8, 0.0, None, 50, 9, Books()),
        ],
    ),
    ModelFacts("c", "c", "failed", "model_not_found", "no such model"),
)


def through_json(data: object) -> Any:
    return orjson.loads(orjson.dumps(data))


@pytest.mark.parametrize("ended", ["complete", "interrupted", None])
def test_facts_go_through_json_and_back(ended: str | None) -> None:
    made = builders.facts(*WHOLE.models, ended=ended)
    assert facts_from_dict(through_json(made.to_dict()), "run.json") == made


def test_the_schema_comes_first() -> None:
    assert next(iter(WHOLE.to_dict().items())) == ("schema", RUN_SCHEMA)


def test_what_is_no_fact_is_left_out() -> None:
    data = through_json(WHOLE.to_dict()) | {"verdict": {"valid": True}, "colour": "red"}
    data["models"][0]["colour"] = data["models"][0]["stages"][0]["colour"] = "red"
    data["models"][0]["stages"][0]["books"]["colour"] = "red"
    assert facts_from_dict(data, "run.json") == WHOLE


def at(data: dict[str, Any], *path: str | int) -> Any:
    """The container that the last step of the path lies in."""
    found: Any = data
    for step in path[:-1]:
        found = found[step]
    return found


STAGE = ("models", 0, "stages", 0)

MISSING: tuple[tuple[str | int, ...], ...] = (
    ("schema",),
    ("name",),
    ("origin_wall_ns",),
    ("scenario",),
    ("models",),
    ("models", 0, "model"),
    ("models", 0, "folder"),
    ("models", 0, "stages"),
    (*STAGE, "users"),
    (*STAGE, "books"),
)


@pytest.mark.parametrize("path", MISSING, ids=str)
def test_a_missing_part_is_refused_by_name(path: tuple[str | int, ...]) -> None:
    data = through_json(WHOLE.to_dict())
    del at(data, *path)[path[-1]]
    with pytest.raises(ResultError, match=r"here/run\.json"):
        facts_from_dict(data, "here/run.json")


WRONG: tuple[tuple[tuple[str | int, ...], Any], ...] = (
    (("schema",), None),
    (("schema",), "tailrace.run/99"),
    (("schema",), RUN_SCHEMA + "0"),
    (("models",), None),
    (("models",), 5),
    (("models",), "text"),
    (("models",), {"a": 1}),
    (("models", 0), None),
    (("models", 0), []),
    (("models", 0), "text"),
    (("models", 0, "stages"), None),
    (("models", 0, "stages"), 5),
    (STAGE, None),
    (STAGE, [1]),
    (STAGE, "text"),
    ((*STAGE, "books"), None),
    ((*STAGE, "books"), []),
    ((*STAGE, "books"), 5),
)


@pytest.mark.parametrize(("path", "value"), WRONG, ids=str)
def test_a_part_of_another_shape_is_refused_by_name(
    path: tuple[str | int, ...], value: object
) -> None:
    data = through_json(WHOLE.to_dict())
    at(data, *path)[path[-1]] = value
    with pytest.raises(ResultError, match=r"here/run\.json"):
        facts_from_dict(data, "here/run.json")


def test_an_unknown_schema_is_quoted() -> None:
    with pytest.raises(ResultError, match=r"'tailrace\.run/99'.*'tailrace\.run/1'"):
        facts_from_dict({"schema": "tailrace.run/99"}, "run.json")


numbers = st.integers(0, 50)
books = st.builds(Books, *([numbers] * 9))


@many
@given(books)
def test_books_balance_when_both_lines_of_the_law_hold(kept: Books) -> None:
    ends = kept.ok + kept.error + kept.timeout + kept.cancelled + kept.censored
    assert kept.ended == ends
    assert kept.balanced() == (
        kept.planned == kept.started + kept.dropped + kept.unsent and kept.started == ends
    )


@pytest.mark.parametrize("name", list(Books.__dataclass_fields__))
def test_every_single_slip_unbalances_the_books(name: str) -> None:
    kept = Books(planned=21, started=15, dropped=4, unsent=2)
    kept.ok, kept.error, kept.timeout, kept.cancelled, kept.censored = 1, 2, 3, 4, 5
    assert kept.balanced()
    slipped = copy.copy(kept)
    setattr(slipped, name, getattr(slipped, name) + 1)
    assert not slipped.balanced()


def test_the_facts_do_not_share_their_lists() -> None:
    makers: tuple[Callable[[], Any], ...] = (
        lambda: ModelFacts("m", "m").stages,
        lambda: StageFacts(0, 1, 0.0, None, 1, 0, Books()).in_flight_ns,
        lambda: ModelFacts("m", "m").stages,
    )
    for make in makers:
        assert make() is not make()


@pytest.mark.parametrize(
    ("users", "load", "number", "label"),
    [
        (1, "1", 0, "1 user"),
        (8, "8", 0, "8 users"),
        (2, "2", 3, "round 3, 2 users"),
        (None, "50/s", 0, "50/s"),
        (None, "50/s", 1, "round 1, 50/s"),
    ],
)
def test_what_a_level_is_called(users: int | None, load: str, number: int, label: str) -> None:
    assert builders.stage([], users=users, load=load, round=number).label == label


def test_who_measured_it() -> None:
    assert not is_converted(WHOLE)
    assert is_converted(builders.facts(tool={"name": "guidellm", "converted_by": "tailrace 0"}))


def test_one_retry_is_one_request_that_was_retried() -> None:
    assert Books(planned=1, started=1, ok=1, retried=1, retries=1).balanced()
    assert not Books(planned=1, started=1, ok=1, retried=1).balanced()
    assert not Books(planned=1, started=1, ok=1, retries=1).balanced()
