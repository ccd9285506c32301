"""What requests ask in other words than chat completions, read from their bodies. Pure.

Rule: as `ask.read_ask`: either an `Ask` or a `Refusal`, never an exception. Each shape is one row:
where its prompt is, what its limit of tokens is called, and whether it streams unless told not to.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from tailrace.simulate.ask import (
    Ask,
    Refusal,
    object_in,
    refused_limit,
    refused_model,
    tokens_in,
)


class Words(NamedTuple):
    """One shape's own words."""

    shape: str
    prompt: str
    limit: str
    streams: bool = False
    """Unless the body says otherwise."""


def read_words(words: Words, body: bytes, models: tuple[str, ...]) -> Ask | Refusal:
    """The ask in a request body, or why it is refused."""
    given = object_in(body)
    if isinstance(given, Refusal):
        return given
    refusal = refused_model(given.get("model"), models)
    if refusal is not None:
        return refusal
    if not given.get(words.prompt):
        return Refusal(400, f"'{words.prompt}' must not be empty.", param=words.prompt)
    limit = _limit(given, words.limit)
    refusal = refused_limit(words.limit, limit)
    if refusal is not None:
        return refusal
    options = given.get("stream_options")
    asked = isinstance(options, dict) and options.get("include_usage") is True
    return Ask(
        model=given["model"],
        stream=given.get("stream", words.streams) is True,
        max_tokens=limit,
        ignore_eos=given.get("ignore_eos") is True,
        include_usage=asked or words.shape != "completions",
        prompt_tokens=tokens_in(_characters(given)),
        shape=words.shape,
    )


def _limit(given: dict[str, Any], name: str) -> Any:
    outer, _, inner = name.rpartition(".")
    place = given.get(outer) if outer else given
    return place.get(inner) if isinstance(place, dict) else None


def _characters(given: dict[str, Any]) -> int:
    """The texts of the system's words, the prompt and all messages, however deep."""
    names = ("system", "instructions", "prompt", "messages", "input")
    return sum(_length(given.get(name)) for name in names)


def _length(value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return _length(value.get("content")) + _length(value.get("text"))
    return sum(map(_length, value)) if isinstance(value, list) else 0


_WORDS = {
    b"/v1/completions": Words("completions", "prompt", "max_tokens"),
    b"/v1/responses": Words("responses", "input", "max_output_tokens"),
    b"/v1/messages": Words("anthropic", "messages", "max_tokens"),
    b"/api/chat": Words("ollama-chat", "messages", "options.num_predict", True),
    b"/api/generate": Words("ollama-generate", "prompt", "options.num_predict", True),
    b"/completion": Words("llamacpp", "prompt", "n_predict"),
}
READERS: dict[bytes, Callable[[bytes, tuple[str, ...]], Ask | Refusal]] = {
    path: partial(read_words, words) for path, words in _WORDS.items()
}
"""By path."""
