"""Made prompts: the lengths that were asked for, by a real tokenizer; the same for every worker."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import NormalDist
from typing import Any

import pytest

from tailrace.scenarios.data import Alignment, Data, MadeImages
from tailrace.scenarios.data_source import data_source
from tailrace.scenarios.items import Item
from tailrace.scenarios.local_tokenizer import token_counter
from tailrace.scenarios.model import Level, Scenario
from tailrace.scenarios.sizes import parse_sizes
from tailrace.scenarios.sources import source_of
from tailrace.scenarios.synthetic import Synthetic

from .tiny_tokenizer import byte_level, saved


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> str:
    return saved(byte_level(), tmp_path_factory.mktemp("t") / "tokenizer.json")


@pytest.fixture(scope="module")
def count(tokenizer: str) -> Callable[[str], int]:
    return token_counter(tokenizer)


def scenario(
    sizes: str, seed: int = 7, salt: str = "s", nonce: bool = True, **data: Any
) -> Scenario:
    made = Data(input_tokens=parse_sizes(sizes, "--input-tokens"), **data)
    levels = (Level(1, 0, None, 1),)
    return Scenario(
        "http://h/v1", ("m",), levels, prompts=(), data=made, seed=seed, salt=salt, nonce=nonce
    )


def items(made: Scenario, n: int, alignment: Alignment | None = None) -> list[Item]:
    source = source_of(made, alignment)
    assert source.distinct is None
    return [source.item(sequence) for sequence in range(n)]


def text(item: Item) -> str:
    ((role, content),) = item.messages
    assert role == "user"
    assert isinstance(content, str)
    return content


def distance(sizes: list[int], chance_below: Callable[[float], float]) -> float:
    """Kolmogorov and Smirnov's, of whole numbers that were rounded."""
    n = len(sizes)
    steps = {size: sum(other <= size for other in sizes) / n for size in set(sizes)}
    return max(abs(share - chance_below(size + 0.5)) for size, share in steps.items())


def test_realised_lengths_follow_the_normal_that_was_asked_for(
    tokenizer: str, count: Callable[[str], int]
) -> None:
    n = 600
    made = items(scenario("normal:512,64", tokenizer=tokenizer), n)
    sizes = [count(text(item)) for item in made]
    assert distance(sizes, NormalDist(512, 64).cdf) < 1.63 / n**0.5  # at 1 %
    assert distance(sizes, NormalDist(530, 64).cdf) > 1.63 / n**0.5, "the test can fail"


def test_realised_lengths_follow_the_lognormal_that_was_asked_for(
    tokenizer: str, count: Callable[[str], int]
) -> None:
    import math

    n = 600
    made = items(scenario("lognormal:200,0.5", tokenizer=tokenizer), n)
    sizes = [count(text(item)) for item in made]
    below = NormalDist(math.log(200), 0.5).cdf
    assert distance(sizes, lambda size: below(math.log(size))) < 1.63 / n**0.5


def test_every_length_is_the_one_drawn(tokenizer: str, count: Callable[[str], int]) -> None:
    lengths = Path(tokenizer).with_name("lengths.csv")
    lengths.write_text("input_tokens,output_tokens\n5,50\n70,7\n900,9\n", encoding="utf-8")
    output = parse_sizes(f"file:{lengths}", "--output-tokens")
    made = items(scenario(f"file:{lengths}", tokenizer=tokenizer, output_tokens=output), 100)
    found = {(count(text(item)), item.max_tokens) for item in made}
    assert found == {(5, 50), (70, 7), (900, 9)}


def test_the_same_whatever_the_worker_and_the_order(tokenizer: str) -> None:
    made = scenario(
        "normal:60,20",
        tokenizer=tokenizer,
        output_tokens=parse_sizes("uniform:1,99", "-o"),
        prefix_tokens=10,
        prefix_pool=3,
        made_images=MadeImages(1, 8, 8),
    )
    whole = items(made, 40)
    for worker in range(3):
        source = data_source(made)
        share = [source.item(sequence) for sequence in reversed(range(worker, 40, 3))]
        assert share[::-1] == whole[worker::3]


def test_a_salt_changes_words_and_no_length() -> None:
    one, other = (items(scenario("uniform:5,50", salt=salt), 50) for salt in "ab")
    assert [len(text(a).split()) for a in one] == [len(text(b).split()) for b in other]
    assert all(text(a) != text(b) for a, b in zip(one, other, strict=True))
    begun = {text(item)[:60] for item in items(scenario("100"), 500)}
    assert len(begun) == 500, "no two begin alike"


