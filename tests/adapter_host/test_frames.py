"""A host's answers are what the client's own dialect reads."""

from __future__ import annotations

import pytest

from tailrace.adapter_host.frames import Frames, error_body, usage_of
from tailrace.engine.dialects.delta import Delta
from tailrace.engine.dialects.openai_chat import OpenAIChat
from tailrace.engine.sse import EventReader

FRAMES = Frames(1, 1_700_000_000, "m")


def read(http_chunks: bytes) -> list[Delta]:
    """The deltas in a chunked body."""
    payload, rest = b"", http_chunks
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        payload, rest = payload + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
    return [OpenAIChat().read(*event) for event in EventReader().feed(payload)]


@pytest.mark.parametrize("text", ["a", "", "two\nlines", "\u2028 é 語 🙂", '"quotes" \\ {}'])
def test_a_token_comes_as_it_was_yielded(text: str) -> None:
    (delta,) = read(FRAMES.delta(text))
    assert delta.text == text


def test_the_end_of_a_stream() -> None:
    finish, usage, done = read(FRAMES.end("length", usage_of(3, 5)))
    assert finish.finish_reason == "length"
    assert usage.usage is not None
    assert (usage.usage.input_tokens, usage.usage.output_tokens) == (3, 5)
    assert done.done
    assert FRAMES.end("stop", None).endswith(b"0\r\n\r\n")
    assert len(read(FRAMES.end("stop", None))) == 2


def test_an_error_in_a_stream() -> None:
    (delta,) = read(FRAMES.error("no more memory"))
    assert delta.error == "no more memory"
    assert OpenAIChat().read("", error_body("why")).error == "why"


def test_a_whole_answer() -> None:
    delta = OpenAIChat().read_whole(FRAMES.whole("all of it", "stop", usage_of(None, 4)))
    assert (delta.text, delta.finish_reason) == ("all of it", "stop")
    assert delta.usage is not None
    assert (delta.usage.input_tokens, delta.usage.output_tokens) == (None, 4)
    assert OpenAIChat().read_whole(FRAMES.whole("x", "stop", None)).usage is None


def test_of_what_is_not_known_nothing_is_said() -> None:
    assert usage_of(7, None) is None
    assert usage_of(None, 2) == {"completion_tokens": 2}
    assert usage_of(7, 2) == {"completion_tokens": 2, "prompt_tokens": 7, "total_tokens": 9}


def test_every_message_byte_for_byte() -> None:
    base = b'"id":"chatcmpl-adapter1","created":1700000000,"model":"m","choices":'
    opening = b'{"object":"chat.completion.chunk",' + base

    def sent(rest: bytes) -> bytes:
        data = b"data: " + opening + rest + b"\n\n"
        return b"%x\r\n" % len(data) + data + b"\r\n"

    done = b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"
    finish = sent(b'[{"index":0,"delta":{},"finish_reason":"stop"}]}')
    assert FRAMES.delta("a") == sent(b'[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}')
    assert FRAMES.end("stop", None) == finish + done
    usage = {"completion_tokens": 2}
    assert FRAMES.end("stop", usage) == finish + sent(b'[],"usage":{"completion_tokens":2}}') + done
    whole = b'{"object":"chat.completion",' + base
    message = b'[{"index":0,"message":{"role":"assistant","content":"a"},"finish_reason":"stop"}]'
    assert FRAMES.whole("a", "stop", None) == whole + message + b"}"
    counted = b',"usage":{"completion_tokens":2}}'
    assert FRAMES.whole("a", "stop", usage) == whole + message + counted
    error = b'{"error":{"message":"why","type":"adapter_error"}}'
    assert error_body("why") == error
    assert error_body("why", "k") == error.replace(b"adapter_error", b"k")
    data = b"data: " + error + b"\n\n"
    assert FRAMES.error("why") == b"%x\r\n" % len(data) + data + b"\r\n0\r\n\r\n"
