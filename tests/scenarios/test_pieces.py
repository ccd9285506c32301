"""Pieces: texts of exactly so many tokens, by real tokenizers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tailrace.errors import UsageError
from tailrace.scenarios.local_tokenizer import token_counter
from tailrace.scenarios.pieces import PLAIN, WORDS, pieces_for

from .tiny_tokenizer import byte_level, joining, letters, metaspace, saved

MAKERS = [byte_level, metaspace, letters]


@pytest.fixture(scope="module", params=MAKERS, ids=lambda maker: maker.__name__)
def counter(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], int]:
    made = request.param()
    made.enable_truncation(100)  # as files of real models have it; it must not count
    made.enable_padding(length=64)
    return token_counter(saved(made, tmp_path_factory.mktemp("t") / "tokenizer.json"))


def test_words_are_as_many_and_as_long_as_they_should() -> None:
    assert len(WORDS) == len(set(WORDS)) == 256
    assert {len(word) for word in WORDS} == {4}


def test_plain_texts_have_that_many_words_and_depend_on_their_key() -> None:
    assert [len(PLAIN.text(n, "k").split()) for n in (1, 2, 500)] == [1, 2, 500]
    assert PLAIN.text(3, "k", goes_on=True).startswith(" ")
    assert PLAIN.text(20, "a") == PLAIN.text(20, "a") != PLAIN.text(20, "b")


def test_lengths_are_exact(counter: Callable[[str], int]) -> None:
    pieces = pieces_for(counter, "T")
    for size in (*range(1, 40), 100, 333, 1000, 4097):
        for key in ("a", "b"):
            assert counter(pieces.text(size, f"{key}{size}")) == size


def test_a_text_that_goes_on_adds_exactly_its_length(counter: Callable[[str], int]) -> None:
    pieces = pieces_for(counter, "T")
    prefix = pieces.text(77, "prefix")
    for size in (1, 2, 50, 999):
        assert counter(prefix + pieces.text(size, str(size), goes_on=True)) == 77 + size


def test_a_tokenizer_that_cannot_is_refused(tmp_path: Path) -> None:
    count = token_counter(saved(joining(), tmp_path / "t.json"))
    with pytest.raises(UsageError, match=r"^T has no words that are one token each"):
        pieces_for(count, "T")


@pytest.mark.parametrize("text", [b"", b"{}", b"not json", b'{"version": "1.0"}', b"\xff\xfe"])
def test_files_that_are_no_tokenizer(text: bytes, tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_bytes(text)
    with pytest.raises(UsageError, match=r"is not a tokenizer\.json") as caught:
        token_counter(str(path))
    assert repr(str(path)) in str(caught.value)


def test_a_tokenizer_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        token_counter(str(tmp_path / "t.json"))


def test_no_tokenizer_without_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    modules: dict[str, Any] = __import__("sys").modules
    monkeypatch.setitem(modules, "tokenizers", None)
    with pytest.raises(UsageError, match=r"pip install 'tailrace\[data\]'"):
        token_counter("t.json")
