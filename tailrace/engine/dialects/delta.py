"""Delta: what one server event says, in words that all dialects share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import msgspec


class Usage(NamedTuple):
    """Token counts as the server states them; None where it does not."""

    output_tokens: int | None = None
    input_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None


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
    """Pure: how to ask, and how to read an event, or an answer that comes whole."""

    path: str
    """Appended to the base URL."""

    def body(self, ask: Ask) -> bytes:
        """The request's JSON body."""
        ...

    def read(self, event_type: str, data: bytes) -> Delta:
        """What an event says; raises ValueError when its data are not of this dialect."""
        ...

    def read_whole(self, data: bytes) -> Delta:
        """What an answer that was not streamed says; raises ValueError as ``read`` does."""
        ...
