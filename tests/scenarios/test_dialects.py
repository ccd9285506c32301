"""Names of dialects, of this package and of others."""

from __future__ import annotations

import pytest

from tailrace.scenarios import dialects


def test_names(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def others(group: str) -> tuple[str, ...]:
        asked.append(group)
        return ("tgi", "auto-x")

    monkeypatch.setattr(dialects, "plugin_names", others)
    assert all(dialects.is_dialect(name) for name in ("auto", *dialects.OWN))
    assert asked == []
    assert dialects.is_dialect("tgi")
    assert not dialects.is_dialect("openai")
    assert not dialects.is_dialect(None)
    assert dialects.dialects_text() == (
        "auto, openai-chat, openai-completions, openai-responses, openai-embeddings, "
        "anthropic-messages, ollama-chat, ollama-generate, llamacpp-completion, tgi, auto-x"
    )
    assert set(asked) == {"tailrace.dialects"}
