"""Which dialect an API is spoken in. Pure."""

from __future__ import annotations

from tailrace.engine.dialects.delta import Dialect
from tailrace.engine.dialects.openai_chat import OpenAIChat
from tailrace.engine.dialects.openai_embeddings import OpenAIEmbeddings
from tailrace.scenarios.model import ApiName


def dialect_of(api: ApiName) -> Dialect:
    """A dialect of its own for each worker."""
    return OpenAIEmbeddings() if api == "embeddings" else OpenAIChat()
