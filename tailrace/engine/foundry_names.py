"""Which models ``auto`` and ``ALL`` stand for on Foundry Local: those it has here, for chat."""

from __future__ import annotations

import os

from tailrace.engine.dialects.openai_models import ListedModel
from tailrace.engine.foundry_api import Headers
from tailrace.engine.foundry_cli import CATALOG_LINE
from tailrace.engine.foundry_discovery import discover
from tailrace.engine.loader import LoadError


async def listed_by_foundry(url: str, headers: Headers) -> list[ListedModel]:
    """The cached chat models, at least one; ``url`` may be empty. Raises LoadError.

    Where nobody says what is cached, only what is loaded is sure to be there.
    """
    found = await discover(url or None, os.environ, headers)
    models = await found.api.models()
    listed = [
        ListedModel(model.id, model.loaded)
        for model in models
        if model.chats and (model.cached or model.loaded)
    ]
    if not listed:
        raise LoadError(
            f"Foundry Local at {found.api.root} has no chat model on this machine; {CATALOG_LINE} "
            "shows what there is and `foundry model download NAME` gets one",
            "no_models",
        )
    return listed
