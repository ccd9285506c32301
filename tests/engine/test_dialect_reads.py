"""What each dialect reads: events and whole answers by hand, beside the captured ones."""

from __future__ import annotations

import pytest

from tailrace.engine.dialects.choice import dialect_of
from tailrace.engine.dialects.delta import Delta, Usage

USAGE = '"usage":{"completion_tokens":3,"prompt_tokens":9}'

EVENTS = {
    ("openai-completions", "[DONE]"): Delta(done=True),
    ("openai-completions", '{"choices":[{"text":"a","finish_reason":null}]}'): Delta("a"),
    ("openai-completions", '{"choices":[{"text":null,"finish_reason":"stop"}]}'): Delta(
        finish_reason="stop"
    ),
    ("openai-completions", '{"choices":[],' + USAGE + "}"): Delta(usage=Usage(3, 9)),
    ("openai-completions", "{" + USAGE + "}"): Delta(usage=Usage(3, 9)),
    ("openai-completions", '{"choices":[{"text":"ab","logprobs":{"tokens":["a","b"]}}]}'): Delta(
        "ab", usage=Usage(chunk_tokens=2)
    ),
    ("openai-completions", '{"error":{"message":"busy"}}'): Delta(error="busy"),
}
WHOLE = {
    ("openai-completions", '{"choices":[{"text":"a","finish_reason":"length"}]}'): Delta(
        "a", finish_reason="length", done=True
    ),
    ("openai-completions", '{"choices":[],' + USAGE + "}"): Delta(usage=Usage(3, 9), done=True),
    ("openai-completions", '{"error":"busy"}'): Delta(error="busy", done=True),
}
WRONG = {
    ("openai-completions", '{"choices":[5]}'): "not a completion: AttributeError 'int'",
    ("openai-completions", "[]"): "not a completion: AttributeError 'list'",
}


@pytest.mark.parametrize(("name", "data"), EVENTS)
def test_events(name: str, data: str) -> None:
    assert dialect_of(name).read("", data.encode()) == EVENTS[name, data]


@pytest.mark.parametrize(("name", "data"), WHOLE)
def test_whole_answers(name: str, data: str) -> None:
    assert dialect_of(name).read_whole(data.encode()) == WHOLE[name, data]


@pytest.mark.parametrize(("name", "data"), WRONG)
def test_what_is_of_no_dialect_is_said(name: str, data: str) -> None:
    for read in (dialect_of(name).read_whole, lambda one: dialect_of(name).read("", one)):
        with pytest.raises(ValueError, match=WRONG[name, data]):
            read(data.encode())


def test_a_whole_completion_has_choices() -> None:
    with pytest.raises(ValueError, match="not a completion: KeyError 'choices'"):
        dialect_of("openai-completions").read_whole(b"{}")
    assert dialect_of("openai-completions").read("", b"{}") == Delta()
