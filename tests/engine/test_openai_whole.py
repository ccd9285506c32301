"""OpenAI chat completions that come whole: objects as servers send them, and the body that asks."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from tailrace.engine.dialects.delta import Ask, Delta, Usage
from tailrace.engine.dialects.openai_chat import OpenAIChat

USAGE = {
    "prompt_tokens": 9,
    "completion_tokens": 3,
    "prompt_tokens_details": {"cached_tokens": 4},
    "completion_tokens_details": {"reasoning_tokens": 2},
}
CALL = [{"function": {"name": "f", "arguments": "{}"}}]


def answer(message: object, finish: str | None = "stop", **more: object) -> bytes:
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return orjson.dumps({"id": "x", "object": "chat.completion", "choices": [choice]} | more)


ANSWERS: dict[str, tuple[bytes, Delta]] = {
    "text": (answer({"role": "assistant", "content": "ab"}), Delta("ab", "", False, "stop")),
    "content null": (answer({"content": None}), Delta(finish_reason="stop")),
    "no content": (answer({}), Delta(finish_reason="stop")),
    "in parts": (
        answer({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}),
        Delta("ab", finish_reason="stop"),
    ),
    "reasoning_content": (
        answer({"content": "a", "reasoning_content": "r"}),
        Delta("a", "r", finish_reason="stop"),
    ),
    "reasoning": (answer({"content": "a", "reasoning": "r"}), Delta("a", "r", False, "stop")),
    "a tool call": (
        answer({"content": None, "tool_calls": CALL}),
        Delta(tool=True, finish_reason="stop", calls=CALL),
    ),
    "no finish reason": (answer({"content": "a"}, None), Delta("a")),
    "usage": (
        answer({"content": "a"}, usage=USAGE),
        Delta("a", finish_reason="stop", usage=Usage(3, 9, 4, 2)),
    ),
    "usage null": (answer({"content": "a"}, usage=None), Delta("a", finish_reason="stop")),
    "a refusal": (
        answer({"content": None, "refusal": "No."}),
        Delta("No.", finish_reason="stop", refusal=True),
    ),
    "refusal null": (answer({"content": "a", "refusal": None}), Delta("a", finish_reason="stop")),
    "an error": (b'{"error":{"message":"busy","code":1}}', Delta(error="busy")),
    "error null": (answer({"content": "a"}, error=None), Delta("a", finish_reason="stop")),
}


@pytest.mark.parametrize(("data", "delta"), ANSWERS.values(), ids=ANSWERS.keys())
def test_read_whole(data: bytes, delta: Delta) -> None:
    assert OpenAIChat().read_whole(data) == replace(delta, done=True)


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"{", b"null", b"[]", b"3", b"{}", b'{"choices":[]}', b'{"choices":[{}]}'),
        *(b'{"choices":[{"message":null}]}', b'{"choices":[{"message":{"content":5}}]}'),
        *(b'{"choices":{}}', b'{"choices":[{"message":{"content":[5]}}]}'),
        b'{"choices":[{"message":{"content":[{"type":"text"}]}}]}',
    ],
)
def test_what_is_no_completion_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        OpenAIChat().read_whole(data)


def test_what_is_wrong_with_a_completion_is_said() -> None:
    says = {
        b'{"choices":[]}': "not a chat completion: IndexError list index out of range",
        b'{"choices":[{"message":{"content":5}}]}': "not a chat completion: TypeError a message of "
        "type int",
    }
    for data, sentence in says.items():
        with pytest.raises(ValueError, match=sentence):
            OpenAIChat().read_whole(data)


def test_a_whole_answer_is_asked_for_without_stream_options() -> None:
    ask = Ask("m", (("user", "Hi"),), 9, 0.0, None, stream_usage=True, extra={}, stream=False)
    body: dict[str, Any] = orjson.loads(OpenAIChat().body(ask))
    assert body["stream"] is False
    assert "stream_options" not in body
