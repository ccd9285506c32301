"""Which dialect a name stands for: our own, or one that another package adds.

An entry point in the group ``tailrace.dialects`` points to a class without arguments, or a function
without arguments, that makes a ``Dialect``; see docs/plugins.md.
"""

from __future__ import annotations

from importlib import import_module
from typing import cast

from tailrace.engine.dialects.delta import Dialect
from tailrace.errors import UsageError
from tailrace.plugins import plugin

OWN = {
    "openai-chat": ("openai_chat", "OpenAIChat"),
    "openai-completions": ("openai_completions", "OpenAICompletions"),
    "openai-responses": ("openai_responses", "OpenAIResponses"),
    "openai-embeddings": ("openai_embeddings", "OpenAIEmbeddings"),
    "anthropic-messages": ("anthropic_messages", "AnthropicMessages"),
    "ollama-chat": ("ollama", "OllamaChat"),
    "ollama-generate": ("ollama", "OllamaGenerate"),
    "llamacpp-completion": ("llamacpp_completion", "LlamaCppCompletion"),
}
"""Name -> file and class: a run imports the one that it speaks."""
_NEEDED = ("path", "body", "read", "read_whole", "framing", "headers", "at_root", "end_mark")


def dialect_of(name: str) -> Dialect:
    """A dialect of its own for each worker.

    Raises UsageError for a name that nobody has, or a plugin that makes no dialect.
    """
    if name in OWN:
        file, kind = OWN[name]
        return cast(Dialect, getattr(import_module(f"{__package__}.{file}"), kind)())
    try:
        make = plugin("tailrace.dialects", name)
    except KeyError:
        raise UsageError(f"no dialect is named {name!r}; ours are {', '.join(OWN)}") from None
    try:
        made: Dialect = make()
    except Exception as exc:  # whatever the plugin raises
        raise UsageError(f"dialect {name!r} cannot be made: {type(exc).__name__}: {exc}") from exc
    lacking = [each for each in _NEEDED if not hasattr(made, each)]
    if lacking:
        raise UsageError(
            f"dialect {name!r} lacks {', '.join(lacking)}; its class is to have "
            "tailrace.engine.dialects.delta.Dialect as its base"
        )
    if made.framing not in ("sse", "ndjson", "whole"):
        raise UsageError(
            f"dialect {name!r} has framing {made.framing!r}; it is to be sse, ndjson or whole"
        )
    return made
