"""OpenAI completions: one text that the model continues, streamed or whole.

Rule: the OpenAI API reference, "Create completion". The messages of a prompt become one text. Some
servers send ``text: null`` in the chunk that ends the answer, and ``token_ids`` beside the text.
"""

from __future__ import annotations

from typing import Any

import orjson

from tailrace.engine.dialects.contents import prompt_of
from tailrace.engine.dialects.delta import Ask, Delta, Dialect
from tailrace.engine.dialects.openai_chat import body_of, error_text, read_usage, with_logprobs


class OpenAICompletions(Dialect):
    """``POST {base}/completions``."""

    path = "/completions"

    def body(self, ask: Ask) -> bytes:
        """The request's JSON body."""
        return body_of(ask, {"prompt": prompt_of(ask.messages)})

    def read(self, event_type: str, data: bytes) -> Delta:
        """One chunk object, ``[DONE]``, or an in-band error."""
        if data == b"[DONE]":
            return Delta(done=True)
        return self._read(orjson.loads(data), whole=False)

    def read_whole(self, data: bytes) -> Delta:
        """A completion object, or an error in its place; its end is the answer's end."""
        return self._read(orjson.loads(data), whole=True)

    def _read(self, chunk: Any, *, whole: bool) -> Delta:
        try:
            if chunk.get("error"):
                return Delta(error=error_text(chunk["error"]), done=whole)
            usage = read_usage(chunk["usage"]) if chunk.get("usage") else None
            choices = chunk["choices"] if whole else chunk.get("choices")
            choice = choices[0] if choices else {}
            return Delta(
                choice.get("text") or "",
                finish_reason=str(choice["finish_reason"]) if choice.get("finish_reason") else None,
                usage=with_logprobs(usage, choice.get("logprobs")),
                done=whole,
            )
        except (AttributeError, KeyError, IndexError, TypeError) as exc:
            raise ValueError(f"not a completion: {type(exc).__name__} {exc}") from None
