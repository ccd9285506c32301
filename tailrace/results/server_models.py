"""Which models a server says are loaded, and which it has on disk, from what it told. Pure.

Rule: None is "not told"; an empty tuple is "told: none". The list of models itself may say it
(llama.cpp's router), else a page of the server's own does (Ollama, LM Studio, Foundry Local).
"""

from __future__ import annotations

from typing import Any

from tailrace.results.server_kind import MODELS, Answers

PAGES = ("/api/ps", "/openai/loadedmodels", "/models/loaded", "/openai/models")
"""What is asked for it, from the root of the server's address; LM Studio's page names it too."""


def loaded_of(answers: Answers) -> tuple[str, ...] | None:
    """Ids of the loaded models."""
    for path in ("/openai/loadedmodels", "/models/loaded"):
        found = _ids(_json(answers, path))
        if found is not None:
            return found
    running = _json(answers, "/api/ps")
    if isinstance(running, dict) and isinstance(running.get("models"), list):
        return _ids(running["models"])
    for path in ("/api/v0/models", MODELS):
        listed = _json(answers, path)
        entries = listed.get("data") if isinstance(listed, dict) else None
        if isinstance(entries, list) and any(_state(entry) for entry in entries):
            return _ids([entry for entry in entries if _state(entry) == "loaded"])
    return None


def cached_of(answers: Answers) -> tuple[str, ...] | None:
    """Ids of the models on its disk; Foundry Local's services tell it."""
    return _ids(_json(answers, "/openai/models"))


def _json(answers: Answers, path: str) -> Any:
    told = answers.get(path)
    return told.json if told is not None and told.status == 200 else None


def _state(entry: Any) -> str:
    """``loaded``, another word, or nothing."""
    if not isinstance(entry, dict):
        return ""
    status = entry.get("status")
    word = status.get("value") if isinstance(status, dict) else status or entry.get("state")
    return word if isinstance(word, str) else ""


def _ids(entries: Any) -> tuple[str, ...] | None:
    """Of a list of ids, or of objects that have one; None where it is no list."""
    if not isinstance(entries, list):
        return None
    return tuple(name for entry in entries if (name := _id(entry)))


def _id(entry: Any) -> str:
    if isinstance(entry, dict):
        entry = entry.get("id") or entry.get("name")
    return entry if isinstance(entry, str) else ""
