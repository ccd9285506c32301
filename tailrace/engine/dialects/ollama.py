"""Ollama's own dialects, chat and generate: one JSON object a line, the last with ``done``.

Rule: Ollama's API reference, "Generate a chat completion" and "Generate a completion". The last
line has ``done_reason`` and the counts ``prompt_eval_count`` and ``eval_count``; a line with
``error`` is an error. Only input that was computed anew is in ``prompt_eval_count`` of older
servers. An answer that is not streamed is the same object once.
"""

from __future__ import annotations

from typing import Any

import orjson

from tailrace.engine.dialects.contents import (
    call_piece,
    calls_of,
    image_data,
    image_of,
    parts_of,
    prompt_of,
    split_system,
    text_of,
)
from tailrace.engine.dialects.delta import Ask, Delta, Dialect, Framing, Usage
from tailrace.engine.dialects.openai_chat import count, error_text


class OllamaChat(Dialect):
    """``POST {root}/api/chat``."""

    path = "/api/chat"
    at_root = True
    framing: Framing = "ndjson"
    end_mark = 'a line with "done": true'

    def body(self, ask: Ask) -> bytes:
        """The request's JSON body."""
        messages = [_message(role, content) for role, content in ask.messages]
        return _body(ask, {"messages": messages})

    def read(self, event_type: str, data: bytes) -> Delta:
        """One line."""
        line: Any = orjson.loads(data)
        try:
            if line.get("error"):
                return Delta(error=error_text(line["error"]))
            message = line["message"]
            calls = [
                call_piece(function.get("name"), function.get("arguments") or {}, None)
                for call in message.get("tool_calls") or ()
                if (function := call.get("function"))
            ]
            return _delta(line, message.get("content"), message.get("thinking"), calls)
        except (AttributeError, KeyError, TypeError) as exc:
            raise ValueError(f"not a line of a chat: {type(exc).__name__} {exc}") from None

    def read_whole(self, data: bytes) -> Delta:
        """The one object."""
        return self.read("", data)


class OllamaGenerate(Dialect):
    """``POST {root}/api/generate``."""

    path = "/api/generate"
    at_root = True
    framing: Framing = "ndjson"
    end_mark = 'a line with "done": true'

    def body(self, ask: Ask) -> bytes:
        """The request's JSON body."""
        system, messages = split_system(ask.messages)
        body: dict[str, object] = {"prompt": prompt_of(messages)}
        images = [image for _, content in messages for image in _images(content)]
        body |= {"system": system} if system else {}
        return _body(ask, body | ({"images": images} if images else {}))

    def read(self, event_type: str, data: bytes) -> Delta:
        """One line."""
        line: Any = orjson.loads(data)
        try:
            if line.get("error"):
                return Delta(error=error_text(line["error"]))
            return _delta(line, line["response"], line.get("thinking"), [])
        except (AttributeError, KeyError, TypeError) as exc:
            raise ValueError(f"not a line of a generation: {type(exc).__name__} {exc}") from None

    def read_whole(self, data: bytes) -> Delta:
        """The one object."""
        return self.read("", data)


def _body(ask: Ask, own: dict[str, object]) -> bytes:
    """``options`` of the user's go beside ours, and not in their place."""
    options: dict[str, object] = {"num_predict": ask.max_tokens, "temperature": ask.temperature}
    if ask.seed is not None:
        options["seed"] = ask.seed
    given = ask.extra.get("options")
    if isinstance(given, dict):
        options |= given
    body = {"model": ask.model, **own, "stream": ask.stream}
    return orjson.dumps(body | ask.extra | {"options": options})


def _delta(line: dict[str, Any], text: Any, thinking: Any, calls: list[Any]) -> Delta:
    if not line.get("done"):
        return Delta(text or "", thinking or "", bool(calls), calls=calls or None)
    reason = line.get("done_reason")
    usage = Usage(count(line.get("eval_count")), count(line.get("prompt_eval_count")))
    return Delta(
        text or "",
        thinking or "",
        bool(calls),
        str(reason) if reason else None,
        usage if any(usage) else None,
        done=True,
        calls=calls or None,
    )


def _message(role: str, content: object) -> dict[str, object]:
    """A message: one text, images apart, tool calls with objects for arguments."""
    message: dict[str, object] = {"role": role, "content": text_of(content)}
    images = _images(content)
    if images:
        message["images"] = images
    calls = [
        {"function": {"name": name, "arguments": arguments}}
        for _, name, arguments in calls_of(content)
    ]
    if calls:
        message["tool_calls"] = calls
    return message


def _images(content: object) -> list[str]:
    """The base64 of each image; one that is elsewhere cannot be sent."""
    urls = filter(None, map(image_of, parts_of(content)))
    return [data[1] for data in map(image_data, urls) if data is not None]
