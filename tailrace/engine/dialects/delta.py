"""Delta: what one server event says, in words that all dialects share; and what a dialect is.

A dialect is a pure pair: how a request's body is built, and how an event of the answer is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, Protocol

import msgspec

from tailrace.scenarios.urls import endpoint, root_of

Framing = Literal["sse", "ndjson", "whole"]
"""How a streamed answer is cut into events; ``whole`` is a dialect that never streams."""

Headers = Sequence[tuple[str, str]]


class Usage(NamedTuple):
    """Token counts as the server states them; None where it does not.

    An answer may state them in parts: what a later event leaves open stays as it was.
    """

    output_tokens: int | None = None
    input_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    chunk_tokens: int | None = None
    """Tokens in this very chunk, where the event lists them one by one."""


class Delta(msgspec.Struct, frozen=True, gc=False):
    """One event. Only ``text``, ``reasoning`` and ``tool`` are output, and only when not empty.

    A Struct, since one is made for each chunk: a named tuple takes three times as long.
    """

    text: str = ""
    reasoning: str = ""
    tool: bool = False
    finish_reason: str | None = None
    usage: Usage | None = None
    error: str | None = None
    """An error that the server reported inside the stream."""
    done: bool = False
    """The server's own mark that the answer is whole."""
    calls: Any = None
    """Pieces of tool calls as the event has them; see tool_calls.py."""
    refusal: bool = False
    """Its text refuses to answer."""


class Ask(NamedTuple):
    """What a request asks for, whichever the dialect."""

    model: str
    messages: Sequence[tuple[str, object]]
    """(role, content) pairs; content is text, or parts as the chat API writes them."""
    max_tokens: int
    temperature: float
    seed: int | None
    stream_usage: bool
    extra: dict[str, object]
    """Keys merged into the body last, as the user gave them."""
    stream: bool = True


class Dialect(Protocol):
    """Pure: how to ask, and how to read an event, or an answer that comes whole.

    A class that names this one as its base need only give ``path`` and the three methods.
    """

    path: str
    """Appended to the base URL."""
    at_root: bool = False
    """``path`` belongs to the base URL without its ``/v1``."""
    framing: Framing = "sse"
    end_mark: str = "[DONE] or a finish reason"
    """What ends a whole answer, for the message that it is missing."""

    def headers(self, given: Headers) -> Headers:
        """What to send of the user's headers (the API key is among them), and headers besides."""
        return given

    def body(self, ask: Ask) -> bytes:
        """The request's JSON body."""
        ...

    def read(self, event_type: str, data: bytes) -> Delta:
        """What an event says; raises ValueError when its data are not of this dialect."""
        ...

    def read_whole(self, data: bytes) -> Delta:
        """What an answer that was not streamed says; raises ValueError as ``read`` does."""
        ...


def url_of(base_url: str, dialect: Dialect) -> str:
    """Where a dialect's requests go."""
    return endpoint(root_of(base_url) if dialect.at_root else base_url, dialect.path)
