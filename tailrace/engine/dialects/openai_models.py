"""The list of models of an OpenAI-compatible server, and which of them it says are loaded. Pure.

Rule: the OpenAI API reference, "List models". Seen besides: ``status: {"value": "loaded"}``
(llama.cpp's router) and ``state: "loaded"`` (LM Studio); Foundry Local lists what it has.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson


class ListedModel(NamedTuple):
    """One entry."""

    id: str
    loaded: bool
    """Whether the server says so; most say nothing."""


def models_of(body: bytes) -> list[ListedModel]:
    """The entries of a ``GET {base}/models`` answer; empty when it is something else."""
    try:
        return models_in(orjson.loads(body))
    except ValueError:
        return []


def models_in(answer: Any) -> list[ListedModel]:
    """The same of an answer whose JSON is read."""
    try:
        return [ListedModel(str(entry["id"]), _loaded(entry)) for entry in answer["data"]]
    except (KeyError, TypeError):
        return []


def _loaded(entry: dict[str, Any]) -> bool:
    status = entry.get("status")
    word = status.get("value") if isinstance(status, dict) else status
    return "loaded" in (word, entry.get("state"))
