"""The bytes of a host's answers, as OpenAI's chat completions have them. Pure."""

from __future__ import annotations

from typing import Any

import orjson

from tailrace.simulate.chunks import DONE, END, event


class Frames:
    """The messages of one answer."""

    def __init__(self, number: int, created: int, model: str) -> None:
        self._base = {"id": f"chatcmpl-adapter{number}", "created": created, "model": model}

    def delta(self, content: str) -> bytes:
        """A chunk with text."""
        return self._chunk({"content": content}, None)

    def end(self, reason: str, usage: dict[str, int] | None) -> bytes:
        """The chunks behind the last text."""
        tail = self._chunk({}, reason)
        if usage is not None:
            tail += event(orjson.dumps(self._object("chat.completion.chunk", [], usage)))
        return tail + DONE + END

    def error(self, message: str) -> bytes:
        """An error in the middle of a stream, which ends it."""
        return event(error_body(message)) + END

    def whole(self, text: str, reason: str, usage: dict[str, int] | None) -> bytes:
        """The body of an answer that is not streamed."""
        message = {"role": "assistant", "content": text}
        choices = [{"index": 0, "message": message, "finish_reason": reason}]
        return orjson.dumps(self._object("chat.completion", choices, usage))

    def _chunk(self, delta: dict[str, Any], reason: str | None) -> bytes:
        choices = [{"index": 0, "delta": delta, "finish_reason": reason}]
        return event(orjson.dumps(self._object("chat.completion.chunk", choices, None)))

    def _object(
        self, kind: str, choices: list[dict[str, Any]], usage: dict[str, int] | None
    ) -> dict[str, Any]:
        counted = {} if usage is None else {"usage": usage}
        return {"object": kind, **self._base, "choices": choices, **counted}


def usage_of(prompt: int | None, completion: int | None) -> dict[str, int] | None:
    """The usage object with what is known; None where the answer's length is not."""
    if completion is None:
        return None
    known = {"completion_tokens": completion}
    if prompt is not None:
        known |= {"prompt_tokens": prompt, "total_tokens": prompt + completion}
    return known


def error_body(message: str, kind: str = "adapter_error") -> bytes:
    """OpenAI's error JSON."""
    return orjson.dumps({"error": {"message": message, "type": kind}})
