"""What a chat completion request asks of an adapter, read from its body. Pure.

``prompt`` is the text of the last user message. Everything else that the body has goes on to the
adapter as parameters: ``max_tokens``, ``temperature``, ``seed``, what ``--extra-body`` adds, and
the whole conversation as ``messages``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson

_OURS = ("model", "messages", "stream", "stream_options")


class Ask(NamedTuple):
    """One request, understood."""

    model: str
    prompt: str
    params: dict[str, Any]
    stream: bool
    include_usage: bool

    @property
    def limit(self) -> int | None:
        """The most tokens of the answer."""
        limit = self.params.get("max_tokens")
        return limit if type(limit) is int and limit > 0 else None


def read_ask(body: bytes) -> Ask:
    """The ask in a request body; raises ValueError with a sentence for the one who sent it."""
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError as exc:
        raise ValueError(f"the body is not JSON: {exc}") from None
    messages = given.get("messages") if isinstance(given, dict) else None
    if not isinstance(messages, list) or not all(isinstance(each, dict) for each in messages):
        raise ValueError(
            "the body has no 'messages', a list of objects; an adapter is only asked "
            "for chat completions"
        )
    params = {name: value for name, value in given.items() if name not in _OURS}
    options = given.get("stream_options")
    return Ask(
        model=str(given.get("model", "")),
        prompt=_prompt(messages),
        params=params | {"messages": messages},
        stream=given.get("stream") is True,
        include_usage=isinstance(options, dict) and options.get("include_usage") is True,
    )


def _prompt(messages: list[dict[str, Any]]) -> str:
    for message in reversed(messages):
        if message.get("role") == "user":
            return _text(message.get("content"))
    return _text(messages[-1].get("content")) if messages else ""


def _text(content: Any) -> str:
    """A message's text; of content in parts those that are text."""
    if isinstance(content, list):
        parts = [part for part in content if isinstance(part, dict) and part.get("type") == "text"]
        return "".join(str(part.get("text", "")) for part in parts)
    return content if isinstance(content, str) else ""