def test_without_a_nonce_a_run_repeats_the_texts_of_the_last() -> None:
    one, other = (items(scenario("20", salt=salt, nonce=False), 5) for salt in "ab")
    assert one == other


def test_seeds_draw_other_lengths() -> None:
    one, other = (items(scenario("uniform:5,500", seed=seed), 50) for seed in (1, 2))
    assert [len(text(a)) for a in one] != [len(text(b)) for b in other]


def test_prompts_have_no_nonce_and_a_name_of_their_own() -> None:
    made = items(scenario("20"), 3)
    assert [item.id for item in made] == ["s0", "s1", "s2"]
    assert not any(item.nonce for item in made)
    assert made[0].max_tokens is None


def test_prefixes_are_shared_and_their_length_comes_on_top(
    tokenizer: str, count: Callable[[str], int]
) -> None:
    made = items(scenario("30", tokenizer=tokenizer, prefix_tokens=100, prefix_pool=4), 200)
    texts = [text(item) for item in made]
    assert {count(one) for one in texts} == {130}
    begun: dict[str, int] = {}
    for one in texts:
        begun[one[:300]] = begun.get(one[:300], 0) + 1
    assert len(begun) == 4
    assert min(begun.values()) > 25
    assert len({one[-80:] for one in texts}) == 200, "each has its own part"


def test_an_alignment_takes_the_overhead_off() -> None:
    found = items(scenario("uniform:100,120"), 50, Alignment(1.25, 20.0))
    plain = items(scenario("uniform:100,120"), 50)
    for aligned, unaligned in zip(found, plain, strict=True):
        words = len(text(aligned).split())
        assert abs(words * 1.25 + 20 - len(text(unaligned).split())) <= 0.625
    assert {len(text(item).split()) for item in items(scenario("5"), 9, Alignment(1, 50))} == {1}


def test_images_stand_behind_the_text_and_are_of_each_request() -> None:
    made = items(scenario("5", made_images=MadeImages(2, 16, 8)), 20)
    urls = set()
    for item in made:
        ((_, content),) = item.messages
        assert [part["type"] for part in content] == ["text", "image_url", "image_url"]
        urls |= {part["image_url"]["url"] for part in content[1:]}
    assert len(urls) == 40


def test_a_seed_means_the_same_in_every_version() -> None:
    """So that a run of last year can be repeated: these lengths, this choice of prefixes."""
    output = parse_sizes("uniform:1,99", "-o")
    made = items(scenario("uniform:5,500", output_tokens=output, prefix_tokens=3, prefix_pool=4), 6)
    begun = [text(item).split()[:3] for item in made]
    prefixes = [begun.index(words) for words in begun]
    assert [len(text(item).split()) - 3 for item in made] == [442, 291, 13, 286, 368, 214]
    assert [item.max_tokens for item in made] == [42, 24, 9, 26, 12, 78]
    assert prefixes == [0, 1, 1, 3, 4, 4]


def test_prefixes_hang_on_seed_and_salt() -> None:
    def begun(**more: Any) -> set[str]:
        made = items(scenario("20", prefix_tokens=9, prefix_pool=2, **more), 20)
        return {" ".join(text(item).split()[:9]) for item in made}

    sets = [begun(seed=1), begun(seed=2), begun(seed=1, salt="other")]
    assert [len(each) for each in sets] == [2, 2, 2]
    assert len(sets[0] | sets[1] | sets[2]) == 6


def test_probes_have_their_length_and_ask_for_one_token() -> None:
    made = scenario("20", prefix_tokens=9, made_images=MadeImages(1, 8, 8))
    source, other = data_source(made), data_source(scenario("20", salt="other"))
    assert isinstance(source, Synthetic)
    assert isinstance(other, Synthetic)
    probes = [source.probe(pieces, number) for number, pieces in enumerate((5, 50, 50))]
    contents = [probe.messages[0][1] for probe in (*probes, *items(made, 3))]
    texts = [content[0]["text"] for content in contents]  # type: ignore[index]
    assert [len(one.split()) for one in texts[:3]] == [5, 50, 50]
    assert len({one[:20] for one in texts}) == 4, "requests share a prefix, which no probe has"
    assert len({content[1]["image_url"]["url"] for content in contents}) == 6  # type: ignore[index]
    assert [(probe.id, probe.max_tokens) for probe in probes] == [
        *(("probe0", 1), ("probe1", 1), ("probe2", 1))
    ]
    assert other.probe(50, 1).messages[0][1] != texts[1]
