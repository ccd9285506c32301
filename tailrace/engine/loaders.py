"""Which way of loading a model's entry asks for; only that one is imported."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tailrace.engine.loader import Given, Loader, LoadError
from tailrace.engine.worker import SecretHeaders
from tailrace.scenarios.model_entry import FOUNDRY, ModelEntry


def loader_for(
    entry: ModelEntry,
    base_url: str,
    folder: Path,
    headers: SecretHeaders,
    say: Callable[[str], None],
) -> Loader:
    """The loader of one model; ``folder`` is where a server of its own logs. Raises LoadError."""
    if entry.is_started:
        from tailrace.engine.hosted import own_server

        return own_server(entry, folder, headers)
    if entry.server == FOUNDRY:
        from tailrace.engine.foundry_loader import FoundryLoader

        return FoundryLoader(entry, entry.url, headers, entry.keep_loaded, say)
    if not (entry.url or base_url):
        raise LoadError("it has no URL; give --url, or a 'url' in the models file", "no_url")
    return Given(entry.url or base_url, entry.model)
