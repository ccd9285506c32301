"""Which dialect a name stands for: our own, or one that another package adds.

An entry point in the group ``tailrace.dialects`` points to a class without arguments, or a function
without arguments, that makes a ``Dialect``; see docs/plugins.md.
"""

from __future__ import annotations

from collections.abc import Callable

from tailrace.engine.dialects.anthropic_messages import AnthropicMessages
from tailrace.engine.dialects.delta import Dialect
from tailrace.engine.dialects.llamacpp_completion import LlamaCppCompletion
from tailrace.engine.dialects.ollama import OllamaChat, OllamaGenerate
from tailrace.engine.dialects.openai_chat import OpenAIChat
from tailrace.engine.dialects.openai_completions import OpenAICompletions
from tailrace.engine.dialects.openai_embeddings import OpenAIEmbeddings
from tailrace.engine.dialects.openai_responses import OpenAIResponses
from tailrace.errors import UsageError
from tailrace.plugins import plugin

OWN: dict[str, Callable[[], Dialect]] = {
    "openai-chat": OpenAIChat,
    "openai-completions": OpenAICompletions,
    "openai-responses": OpenAIResponses,
    "openai-embeddings": OpenAIEmbeddings,
    "anthropic-messages": AnthropicMessages,
    "ollama-chat": OllamaChat,
    "ollama-generate": OllamaGenerate,
    "llamacpp-completion": LlamaCppCompletion,
}
_NEEDED = ("path", "body", "read", "read_whole", "framing", "headers", "at_root", "end_mark")


def dialect_of(name: str) -> Dialect:
    """A dialect of its own for each worker.

    Raises UsageError for a name that nobody has, or a plugin that makes no dialect.
    """
    if name in OWN:
        return OWN[name]()
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
