"""Sources that change from request to request: mixes, output lengths, prefixes before prompts."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from tailrace.errors import UsageError
from tailrace.scenarios.data import MixPart
from tailrace.scenarios.items import Item, Listed, from_texts
from tailrace.scenarios.pieces import PLAIN
from tailrace.scenarios.prompts import NONCE_SLOT
from tailrace.scenarios.sizes import parse_sizes
from tailrace.scenarios.synthetic import Prefixes
from tailrace.scenarios.varied import Limited, Mixed, Prefixed, parse_mix

MIX = (MixPart("base", 3), MixPart("lora-a", 1))


def test_a_mix_keeps_its_weights() -> None:
    source = Mixed(from_texts(("a", "b")), MIX, 1)
    models = Counter(source.item(n).model for n in range(4000))
    assert set(models) == {"base", "lora-a"}
    assert abs(models["lora-a"] - 1000) < 110  # four standard deviations
    assert source.item(5).messages == (("user", "b"),)


def test_models_are_drawn_apart_from_prompts_and_by_seed() -> None:
    one, other = (Mixed(from_texts(("a", "b")), MIX, seed) for seed in (1, 2))
    pairs = {(one.item(n).id, one.item(n).model) for n in range(50)}
    assert len(pairs) == 4
    assert [one.item(n).model for n in range(50)] != [other.item(n).model for n in range(50)]


def test_an_item_of_a_mix_is_one_object_so_that_its_body_is_kept() -> None:
    source = Mixed(from_texts(("a", "b")), MIX, 1)
    assert source.distinct == 4
    assert len({id(source.item(n)) for n in range(400)}) == 4


def test_a_mix_of_prompts_that_are_made_keeps_none() -> None:
    class Endless:
        distinct = None

        def item(self, sequence: int) -> Item:
            return Item(str(sequence), (("user", "x"),))

    source = Mixed(Endless(), MIX, 1)
    assert source.distinct is None
    assert source.item(7) == source.item(7)
    assert source.item(7).id == "7"
    assert {source.item(n).model for n in range(50)} == {"base", "lora-a"}


def test_a_mix_of_three_keeps_its_weights() -> None:
    source = Mixed(from_texts(("a",)), (*MIX, MixPart("lora-b", 4)), 1)
    models = Counter(source.item(n).model for n in range(4000))
    expected = {"base": 1500, "lora-a": 500, "lora-b": 2000}
    assert {model: round(n, -2) for model, n in models.items()} == expected


def test_a_seed_means_the_same_in_every_version() -> None:
    """So that a run of last year can be repeated."""
    mixed = Mixed(from_texts(("a",)), MIX, 3)
    limited = Limited(from_texts(("a",)), parse_sizes("uniform:1,100", "-o"), (), 7)
    assert "".join((mixed.item(n).model or "")[0] for n in range(12)) == "bbblbbbbbbbl"
    assert [limited.item(n).max_tokens for n in range(6)] == [42, 24, 9, 27, 12, 79]


@pytest.mark.parametrize(
    ("text", "mix"),
    [
        ("base:3,lora-a:1", MIX),
        (" base:3 , lora-a:1 ", MIX),
        ("a/b:1:0.5", (MixPart("a/b:1", 0.5),)),
    ],
)
def test_what_is_typed(text: str, mix: tuple[MixPart, ...]) -> None:
    assert parse_mix(text) == mix


@pytest.mark.parametrize(
    "text", ["", "base", "base:", ":3", "base:x", "base:-1", "base:0", "a:1,,b:1", "a:1,a:2"]
)
def test_what_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"^--mix "):
        parse_mix(text)


def test_output_lengths_are_drawn_for_each_request() -> None:
    inner = Listed([Item("x", (("user", "p"),), max_tokens=5, tags=("t",))])
    source = Limited(inner, parse_sizes("uniform:1,100", "-o"), (), 3)
    limits = {source.item(n).max_tokens for n in range(500)}
    assert len(limits) > 90
    assert source.item(4) == source.item(4)
    assert replace(source.item(4), max_tokens=5) == inner.items[0]
    assert source.distinct is None
    other = Limited(inner, parse_sizes("uniform:1,100", "-o"), (), 4)
    assert [source.item(n).max_tokens for n in range(9)] != [
        other.item(n).max_tokens for n in range(9)
    ]
    given = Limited(inner, parse_sizes("file:lengths.csv", "-o"), (3, 900), 3)
    assert {given.item(n).max_tokens for n in range(50)} == {3, 900}


@pytest.mark.parametrize("nonce", [True, False])
def test_a_shared_prefix_stands_before_the_nonce_and_the_prompt(nonce: bool) -> None:
    prefixes = Prefixes(2, 5, PLAIN, 1, "s")
    source = Prefixed(from_texts(("a", "b")), prefixes, nonce)
    for sequence in range(6):
        item = source.item(sequence)
        slot = f"[{NONCE_SLOT}] " if nonce else ""
        wanted = f"{prefixes.of(sequence)}\n\n{slot}{'ab'[sequence % 2]}"
        assert item.messages == (("user", wanted),)
        assert item.nonce is False
    assert len({prefixes.of(n) for n in range(50)}) == 2


def test_a_shared_prefix_before_parts() -> None:
    image = {"type": "image_url", "image_url": {"url": "u"}}
    inner = Listed([Item("x", (("user", (image,)),))])
    ((_, content),) = Prefixed(inner, Prefixes(1, 2, PLAIN, 1, ""), False).item(0).messages
    assert content[0]["type"] == "text"
    assert content[1] == image
