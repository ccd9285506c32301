"""OpenAI embeddings: one text in, one vector out, always as a whole answer.

Rule: the OpenAI API reference, "Create embeddings". A vector counts as output that is no text, as
a tool call does; its numbers are not kept. An answer with a vector too few, or an empty one, is no
success.
"""

from __future__ import annotations

from typing import Any

import msgspec
import orjson

from tailrace.engine.dialects.contents import text_of
from tailrace.engine.dialects.delta import Ask, Delta, Dialect, Framing
from tailrace.engine.dialects.openai_chat import error_text, read_usage


class OpenAIEmbeddings(Dialect):
    """``POST {base}/embeddings``."""

    path = "/embeddings"
    framing: Framing = "whole"

    def body(self, ask: Ask) -> bytes:
        """The request's JSON body; the last message is the text."""
        body: dict[str, object] = {
            "model": ask.model,
            "input": text_of(ask.messages[-1][1]) if ask.messages else "",
            "encoding_format": "float",
        }
        return orjson.dumps(body | ask.extra)

    def read(self, event_type: str, data: bytes) -> Delta:
        """There are no events; raises ValueError."""
        raise ValueError("embeddings are not streamed")

    def read_whole(self, data: bytes) -> Delta:
        """The list of vectors, or an error in its place."""
        try:
            answer = _decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError) as exc:
            raise ValueError(f"not a list of embeddings: {exc}") from None
        if answer.error:
            return Delta(error=error_text(answer.error), done=True)
        if answer.data is None:
            raise ValueError("not a list of embeddings: it has no 'data'")
        whole = bool(answer.data) and all(_is_vector(entry.embedding) for entry in answer.data)
        usage = read_usage(answer.usage) if isinstance(answer.usage, dict) else None
        return Delta(tool=whole, usage=usage, done=True)


class _Entry(msgspec.Struct, gc=False):
    embedding: msgspec.Raw
    """Thousands of numbers, which nobody reads."""


class _Answer(msgspec.Struct, gc=False):
    data: list[_Entry] | None = None
    usage: Any = None
    error: Any = None


_decode = msgspec.json.Decoder(_Answer).decode
_EMPTY = (b"", b"[]", b'""', b"null")


def _is_vector(raw: msgspec.Raw) -> bool:
    """Numbers in a list, or base64 text where ``--extra-body`` asked for that; not an empty one."""
    data = bytes(raw).strip()
    return data[:1] in (b"[", b'"') and b"".join(data.split()) not in _EMPTY
