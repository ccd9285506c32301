"""llama.cpp's own completion: a prompt that is continued, streamed or whole.

Rule: the README of llama.cpp's server, "POST /completion". Each event has its ``content`` and, in
newer servers, ``tokens_predicted`` so far; the last one has ``stop: true``, ``stop_type``, and the
counts. There is no ``[DONE]``.
"""

from __future__ import annotations

from typing import Any

import orjson

from tailrace.engine.dialects.contents import prompt_of
from tailrace.engine.dialects.delta import Ask, Delta, Dialect, Usage
from tailrace.engine.dialects.openai_chat import count, error_text


class LlamaCppCompletion(Dialect):
    """``POST {root}/completion``."""

    path = "/completion"
    at_root = True
    end_mark = 'an event with "stop": true'

    def body(self, ask: Ask) -> bytes:
        """The request's JSON body; a server with several models picks by ``model``."""
        body: dict[str, object] = {
            "model": ask.model,
            "prompt": prompt_of(ask.messages),
            "n_predict": ask.max_tokens,
            "temperature": ask.temperature,
            "stream": ask.stream,
        }
        if ask.seed is not None:
            body["seed"] = ask.seed
        return orjson.dumps(body | ask.extra)

    def read(self, event_type: str, data: bytes) -> Delta:
        """One event."""
        if data == b"[DONE]":
            return Delta()
        event: Any = orjson.loads(data)
        try:
            if event.get("error"):
                return Delta(error=error_text(event["error"]))
            text, last = event["content"], bool(event.get("stop"))
            usage = Usage(
                count(event.get("tokens_predicted")),
                count(event.get("tokens_evaluated")),
                count((event.get("timings") or {}).get("cache_n")),
            )
            return Delta(
                text or "",
                finish_reason=_reason(event) if last else None,
                usage=usage if any(part is not None for part in usage) else None,
                done=last,
            )
        except (AttributeError, KeyError, TypeError) as exc:
            raise ValueError(f"not a completion event: {type(exc).__name__} {exc}") from None

    def read_whole(self, data: bytes) -> Delta:
        """The one object."""
        return self.read("", data)


def _reason(event: dict[str, Any]) -> str | None:
    """``stop_type``, or what older servers say with flags."""
    if event.get("stop_type"):
        return str(event["stop_type"])
    flags = {"stopped_eos": "eos", "stopped_limit": "limit", "stopped_word": "word"}
    return next((word for flag, word in flags.items() if event.get(flag)), None)
