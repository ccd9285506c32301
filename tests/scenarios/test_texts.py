"""Made-up texts: as long as asked, the same for a key, unlike for another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.scenarios.texts import text_of_tokens


def words_of(count: int, key: str) -> list[str]:
    return text_of_tokens(count, key).split(" ")


keys = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)


@given(st.integers(0, 3000), keys)
def test_a_text_has_the_words_asked_for(tokens: int, key: str) -> None:
    assert len(text_of_tokens(tokens, key).split(" ")) == max(1, tokens)


@pytest.mark.parametrize(("ratio", "words"), [(1.0, 100), (0.75, 75), (2.0, 200), (0.001, 1)])
def test_the_ratio_decides_how_many_words_a_token_is(ratio: float, words: int) -> None:
    assert len(text_of_tokens(100, "a", ratio).split()) == words


@given(st.integers(1, 6000), st.integers(1, 6000), keys)
def test_a_longer_text_begins_with_the_shorter(one: int, other: int, key: str) -> None:
    short, long = sorted((one, other))
    assert words_of(long, key)[:short] == words_of(short, key)


def test_keys_differ_in_their_first_words() -> None:
    texts = {tuple(words_of(5, f"block {number}")) for number in range(2000)}
    assert len(texts) == 2000


def test_a_text_is_the_same_for_ever() -> None:
    assert text_of_tokens(8, "golden") == "work the go for two was get may"


def test_a_long_text_has_no_period() -> None:
    words = words_of(20_000, "long")
    runs = {tuple(words[first : first + 8]) for first in range(0, 20_000 - 8, 8)}
    assert len(runs) > 2000
