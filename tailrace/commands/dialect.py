"""``--dialect``: in which words the server is asked, and its answers are read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from tailrace.commands.option import Command, option
from tailrace.errors import UsageError
from tailrace.scenarios.dialects import AUTO, EMBEDDINGS, dialects_text, is_dialect


def _checked(context: click.Context, parameter: click.Parameter, value: str) -> str:
    if not is_dialect(value):
        raise UsageError(f"--dialect {value!r} is unknown; there are {dialects_text()}")
    return value


OPTIONS: tuple[Callable[[Command], Command], ...] = (
    option(
        "--dialect",
        default=AUTO,
        show_default=True,
        callback=_checked,
        metavar="NAME",
        help="How the server is spoken to: openai-chat, openai-completions, openai-responses, "
        "openai-embeddings, anthropic-messages, ollama-chat, ollama-generate, "
        "llamacpp-completion, or a plugin's. auto is openai-chat wherever that is answered.",
    ),
)


def of_dialect(values: dict[str, Any]) -> dict[str, Any]:
    """The values with what the dialect implies; raises UsageError for what it has no use for."""
    if values["dialect"] != EMBEDDINGS:
        return values
    if values["system"] is not None:
        raise UsageError(f"--system is part of a chat; leave it out with --dialect {EMBEDDINGS}")
    return values | {"stream": False}
