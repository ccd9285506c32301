"""What a chat completion request asks for, read from its body.

Rule: pure; either an `Ask` or a `Refusal` in OpenAI's words, never an exception.
Why: the errors a client sees are part of the script, so they are tested as a table.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson

from tailrace.simulate.script import MAX_TOKENS


@dataclass(frozen=True, slots=True)
class Ask:
    """One request, understood. `prompt_tokens` is a quarter of the prompt's characters."""

    model: str
    stream: bool
    max_tokens: int | None
    ignore_eos: bool
    include_usage: bool
    prompt_tokens: int
    inputs: int = 0
    """How many texts are to become vectors; 0 for a chat."""
    shape: str = "chat"
    """In which words it is answered; see shapes.py."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One request, turned away."""

    status: int
    message: str
    kind: str = "invalid_request_error"
    param: str | None = None
    code: str | None = None

    def body(self) -> bytes:
        """OpenAI's error JSON."""
        return orjson.dumps({"error": self.error()})

    def error(self) -> dict[str, Any]:
        """The error object itself, as an in-band event carries it too."""
        return {
            "message": self.message,
            "type": self.kind,
            "param": self.param,
            "code": self.code,
        }


UNAUTHORIZED = Refusal(401, "Incorrect API key provided.", code="invalid_api_key")
RATE_LIMITED = Refusal(429, "Rate limit reached.", "requests", code="rate_limit_exceeded")
SERVER_ERROR = Refusal(500, "The server had an error.", "server_error")


def no_model(name: str) -> Refusal:
    """The refusal of a model that is not served."""
    message = f"The model `{name}` does not exist or you do not have access to it."
    return Refusal(404, message, param="model", code="model_not_found")


def refusal_of(status: int, model: str) -> Refusal:
    """The refusal a fault of that status gives."""
    by_status = {401: UNAUTHORIZED, 404: no_model(model), 429: RATE_LIMITED}
    if status >= 500:
        return SERVER_ERROR
    return by_status.get(status) or Refusal(status, f"{HTTPStatus(status).phrase}.")


def object_in(body: bytes) -> dict[str, Any] | Refusal:
    """The JSON object that a request body is to be."""
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError:
        return Refusal(400, "We could not parse the JSON body of your request.")
    return given if isinstance(given, dict) else Refusal(400, "The body must be a JSON object.")


def refused_model(model: Any, models: tuple[str, ...]) -> Refusal | None:
    """Why this model cannot be asked, if so."""
    if not isinstance(model, str):
        return Refusal(400, "you must provide a model parameter", param="model")
    return None if model in models else no_model(model)


def refused_limit(name: str, limit: Any) -> Refusal | None:
    """Why an answer cannot have this length at most, if so."""
    if limit is None or (type(limit) is int and 1 <= limit <= MAX_TOKENS):
        return None
    return Refusal(400, f"'{name}' must be an integer from 1 to {MAX_TOKENS}.", param=name)


def read_ask(body: bytes, models: tuple[str, ...]) -> Ask | Refusal:
    """The ask in a request body, or why it is refused."""
    given = object_in(body)
    if isinstance(given, Refusal):
        return given
    refusal = _refused(given, models)
    if refusal is not None:
        return refusal
    options = given.get("stream_options")
    return Ask(
        model=given["model"],
        stream=given.get("stream") is True,
        max_tokens=given.get(_limit_name(given)),
        ignore_eos=given.get("ignore_eos") is True,
        include_usage=isinstance(options, dict) and options.get("include_usage") is True,
        prompt_tokens=_prompt_tokens(given["messages"]),
    )


def _limit_name(given: dict[str, Any]) -> str:
    return "max_completion_tokens" if "max_completion_tokens" in given else "max_tokens"


def _refused(given: dict[str, Any], models: tuple[str, ...]) -> Refusal | None:
    """What is wrong with the fields that matter here, if anything."""
    refusal = refused_model(given.get("model"), models)
    if refusal is not None:
        return refusal
    messages = given.get("messages")
    if not isinstance(messages, list) or not messages:
        return Refusal(400, "'messages' must be a non-empty array.", param="messages")
    name = _limit_name(given)
    return refused_limit(name, given.get(name))


def _prompt_tokens(messages: list[Any]) -> int:
    size = 0
    for message in messages:
        content = message.get("content") if isinstance(message, dict) else None
        parts = content if isinstance(content, list) else [{"text": content}]
        for part in parts:
            text = part.get("text") if isinstance(part, dict) else None
            size += len(text) if isinstance(text, str) else 0
    return tokens_in(size)


def tokens_in(characters: int) -> int:
    """A quarter of the characters, at least one."""
    return max(1, characters // 4)
