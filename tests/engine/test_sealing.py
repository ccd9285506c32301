"""What a deterministic run adds to a row: nothing else does, and text kept for the hash goes."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest

from tailrace.engine.sealing import asked_hash, gathers_text, sealer
from tailrace.results.outputs import output_hash
from tailrace.results.schema import Row
from tailrace.scenarios.items import Item
from tailrace.scenarios.model import Scenario

PAIRS = ((("a", 1), ("b", 2)), (("b", 2), ("a", 1)))
ITEM = Item("1", (("user", "Hi"),))


def scenario(**more: Any) -> Scenario:
    return Scenario("http://h/v1", ("m",), (), **more)


def sealed(row: Row, **more: Any) -> Row:
    seal = sealer(scenario(**more))
    if seal is not None:
        seal(row)
    return row


def answered(**more: Any) -> Row:
    return Row("r", 0, 0, "measure", 0, **({"text": "Grüße", "reasoning": ""} | more))


@pytest.mark.parametrize(
    ("deterministic", "keep_text", "gathers", "hashed", "kept"),
    [
        (False, False, False, False, True),  # the seal leaves rows alone; none has a text
        (False, True, True, False, True),
        (True, False, True, True, False),
        (True, True, True, True, True),
    ],
)
def test_who_gathers_hashes_and_keeps(
    deterministic: bool, keep_text: bool, gathers: bool, hashed: bool, kept: bool
) -> None:
    options = {"deterministic": deterministic, "keep_text": keep_text}
    assert gathers_text(scenario(**options)) is gathers
    row = sealed(answered(), **options)
    assert (row.output_hash is not None) is hashed
    assert (row.text is not None) is kept


def test_the_hash_is_that_of_the_text_alone() -> None:
    row = sealed(answered(), deterministic=True)
    assert row.output_hash == sha256("Grüße".encode()).hexdigest()


@pytest.mark.parametrize(
    ("text", "reasoning", "same_as"),
    [("a", None, ("a", "")), (None, "b", ("", "b")), ("a", "b", ("a", "b"))],
)
def test_reasoning_is_hashed_with_the_text(
    text: str | None, reasoning: str | None, same_as: tuple[str, str]
) -> None:
    row = sealed(answered(text=text, reasoning=reasoning), deterministic=True)
    assert row.output_hash == output_hash(*same_as)


@pytest.mark.parametrize(
    "more",
    [{"outcome": "error"}, {"outcome": "timeout"}, {"outcome": "censored"}, {"text": ""}],
)
def test_only_whole_answers_with_text_have_a_hash(more: dict[str, Any]) -> None:
    assert sealed(answered(**more), deterministic=True).output_hash is None


def test_what_is_asked_decides_its_hash() -> None:
    one = asked_hash(scenario(), ITEM)
    assert asked_hash(scenario(), Item("other id", ITEM.messages)) == one
    assert asked_hash(scenario(stream=False, seed=3, max_tokens=9), ITEM) == one
    others = [
        asked_hash(scenario(), Item("1", (("user", "Ho"),))),
        asked_hash(scenario(), Item("1", (("system", "Hi"),))),
        asked_hash(scenario(system="Be brief."), ITEM),
        asked_hash(scenario(), Item("1", ITEM.messages, max_tokens=3)),
        asked_hash(scenario(), Item("1", ITEM.messages, model="lora")),
        asked_hash(scenario(), Item("1", ITEM.messages, extra={"top_k": 1})),
        asked_hash(scenario(nonce=False), ITEM),
    ]
    assert len({one, *others}) == 8


def test_the_order_in_which_settings_were_written_does_not_matter() -> None:
    """So that a JSON file may be formatted anew."""
    first, second = (Item("1", ITEM.messages, extra=dict(pairs)) for pairs in PAIRS)
    assert asked_hash(scenario(), first) == asked_hash(scenario(), second)
