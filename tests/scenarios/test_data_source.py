"""The source that a scenario's data describe: orders, images, prefixes and lengths together."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tailrace.errors import UsageError
from tailrace.scenarios.data import Data, MadeImages, MixPart, PromptFile
from tailrace.scenarios.data_source import prompt_file
from tailrace.scenarios.model import Level, Scenario
from tailrace.scenarios.prompts import NONCE_SLOT, messages
from tailrace.scenarios.sizes import parse_sizes
from tailrace.scenarios.sources import source_of


@pytest.fixture
def path(tmp_path: Path) -> str:
    made = tmp_path / "prompts.json"
    made.write_text(json.dumps([f"p{n}" for n in range(20)]), encoding="utf-8")
    return str(made)


def scenario(seed: int = 1, **data: Any) -> Scenario:
    levels = (Level(1, 0, None, 1),)
    return Scenario("http://h/v1", ("m",), levels, data=Data(**data), seed=seed, salt="s")


def asked(made: Scenario, n: int) -> list[str]:
    source = source_of(made)
    return [source.item(sequence).id for sequence in range(n)]


def test_in_turn_and_shuffled(path: str) -> None:
    file = PromptFile(path)
    in_turn = [str(n) for n in range(1, 21)]
    assert asked(scenario(prompts=file), 25) == in_turn + in_turn[:5]
    one = asked(scenario(prompts=file, order="shuffled"), 40)
    assert one[:20] == one[20:] != in_turn
    assert sorted(one[:20], key=int) == in_turn
    assert asked(scenario(prompts=file, order="shuffled", seed=2), 20) != one[:20]


def test_typed_prompts_can_be_shuffled_too() -> None:
    made = replace(scenario(order="shuffled"), prompts=tuple("abcdefgh"))
    assert sorted(asked(made, 8)) == list("12345678") != asked(made, 8)


def test_a_file_that_changed_is_not_taken_for_the_one_that_was_meant(path: str) -> None:
    held = prompt_file(Data(prompts=PromptFile(path)))
    known = PromptFile(path, sha256=held.sha256)
    assert len(prompt_file(Data(prompts=known)).listed.items) == 20
    Path(path).write_text('["other"]', encoding="utf-8")
    with pytest.raises(UsageError, match="has changed since the run began"):
        source_of(scenario(prompts=known))


def test_everything_at_once_is_the_same_for_every_worker(path: str) -> None:
    made = scenario(
        prompts=PromptFile(path),
        order="shuffled",
        output_tokens=parse_sizes("normal:20,5", "-o"),
        prefix_tokens=7,
        prefix_pool=2,
        made_images=MadeImages(1, 8, 8),
        mix=(MixPart("a", 1), MixPart("b", 2)),
    )
    sent = msgspec.convert(msgspec.json.decode(msgspec.json.encode(made)), Scenario)
    assert sent == made, "as it reaches a worker"
    whole = [source_of(made).item(sequence) for sequence in range(60)]
    for worker in range(2):
        source = source_of(sent)
        assert [source.item(n) for n in range(worker, 60, 2)] == whole[worker::2]
    for item in whole:
        ((_, content),) = messages(made, item)
        assert [part["type"] for part in content] == ["text", "text", "image_url"]
        assert content[0]["text"].endswith(f"\n\n[{NONCE_SLOT}] ")
        assert item.model in {"a", "b"}
    assert len({item.max_tokens for item in whole}) > 10


def test_an_item_without_a_nonce_gets_none() -> None:
    made = scenario(input_tokens=parse_sizes("5", "-i"))
    item = source_of(made).item(0)
    assert made.nonce
    assert messages(made, item) == item.messages
