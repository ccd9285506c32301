"""OpenAI chat completions, streamed or whole: the dialect that nearly every server speaks.

Rule: the OpenAI API reference, "Create chat completion", "chat completion object" and "chat
completion chunk object".
Seen in the wild and accepted: ``content: null`` in the role chunk, the role in every chunk, usage
in the finish chunk or in one with ``choices: []`` or in every chunk, ``reasoning_content`` (vLLM,
llama.cpp) and ``reasoning`` (Ollama, OpenRouter), an ``error`` object at HTTP 200, a ``message``
beside the ``delta`` (old Foundry Local), ``logprobs`` that list a chunk's tokens one by one.
A refusal counts as text of the answer.
"""

from __future__ import annotations

from typing import Any

import msgspec
import orjson

from tailrace.engine.dialects.delta import Ask, Delta, Dialect, Usage

MOST_TOKENS = 2**53
"""Above this a count is no count."""

_DONE = Delta(done=True)
_NOTHING = Delta()


class OpenAIChat(Dialect):
    """``POST {base}/chat/completions``."""

    path = "/chat/completions"

    def body(self, ask: Ask) -> bytes:
        """The request's JSON body."""
        messages = [message_object(role, content) for role, content in ask.messages]
        return body_of(ask, {"messages": messages})

    def read(self, event_type: str, data: bytes) -> Delta:
        """One chunk object, ``[DONE]``, or an in-band error."""
        try:
            plain = _decode_plain(data)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return _DONE if data == b"[DONE]" else self._read_any(data)
        if plain.usage:
            return self._read_any(data)
        (choice,) = plain.choices
        delta = choice.delta
        return Delta(  # by place: names cost an eighth more
            delta.content or "",
            delta.reasoning_content or delta.reasoning or "",
            False,
            choice.finish_reason or None,
        )

    def _read_any(self, data: bytes) -> Delta:
        """Any chunk at all, leniently: with usage, an error, or fields of other types."""
        chunk: Any = orjson.loads(data)  # orjson.JSONDecodeError is a ValueError
        try:
            if chunk.get("error"):
                return Delta(error=error_text(chunk["error"]))
            usage = chunk.get("usage")
            choices = chunk.get("choices")
            if not choices:
                return Delta(usage=read_usage(usage)) if usage else _NOTHING
            choice = choices[0]
            delta = choice.get("delta") or _EMPTY
            refusal = delta.get("refusal") or ""
            return Delta(
                (delta.get("content") or "") + refusal,
                delta.get("reasoning_content") or delta.get("reasoning") or "",
                has_tool_output(delta["tool_calls"]) if "tool_calls" in delta else False,
                str(finish) if (finish := choice.get("finish_reason")) else None,
                with_logprobs(read_usage(usage) if usage else None, choice.get("logprobs")),
                calls=delta.get("tool_calls") or None,
                refusal=bool(refusal),
            )
        except (AttributeError, KeyError, IndexError, TypeError) as exc:
            raise ValueError(f"not a chat completion chunk: {exc}") from None

    def read_whole(self, data: bytes) -> Delta:
        """A chat completion object, or an error in its place; its end is the answer's end."""
        answer: Any = orjson.loads(data)
        try:
            if answer.get("error"):
                return Delta(error=error_text(answer["error"]), done=True)
            choice = answer["choices"][0]
            message = choice["message"]
            usage = answer.get("usage")
            refusal = message.get("refusal") or ""
            return Delta(
                _text(message.get("content")) + refusal,
                _text(message.get("reasoning_content") or message.get("reasoning")),
                has_tool_output(message.get("tool_calls")),
                str(finish) if (finish := choice.get("finish_reason")) else None,
                read_usage(usage) if usage else None,
                done=True,
                calls=message.get("tool_calls") or None,
                refusal=bool(refusal),
            )
        except (AttributeError, KeyError, IndexError, TypeError) as exc:
            raise ValueError(f"not a chat completion: {type(exc).__name__} {exc}") from None


def body_of(ask: Ask, asked: dict[str, object]) -> bytes:
    """The body of a completion, chat or not; ``asked`` is what is to be completed."""
    body: dict[str, object] = {
        "model": ask.model,
        **asked,
        "max_tokens": ask.max_tokens,
        "temperature": ask.temperature,
        "stream": ask.stream,
    }
    if ask.seed is not None:
        body["seed"] = ask.seed
    if ask.stream and ask.stream_usage:
        body["stream_options"] = {"include_usage": True}
    return orjson.dumps(body | ask.extra)


def message_object(role: str, content: object) -> dict[str, object]:
    """A message of the body; a content that is an object is the rest of the message."""
    return {"role": role, **(content if isinstance(content, dict) else {"content": content})}


class _PlainDelta(msgspec.Struct, gc=False):
    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: tuple[()] | None = None
    """Foundry Local 0.8 has an empty list in every chunk; the slow way costs seven times more."""
    refusal: None = None


class _PlainChoice(msgspec.Struct, gc=False):
    delta: _PlainDelta
    finish_reason: str | None = None
    logprobs: None = None


class _PlainChunk(msgspec.Struct, gc=False):
    """The chunk that nearly every event is: one choice, text, no tool call and no error. Decoded
    into these fields alone it costs a third of what a dictionary of everything does; any other
    chunk does not fit them."""

    choices: tuple[_PlainChoice]
    usage: Any = None
    error: None = None


_decode_plain = msgspec.json.Decoder(_PlainChunk).decode

_EMPTY: dict[str, Any] = {}


def has_tool_output(tool_calls: Any) -> bool:
    """Whether a ``tool_calls`` delta carries any text: a name or a piece of the arguments."""
    for call in tool_calls or ():
        function = call.get("function") or _EMPTY
        if function.get("name") or function.get("arguments"):
            return True
    return False


def _text(value: Any) -> str:
    """A message's text; some servers give it in parts."""
    if isinstance(value, list):
        return "".join(part["text"] for part in value if part.get("type") == "text")
    if value is None or isinstance(value, str):
        return value or ""
    raise TypeError(f"a message of type {type(value).__name__}")


def read_usage(usage: dict[str, Any]) -> Usage:
    """OpenAI's usage object with its detail objects, each of which may be absent."""
    return Usage(
        count(usage.get("completion_tokens")),
        count(usage.get("prompt_tokens")),
        count((usage.get("prompt_tokens_details") or _EMPTY).get("cached_tokens")),
        count((usage.get("completion_tokens_details") or _EMPTY).get("reasoning_tokens")),
    )


def with_logprobs(usage: Usage | None, logprobs: Any) -> Usage | None:
    """The usage, with the number of tokens that a chunk's ``logprobs`` list; None without either.

    Chat lists them as ``content`` (and ``refusal``), completions as ``tokens``.
    """
    if not isinstance(logprobs, dict):
        return usage
    lists = (logprobs.get(name) for name in ("content", "refusal", "tokens"))
    tokens = sum(len(each) for each in lists if isinstance(each, list))
    return (usage or Usage())._replace(chunk_tokens=tokens) if tokens else usage


def count(value: Any) -> int | None:
    """A token count, or None for whatever else stands in its place."""
    return value if type(value) is int and 0 <= value < MOST_TOKENS else None


def error_text(error: Any) -> str:
    """The message of an error object, or the whole of whatever stands in its place."""
    if isinstance(error, dict) and error.get("message"):
        return str(error["message"])
    return error if isinstance(error, str) else orjson.dumps(error).decode()
