"""The bytes of every wire message, framed for HTTP already.

Rule: pure; one content chunk is prefix + words + suffix, joined and never dumped. Every word is
five bytes (a space and four letters), so a chunk's size depends only on its number of tokens.
Why: at tens of thousands of chunks a second a JSON dump for each would cost more than its write.
"""

from __future__ import annotations

from functools import lru_cache
from http import HTTPStatus
from typing import Any

import orjson

from tailrace.simulate.ask import Refusal

WORDS = (
    *(b" tail", b" race", b" weir", b" gate", b" lake", b" rain", b" pool", b" tide"),
    *(b" wave", b" head", b" flow", b" pipe", b" vane", b" pier", b" silt", b" foam"),
)
CYCLE = len(WORDS)
WIDTH = 5

END = b"0\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def framed(payload: bytes) -> bytes:
    """One HTTP chunk."""
    return b"%x\r\n%b\r\n" % (len(payload), payload)


def event(data: bytes) -> bytes:
    """One SSE event in one HTTP chunk."""
    return framed(b"data: " + data + b"\n\n")


DONE = event(b"[DONE]")


@lru_cache(maxsize=4096)
def words(first: int, count: int) -> bytes:
    """The text of `count` tokens from token `first` on; `first` counts round the cycle."""
    return b"".join(WORDS[(first + index) % CYCLE] for index in range(count))


def text(count: int) -> str:
    """The whole text of an answer of `count` tokens."""
    cycles, rest = divmod(count, CYCLE)
    return (words(0, CYCLE) * cycles + words(0, rest)).decode()


def stream_head(
    request_id: bytes, says_close: bool = False, kind: bytes = b"text/event-stream; charset=utf-8"
) -> bytes:
    """The status line and headers of a streamed answer."""
    return (
        b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\n"
        b"cache-control: no-cache\r\nx-request-id: %b\r\nconnection: %b\r\n"
        b"transfer-encoding: chunked\r\n\r\n"
    ) % (kind, request_id, b"close" if says_close else b"keep-alive")


def message(
    status: int, kind: bytes, body: bytes, *, says_close: bool = False, extra: bytes = b""
) -> bytes:
    """A whole answer with its length. `extra` is header lines, each with its line end."""
    connection = b"close" if says_close else b"keep-alive"
    head = b"HTTP/1.1 %d %b\r\ncontent-type: %b\r\ncontent-length: %d\r\n" % (
        status,
        HTTPStatus(status).phrase.encode(),
        kind,
        len(body),
    )
    return head + extra + b"connection: %b\r\n\r\n" % connection + body


def json_message(status: int, body: bytes, *, says_close: bool = False) -> bytes:
    """A whole JSON answer."""
    return message(status, b"application/json", body, says_close=says_close)


def usage(prompt: int, completion: int) -> dict[str, Any]:
    """The usage object."""
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": 0},
    }


def completion(
    *, number: int, created: int, model: str, text: str, reason: str, spent: dict[str, Any]
) -> bytes:
    """The JSON of an answer that is not streamed."""
    return orjson.dumps(
        {
            "id": _identity(number),
            "object": "chat.completion",
            "created": created,
            "model": model,
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": text, "refusal": None},
                    "logprobs": None,
                    "finish_reason": reason,
                }
            ],
            "usage": spent,
            "system_fingerprint": "fp_simulate",
        }
    )


def _identity(number: int) -> str:
    return f"chatcmpl-sim{number:09d}"


class Frames:
    """The messages of one streamed chat completion."""

    __slots__ = ("_end", "_open", "_prefixes", "_suffix", "_usage")
    kind = b"text/event-stream; charset=utf-8"

    def __init__(self, number: int, created: int, model: str, with_usage: bool) -> None:
        self._open = (
            b'{"id":"%b","object":"chat.completion.chunk","created":%d,"model":%b,'
            b'"system_fingerprint":"fp_simulate","choices":['
        ) % (_identity(number).encode(), created, orjson.dumps(model))
        self._end = b"}"
        self._usage = b',"usage":null' if with_usage else b""
        self._suffix = b'"},"logprobs":null,"finish_reason":null}]%b}\n\n\r\n' % self._usage
        self._prefixes: dict[int, bytes] = {}

    def content(self, first: int, count: int) -> bytes:
        """One content chunk of `count` tokens, the first of them number `first`."""
        prefix = self._prefixes.get(count)
        if prefix is None:
            prefix = self._prefix(count)
        return prefix + words(first % CYCLE, count) + self._suffix

    def _prefix(self, count: int) -> bytes:
        lead = b"data: " + self._open + b'{"index":0,"delta":{"content":"'
        size = len(lead) + WIDTH * count + len(self._suffix) - 2
        prefix = self._prefixes[count] = b"%x\r\n" % size + lead
        return prefix

    def role(self) -> bytes:
        """The chunk that opens a stream and holds no output."""
        delta = b'{"role":"assistant","content":"","refusal":null}'
        return event(self._choice(delta, b"null"))

    def finish(self, reason: str) -> bytes:
        """The chunk that says why the answer ends."""
        return event(self._choice(b"{}", b'"%b"' % reason.encode()))

    def usage(self, spent: dict[str, Any]) -> bytes:
        """The chunk that counts the tokens; it has no choices."""
        return event(self._open + b'],"usage":' + orjson.dumps(spent) + self._end)

    def garbage(self) -> bytes:
        """An event that breaks off inside its JSON, and the end mark."""
        return event(self._open + b'{"index":0,"del') + DONE

    def ending(self, reason: str, prompt: int, completion: int) -> bytes:
        """All that follows the content of a whole answer."""
        spent = self.usage(usage(prompt, completion)) if self._usage else b""
        return self.finish(reason) + spent + DONE

    def error(self, refusal: Refusal) -> bytes:
        """An error event inside the stream."""
        return event(refusal.body())

    def _choice(self, delta: bytes, reason: bytes) -> bytes:
        choice = b'{"index":0,"delta":%b,"logprobs":null,"finish_reason":%b}]' % (delta, reason)
        return self._open + choice + self._usage + self._end
