"""Anthropic messages: typed events, streamed or whole.

Rule: the Anthropic API reference, "Messages" and "Streaming messages". ``message_start`` counts the
input, ``content_block_delta`` brings text, thinking or a tool's arguments, ``message_delta`` the
stop reason and the output tokens so far, ``message_stop`` ends it; ``ping`` says nothing, ``error``
is an error. Input tokens are those read anew, written to the cache and read from it, together, so
that they mean what other dialects' do.
"""

from __future__ import annotations

from typing import Any

import orjson

from tailrace.engine.dialects.contents import (
    call_piece,
    calls_of,
    field_of,
    image_data,
    image_of,
    parts_of,
    split_system,
    text_of,
)
from tailrace.engine.dialects.delta import Ask, Delta, Dialect, Headers, Usage
from tailrace.engine.dialects.openai_chat import count, error_text

VERSION = ("anthropic-version", "2023-06-01")
_NOTHING = Delta()
_DONE = Delta(done=True)


class AnthropicMessages(Dialect):
    """``POST {base}/messages``."""

    path = "/messages"
    end_mark = "message_stop or a stop reason"

    def headers(self, given: Headers) -> Headers:
        """The API's version, and the key as ``x-api-key``.

        The key stays in ``Authorization`` too, where other servers look, unless it is Anthropic's
        own: their API takes what stands there for a token of another kind, and refuses it.
        """
        names = {name.lower() for name, _ in given}
        found = list(given) if VERSION[0] in names else [VERSION, *given]
        key = next((v for n, v in given if n.lower() == "authorization"), "").removeprefix(
            "Bearer "
        )
        if not key or "x-api-key" in names or key.startswith("sk-ant-oat"):
            return found
        if key.startswith("sk-ant-"):
            found = [pair for pair in found if pair[0].lower() != "authorization"]
        return [*found, ("x-api-key", key)]

    def body(self, ask: Ask) -> bytes:
        """The request's JSON body; there is no seed."""
        system, messages = split_system(ask.messages)
        body: dict[str, object] = {
            "model": ask.model,
            "messages": [_message(role, content) for role, content in messages],
            "max_tokens": ask.max_tokens,
            "temperature": ask.temperature,
            "stream": ask.stream,
        }
        if system:
            body["system"] = system
        return orjson.dumps(body | ask.extra)

    def read(self, event_type: str, data: bytes) -> Delta:
        """One event."""
        event: Any = orjson.loads(data)
        try:
            kind = event.get("type") or event_type
            if kind == "content_block_delta":
                return _delta(event["delta"], event.get("index", 0))
            if kind == "content_block_start":
                return _start(event["content_block"], event.get("index", 0))
            if kind == "message_start":
                return Delta(
                    usage=_usage(event["message"].get("usage"))._replace(output_tokens=None)
                )
            if kind == "message_delta":
                reason = event["delta"].get("stop_reason")
                return Delta(
                    finish_reason=str(reason) if reason else None,
                    usage=_usage(event.get("usage")),
                    refusal=reason == "refusal",
                )
            if kind == "error" or event.get("error"):
                return Delta(error=error_text(event.get("error") or event))
            return _DONE if kind == "message_stop" else _NOTHING
        except (AttributeError, KeyError, TypeError) as exc:
            raise ValueError(f"not an event of a message: {type(exc).__name__} {exc}") from None

    def read_whole(self, data: bytes) -> Delta:
        """A message object, or an error in its place."""
        answer: Any = orjson.loads(data)
        try:
            if answer.get("error"):
                return Delta(error=error_text(answer["error"]), done=True)
            blocks = answer["content"]
            tools = [block for block in blocks if block.get("type") == "tool_use"]
            reason = answer.get("stop_reason")
            return Delta(
                "".join(block["text"] for block in blocks if block.get("type") == "text"),
                "".join(block["thinking"] for block in blocks if block.get("type") == "thinking"),
                bool(tools),
                str(reason) if reason else None,
                _usage(answer.get("usage")),
                done=True,
                calls=[
                    call_piece(block.get("name"), block.get("input"), n, str(block.get("id", "")))
                    for n, block in enumerate(tools)
                ]
                or None,
                refusal=reason == "refusal",
            )
        except (AttributeError, KeyError, TypeError) as exc:
            raise ValueError(f"not a message: {type(exc).__name__} {exc}") from None


def _delta(delta: dict[str, Any], index: int) -> Delta:
    kind = delta.get("type")
    if kind == "text_delta":
        return Delta(delta.get("text") or "")
    if kind == "thinking_delta":
        return Delta(reasoning=delta.get("thinking") or "")
    if kind == "input_json_delta":
        text = delta.get("partial_json") or ""
        return Delta(tool=bool(text), calls=[call_piece("", text, index)])
    return _NOTHING  # a signature, a citation


def _start(block: dict[str, Any], index: int) -> Delta:
    """A block that begins; a tool's name is output, and some servers begin with text."""
    if block.get("type") != "tool_use":
        return Delta(block.get("text") or "", block.get("thinking") or "")
    name = block.get("name")
    piece = call_piece(name, block.get("input") or "", index, str(block.get("id", "")))
    return Delta(tool=bool(name), calls=[piece])


def _usage(usage: Any) -> Usage:
    usage = usage or {}
    cached = count(usage.get("cache_read_input_tokens"))
    read = count(usage.get("input_tokens"))
    if read is not None:
        read += (cached or 0) + (count(usage.get("cache_creation_input_tokens")) or 0)
    return Usage(count(usage.get("output_tokens")), read, cached)


def _message(role: str, content: object) -> dict[str, object]:
    """A message; a tool's result is the user's, and calls are blocks of the assistant's."""
    if role == "tool":
        result = {
            "type": "tool_result",
            "tool_use_id": str(field_of(content, "tool_call_id") or ""),
            "content": text_of(content),
        }
        return {"role": "user", "content": [result]}
    if isinstance(content, str):
        return {"role": role, "content": content}
    blocks = [block for part in parts_of(content) if (block := _block(part))]
    blocks += [
        {"type": "tool_use", "id": call_id, "name": name, "input": arguments}
        for call_id, name, arguments in calls_of(content)
    ]
    return {"role": role, "content": blocks}


def _block(part: dict[str, Any]) -> dict[str, Any] | None:
    url = image_of(part)
    if url is None:
        text = part.get("text")
        return {"type": "text", "text": text} if text else None
    data = image_data(url)
    if data is None:
        return {"type": "image", "source": {"type": "url", "url": url}}
    return {
        "type": "image",
        "source": {"type": "base64", "media_type": data[0], "data": data[1]},
    }
