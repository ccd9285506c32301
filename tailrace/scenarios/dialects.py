"""Names of dialects: what ``--dialect`` and a models file's ``dialect`` may say."""

from __future__ import annotations

from tailrace.plugins import plugin_names

AUTO = "auto"
OWN = (
    *("openai-chat", "openai-completions", "openai-responses", "openai-embeddings"),
    *("anthropic-messages", "ollama-chat", "ollama-generate", "llamacpp-completion"),
)
EMBEDDINGS = "openai-embeddings"


def is_dialect(name: object) -> bool:
    """Whether a dialect, or ``auto``, has this name; others' packages are only asked if need be."""
    return name == AUTO or name in OWN or name in plugin_names("tailrace.dialects")


def dialects_text() -> str:
    """All names, for a message."""
    return ", ".join((AUTO, *OWN, *plugin_names("tailrace.dialects")))
