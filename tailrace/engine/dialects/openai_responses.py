"""OpenAI responses: typed events, each with its own name, streamed or whole.

Rule: the OpenAI API reference, "Create a model response" and its streaming events. Text is
``response.output_text.delta``, reasoning ``response.reasoning_text.delta`` and
``response.reasoning_summary_text.delta``. ``response.completed`` ends an answer,
``response.incomplete`` one that was cut (its reason is the finish reason), ``response.failed`` and
``error`` are errors. Every other event opens or closes a part and says nothing new.
"""

from __future__ import annotations

from typing import Any

import orjson

from tailrace.engine.dialects.contents import (
    calls_of,
    field_of,
    image_of,
    parts_of,
    split_system,
    text_of,
)
from tailrace.engine.dialects.delta import Ask, Delta, Dialect, Usage
from tailrace.engine.dialects.openai_chat import count, error_text

_NOTHING = Delta()
_REASONING = frozenset(
    {
        "response.reasoning_text.delta",
        "response.reasoning_summary_text.delta",
        "response.reasoning.delta",
        "response.reasoning_summary.delta",
    }
)
_ENDS = frozenset({"response.completed", "response.incomplete", "response.failed"})


class OpenAIResponses(Dialect):
    """``POST {base}/responses``."""

    path = "/responses"
    end_mark = "response.completed or response.incomplete"

    def body(self, ask: Ask) -> bytes:
        """The request's JSON body; nothing is stored on the server."""
        system, messages = split_system(ask.messages)
        body: dict[str, object] = {
            "model": ask.model,
            "input": [item for role, content in messages for item in _items(role, content)],
            "max_output_tokens": ask.max_tokens,
            "temperature": ask.temperature,
            "stream": ask.stream,
            "store": False,
        }
        if system:
            body["instructions"] = system
        return orjson.dumps(body | ask.extra)

    def read(self, event_type: str, data: bytes) -> Delta:
        """One event."""
        if data == b"[DONE]":
            return _NOTHING  # some servers end with it; the event before says what it is
        event: Any = orjson.loads(data)
        try:
            kind = event.get("type") or event_type
            if kind == "response.output_text.delta":
                listed = event.get("logprobs")
                usage = Usage(chunk_tokens=len(listed)) if listed else None
                return Delta(event.get("delta") or "", usage=usage)
            return self._read_other(kind, event)
        except (AttributeError, KeyError, TypeError) as exc:
            raise ValueError(f"not an event of a response: {type(exc).__name__} {exc}") from None

    def _read_other(self, kind: str, event: dict[str, Any]) -> Delta:
        if kind in _REASONING:
            delta = event.get("delta")
            return Delta(reasoning=delta if isinstance(delta, str) else "")
        if kind == "response.refusal.delta":
            return Delta(event.get("delta") or "", refusal=True)
        if kind == "response.function_call_arguments.delta":
            piece = _piece(event, arguments=event.get("delta") or "")
            return Delta(tool=bool(event.get("delta")), calls=[piece])
        if kind == "response.output_item.added":
            item = event.get("item") or {}
            if item.get("type") != "function_call":
                return _NOTHING
            named = _piece(event, item.get("name"), call_id=item.get("call_id") or "")
            return Delta(tool=bool(item.get("name")), calls=[named])
        if kind in _ENDS:
            return _end(event["response"])
        if kind == "error" or event.get("error"):
            return Delta(error=error_text(event.get("error") or event))
        return _NOTHING

    def read_whole(self, data: bytes) -> Delta:
        """A response object, or an error in its place."""
        answer: Any = orjson.loads(data)
        try:
            if answer.get("error"):
                return Delta(error=error_text(answer["error"]), done=True)
            output = answer["output"]
            parts = [part for item in output for part in item.get("content") or ()]
            reasons = [item for item in output if item.get("type") == "reasoning"]
            calls = [item for item in output if item.get("type") == "function_call"]
            thought = [part for item in reasons for part in item.get("summary") or ()]
            refusals = _texts(parts, "refusal", "refusal")
            end = _end(answer)
            return Delta(
                _texts(parts, "output_text") + refusals,
                _texts(parts, "reasoning_text") + _texts(thought, "summary_text"),
                bool(calls),
                end.finish_reason,
                end.usage,
                end.error,
                done=True,
                calls=[
                    _piece({"output_index": n}, c.get("name"), c["arguments"], c["call_id"])
                    for n, c in enumerate(calls)
                ]
                or None,
                refusal=bool(refusals),
            )
        except (AttributeError, KeyError, TypeError) as exc:
            raise ValueError(f"not a response: {type(exc).__name__} {exc}") from None


def _texts(parts: list[dict[str, Any]], kind: str, name: str = "text") -> str:
    return "".join(part.get(name) or "" for part in parts if part.get("type") == kind)


def _piece(
    event: dict[str, Any], name: object = "", arguments: str = "", call_id: str = ""
) -> dict[str, Any]:
    function = {"name": name or "", "arguments": arguments}
    return {"index": event.get("output_index", 0), "id": call_id, "function": function}


def _end(response: dict[str, Any]) -> Delta:
    """What the object of a finished response says of its end."""
    status = response.get("status")
    reason = (response.get("incomplete_details") or {}).get("reason")
    failed = response.get("error")
    error = error_text(failed) if failed else None
    if status == "failed" and error is None:
        error = "the response failed without a reason"
    finish = str(reason or status) if status in ("completed", "incomplete") else None
    usage = response.get("usage")
    return Delta(
        finish_reason=finish, usage=_usage(usage) if usage else None, error=error, done=True
    )


def _usage(usage: dict[str, Any]) -> Usage:
    return Usage(
        count(usage.get("output_tokens")),
        count(usage.get("input_tokens")),
        count((usage.get("input_tokens_details") or {}).get("cached_tokens")),
        count((usage.get("output_tokens_details") or {}).get("reasoning_tokens")),
    )


def _items(role: str, content: object) -> list[dict[str, object]]:
    """A message as input items: tool calls and their results are items of their own."""
    if role == "tool":
        call_id = str(field_of(content, "tool_call_id") or "")
        return [{"type": "function_call_output", "call_id": call_id, "output": text_of(content)}]
    items: list[dict[str, object]] = []
    parts = [_part(role, part) for part in parts_of(content)]
    if parts:
        items.append({"role": role, "content": parts})
    for call_id, name, arguments in calls_of(content):
        text = orjson.dumps(arguments).decode()
        items.append({"type": "function_call", "call_id": call_id, "name": name, "arguments": text})
    return items


def _part(role: str, part: dict[str, Any]) -> dict[str, Any]:
    url = image_of(part)
    if url is not None:
        return {"type": "input_image", "image_url": url}
    kind = "output_text" if role == "assistant" else "input_text"
    return {"type": kind, "text": part.get("text", "")}
