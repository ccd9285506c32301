"""Laws of the dialect: the short way through a plain chunk says what the long way says."""

from __future__ import annotations

from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from tailrace.engine.dialects.openai_chat import OpenAIChat

texts = st.none() | st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
odd = st.none() | st.booleans() | st.integers(-5, 5) | st.lists(st.integers(-9, 9), max_size=2)


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An object with any of these fields."""
    return st.fixed_dictionaries({}, optional=fields)


calls = st.lists(some(function=some(name=texts, arguments=texts)), max_size=2)
deltas = some(
    role=texts,
    content=texts | odd,
    reasoning_content=texts,
    reasoning=texts | odd,
    tool_calls=calls | odd,
)
choices = some(index=odd, delta=deltas | odd, finish_reason=texts | odd, logprobs=odd)
usages = some(completion_tokens=odd, prompt_tokens=odd)
chunks = some(
    id=texts,
    choices=st.lists(choices, max_size=2) | odd,
    usage=usages | odd,
    error=texts | some(message=texts) | odd,
)


def said(read: Any, data: bytes) -> Any:
    try:
        return read(data)
    except ValueError:
        return "refused"


@given(chunks | st.lists(chunks, max_size=1) | odd)
def test_both_ways_say_the_same(chunk: Any) -> None:
    dialect = OpenAIChat()
    data = orjson.dumps(chunk)
    assert said(lambda data: dialect.read("", data), data) == said(dialect._read_any, data)
