"""Every message is one HTTP chunk with one event of valid JSON in it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.simulate import chunks
from tailrace.simulate.ask import SERVER_ERROR


def payload(message: bytes) -> Any:
    """The JSON inside a message whose framing is right."""
    size, _, rest = message.partition(b"\r\n")
    data, end = rest[: int(size, 16)], rest[int(size, 16) :]
    assert end == b"\r\n"
    assert data.startswith(b"data: ")
    assert data.endswith(b"\n\n")
    return json.loads(data[6:])


@given(st.text(min_size=1), st.integers(0, 10**6), st.integers(1, 40), st.booleans())
def test_content(model: str, first: int, count: int, usage: bool) -> None:
    chunk = payload(chunks.Frames(12, 34, model, usage).content(first, count))
    choice = chunk["choices"][0]
    assert chunk["object"] == "chat.completion.chunk"
    assert (chunk["id"], chunk["created"], chunk["model"]) == ("chatcmpl-sim000000012", 34, model)
    assert ("usage" in chunk) == usage
    assert choice["finish_reason"] is None
    assert list(choice["delta"]) == ["content"]
    text = choice["delta"]["content"]
    assert len(text.split()) == count
    assert text == chunks.text(first % chunks.CYCLE + count)[5 * (first % chunks.CYCLE) :]


@pytest.mark.parametrize("usage", [False, True])
def test_the_other_messages(usage: bool) -> None:
    frames = chunks.Frames(1, 2, "sim", usage)
    role = payload(frames.role())["choices"][0]
    assert (role["delta"]["role"], role["delta"]["content"]) == ("assistant", "")
    finish = payload(frames.finish("length"))["choices"][0]
    assert (finish["delta"], finish["finish_reason"]) == ({}, "length")
    spent = payload(frames.usage(chunks.usage(3, 4)))
    assert spent["choices"] == []
    assert spent["usage"]["total_tokens"] == 7
    assert payload(frames.error(SERVER_ERROR))["error"]["type"] == "server_error"
    with pytest.raises(json.JSONDecodeError):
        payload(frames.garbage().removesuffix(chunks.DONE))
    assert chunks.DONE == b"e\r\ndata: [DONE]\n\n\r\n"


def test_words_are_of_one_width() -> None:
    assert all(len(word) == chunks.WIDTH and word[:1] == b" " for word in chunks.WORDS)
    assert len(set(chunks.WORDS)) == chunks.CYCLE


@pytest.mark.parametrize("close", [False, True])
def test_whole_message(close: bool) -> None:
    head, _, tail = chunks.json_message(429, b"{}", says_close=close).partition(b"\r\n\r\n")
    assert tail == b"{}"
    assert head.startswith(b"HTTP/1.1 429 Too Many Requests\r\n")
    assert b"content-length: 2" in head
    assert (b"connection: close" in head) == close
