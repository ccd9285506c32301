"""``--api``: which kind of endpoint is asked, chat completions or embeddings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from tailrace.commands.option import Command, option
from tailrace.errors import UsageError

OPTIONS: tuple[Callable[[Command], Command], ...] = (
    option(
        "--api",
        type=click.Choice(["chat", "embeddings"]),
        default="chat",
        show_default=True,
        help="What is asked: /chat/completions, or /embeddings with a prompt as the text; "
        "embeddings are never streamed, so TTFT and gaps are n/a, and req/s is inputs a second.",
    ),
)


def of_api(values: dict[str, Any]) -> dict[str, Any]:
    """The values with what the API implies; raises UsageError for what it has no use for."""
    if values["api"] == "chat":
        return values
    if values["system"] is not None:
        raise UsageError("--system is part of a chat; leave it out with --api embeddings")
    return values | {"stream": False}
