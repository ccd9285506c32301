"""Fields of a models file: what holds for the values of those that are known. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import date, time
from typing import Any

from tailrace.scenarios.dialects import is_dialect
from tailrace.scenarios.model_entry import FOUNDRY, PORT

SECRET = re.compile(
    r"(?:^|[._-])(?:api[_-]?key|authorization|bearer|cookie|password|secret"
    r"|(?:access|api|auth|hf|refresh)[._-]?token)$|^-*token$",
    re.I,
)
"""Names of what must not be kept; an ``eos_token`` may."""


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(part, str) for part in value)


def _is_amount(value: Any) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and math.isfinite(value) and value >= 0


def _is_path(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"/[!-~]*", value) is not None


def _are_headers(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(part, str) for part in value.values())


CHECKS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "alias": (_is_text, "a text that is not empty"),
    "model": (_is_text, "the id that the server lists, a text that is not empty"),
    "capabilities": (_are_texts, 'a list of texts like ["chat", "tools"]'),
    "size_mb": (_is_amount, "a number of megabytes, 0 or more"),
    "license": (_is_text, "a text that is not empty"),
    "quantization": (_is_text, "a text that is not empty"),
    "variant": (_is_text, "a text that is not empty"),
    "device": (_is_text, "a text that is not empty"),
    "url": (_is_text, "a base URL like http://127.0.0.1:8080/v1"),
    "dialect": (is_dialect, "a dialect like openai-chat or ollama-chat, or auto"),
    "headers": (_are_headers, 'an object of texts like {"Authorization": "Bearer ${NAME}"}'),
    "auth": (
        lambda value: value in ("auto", "bearer", "api-key", "x-api-key", "none"),
        "one of auto, bearer, api-key, x-api-key, none",
    ),
    "extra_body": (
        lambda value: isinstance(value, dict),
        'an object like {"chat_template_kwargs": {"enable_thinking": false}}',
    ),
    "serve": (
        lambda value: isinstance(value, str) or _are_texts(value),
        f'a command line: a text, or a list of texts like ["llama-server", "--port", "{PORT}"]',
    ),
    "adapter": (_is_text, "an adapter like module:Class, or an installed one's name"),
    "ready": (_is_path, "a path like /health"),
    "ready_s": (lambda value: _is_amount(value) and value > 0, "a number of seconds above 0"),
    "server": (lambda value: value == FOUNDRY, f'the word "{FOUNDRY}" for Foundry Local'),
    "keep_loaded": (lambda value: isinstance(value, bool), "true or false"),
    "rss_mb": (_is_amount, "a number of megabytes, 0 or more"),
    "price_in": (_is_amount, "a price per million tokens, 0 or more"),
    "price_out": (_is_amount, "a price per million tokens, 0 or more"),
    "price_kwh": (_is_amount, "a price per kWh, 0 or more"),
    "currency": (_is_text, "a text that is not empty"),
    "watts": (_is_amount, "a number of watts, 0 or more"),
}
"""Known fields: what holds for their values, and how to say so."""


def secret_in(name: str, value: Any) -> str | None:
    """The name of a secret in a field, however deep."""
    if isinstance(value, dict):
        return next(filter(None, (secret_in(str(key), part) for key, part in value.items())), None)
    if isinstance(value, list):
        return next(filter(None, (secret_in("", part) for part in value)), None)
    return name if isinstance(value, str) and value and SECRET.search(name) else None


def plain(value: Any) -> Any:
    """A value of any of the three formats as JSON has it: dates become text."""
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    if isinstance(value, (date, time)):
        return value.isoformat()
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)


def shown(value: Any) -> str:
    """A wrong value in a message, cut where it is long."""
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 40 else text[:39] + "…"
