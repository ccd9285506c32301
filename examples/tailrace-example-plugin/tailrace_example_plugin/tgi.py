"""A dialect: Hugging Face's Text Generation Inference in its own words, ``POST /``. Pure.

Rule: the API reference of TGI, "Generate tokens if stream == false or a stream of token if
stream == true". An event holds one token; the last one has ``generated_text`` and ``details``. A
special token (the end of the sequence) is no output. A stream has no other end mark.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from tailrace.engine.dialects.delta import Ask, Delta, Dialect, Usage


class TextGeneration(Dialect):
    """See docs/plugins.md of tailrace for what each name and method is."""

    path = "/"
    at_root = True
    end_mark = "an event with details"

    def body(self, ask: Ask) -> bytes:
        """One text for all messages: TGI's own endpoint knows no chat."""
        parameters: dict[str, Any] = {"max_new_tokens": ask.max_tokens, "details": True}
        if ask.temperature > 0:
            parameters |= {"temperature": ask.temperature, "do_sample": True}
        if ask.seed is not None:
            parameters["seed"] = ask.seed
        prompt = "\n\n".join(_text(content) for _, content in ask.messages)
        body = {"inputs": prompt, "parameters": parameters, "stream": ask.stream}
        return orjson.dumps(body | ask.extra)

    def read(self, event_type: str, data: bytes) -> Delta:
        """One token, the last of which says how the answer ended; or an error."""
        event = orjson.loads(data)
        try:
            if event.get("error"):
                return Delta(error=str(event["error"]))
            token, details = event["token"], event.get("details") or {}
            return Delta(
                "" if token.get("special") else token["text"],
                finish_reason=details.get("finish_reason"),
                usage=_usage(details) if details else None,
                done=bool(details),
            )
        except (AttributeError, KeyError, TypeError) as exc:
            raise ValueError(f"not an event of TGI: {type(exc).__name__} {exc}") from None

    def read_whole(self, data: bytes) -> Delta:
        """The same at once; TGI puts it into a list of one."""
        answer = orjson.loads(data)
        try:
            answer = answer[0] if isinstance(answer, list) else answer
            if answer.get("error"):
                return Delta(error=str(answer["error"]), done=True)
            details = answer.get("details") or {}
            return Delta(
                answer["generated_text"],
                finish_reason=details.get("finish_reason"),
                usage=_usage(details) if details else None,
                done=True,
            )
        except (AttributeError, IndexError, KeyError, TypeError) as exc:
            raise ValueError(f"not an answer of TGI: {type(exc).__name__} {exc}") from None


def _usage(details: dict[str, Any]) -> Usage:
    return Usage(details.get("generated_tokens"), details.get("input_length"))


def _text(content: object) -> str:
    """The text of a message, or of its parts."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, Iterable) else ()
    return "".join(str(part.get("text", "")) for part in parts if isinstance(part, dict))
