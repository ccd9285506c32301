"""Records: whatever stands in a file, it is items or one sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tailrace.errors import UsageError
from tailrace.scenarios.prompt_files import _READERS
from tailrace.scenarios.records import FIELDS, Record, read_records
from tailrace.scenarios.sharegpt import first_exchange, words_as_tokens

many = settings(max_examples=300, deadline=None)

plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9)
values = st.recursive(
    plain,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(("role", "content", "from", "value", "type")), inner)
    ),
    max_leaves=8,
)
records = values | st.dictionaries(st.sampled_from((*FIELDS, "other", "promt")), values)


Result = TypeVar("Result")


def told(call: Callable[[], Result]) -> tuple[Result | None, str]:
    """What comes of it, and the sentence if it is refused."""
    try:
        return call(), ""
    except UsageError as error:
        return None, str(error)


@many
@given(st.lists(records, max_size=4), st.none() | st.sampled_from(("prompt", "other")))
def test_anything_is_items_or_a_sentence(found: list[Any], column: str | None) -> None:
    made = [Record(f"F record {n}", value) for n, value in enumerate(found, 1)]
    read, sentence = told(lambda: read_records(made, "F", column, words_as_tokens))
    if read is None:
        assert sentence.startswith("F")
        assert "\n" not in sentence
        return
    items, skipped = read
    assert len(items) + skipped == len(found)
    assert len({item.id for item in items}) == len(items) > 0
    for item in items:
        assert item.messages
        assert item.max_tokens is None or item.max_tokens >= 1


@many
@given(
    st.sampled_from(sorted(_READERS)),
    st.binary(max_size=60)
    | st.text(st.sampled_from('{}[]":,\n\r\t a1"'), max_size=40).map(str.encode),
)
def test_any_bytes_are_records_or_a_sentence(suffix: str, data: bytes) -> None:
    found, sentence = told(lambda: list(_READERS[suffix](data, "F")))
    assert sentence.startswith("F ") or found is not None
    assert all(record.where.startswith("F ") for record in found or ())


@many
@given(values)
def test_any_conversation_is_an_exchange_or_nothing_or_a_sentence(turns: Any) -> None:
    found, sentence = told(lambda: first_exchange("F record 1", turns))
    assert not sentence or sentence.startswith("F record 1: field 'conversations")
    assert found is None or (found.question.strip() and found.answer.strip())


@pytest.mark.parametrize(
    ("key", "meant"),
    [("promt", "prompt"), ("tag", "tags"), ("max_token", "max_tokens")],
)
def test_only_what_looks_like_ours_is_a_mistake(key: str, meant: str) -> None:
    record = Record("F record 1", {"prompt": "a", key: "b"})
    with pytest.raises(UsageError, match=f"did you mean '{meant}'"):
        read_records([record], "F", None, words_as_tokens)


@pytest.mark.parametrize("key", ["answer", "category", "prompt_id", "text", "source", "turns", "n"])
def test_fields_of_others_are_left_alone(key: str) -> None:
    record = Record("F record 1", {"prompt": "a", key: "b"})
    assert len(read_records([record], "F", None, words_as_tokens).items) == 1
