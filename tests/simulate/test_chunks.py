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


def test_every_message_byte_for_byte() -> None:
    frames = chunks.Frames(7, 34, 'a"b', True)
    opening = (
        b'{"id":"chatcmpl-sim000000007","object":"chat.completion.chunk","created":34,'
        b'"model":"a\\"b","system_fingerprint":"fp_simulate","choices":['
    )

    def sent(rest: bytes) -> bytes:
        data = b"data: " + opening + rest + b"\n\n"
        return b"%x\r\n" % len(data) + data + b"\r\n"

    end = b',"logprobs":null,"finish_reason":'
    role = b'{"index":0,"delta":{"role":"assistant","content":"","refusal":null}' + end + b"null}]"
    content = b'{"index":0,"delta":{"content":" foam tail"}' + end + b"null}]"
    finish = b'{"index":0,"delta":{}' + end + b'"stop"}]'
    spent = (
        b'],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7,'
        b'"prompt_tokens_details":{"cached_tokens":0}}}'
    )
    null = b',"usage":null}'
    assert frames.role() == sent(role + null)
    assert frames.content(15, 2) == frames.content(31, 2) == sent(content + null)
    assert frames.ending("stop", 3, 4) == sent(finish + null) + sent(spent) + chunks.DONE
    bare = chunks.Frames(7, 34, 'a"b', False)
    assert bare.ending("stop", 3, 4) == sent(finish + b"}") + chunks.DONE
    assert frames.garbage() == sent(b'{"index":0,"del') + chunks.DONE
    assert chunks.stream_head(b"r7") == (
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
        b"cache-control: no-cache\r\nx-request-id: r7\r\nconnection: keep-alive\r\n"
        b"transfer-encoding: chunked\r\n\r\n"
    )
    assert b"\r\ncontent-type: k\r\n" in chunks.stream_head(b"r", True, b"k")
    assert b"\r\nconnection: close\r\n" in chunks.stream_head(b"r", True, b"k")
    assert chunks.json_message(200, b"{}") == (
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n"
        b"connection: keep-alive\r\n\r\n{}"
    )
    assert chunks.message(404, b"k", b"", says_close=True, extra=b"a: b\r\n") == (
        b"HTTP/1.1 404 Not Found\r\ncontent-type: k\r\ncontent-length: 0\r\na: b\r\n"
        b"connection: close\r\n\r\n"
    )


def test_a_whole_answer_byte_for_byte() -> None:
    spent = chunks.usage(1, 2)
    found = chunks.completion(number=7, created=34, model="m", text="t", reason="r", spent=spent)
    assert found == (
        b'{"id":"chatcmpl-sim000000007","object":"chat.completion","created":34,"model":"m",'
        b'"choices":[{"index":0,"message":{"role":"assistant","content":"t","refusal":null},'
        b'"logprobs":null,"finish_reason":"r"}],"usage":{"prompt_tokens":1,"completion_tokens":2,'
        b'"total_tokens":3,"prompt_tokens_details":{"cached_tokens":0}},'
        b'"system_fingerprint":"fp_simulate"}'
    )
