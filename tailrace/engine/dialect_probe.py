"""Dialect probe: in which words a server wants to be asked, where chat completions did not do. I/O.

Rule: ``auto`` asks the cold request as openai-chat, since that is what users compare. Only when the
server turns it away is it looked at further, by GETs that start no work, and never while anything
is timed. A server that refuses just this model, or serves chat and is in trouble, stays with chat.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import anyio
import httpx
import orjson

from tailrace.engine.dialects.choice import dialect_of
from tailrace.engine.dialects.openai_models import models_in
from tailrace.engine.exchange import WireError
from tailrace.engine.probe import ask_url
from tailrace.engine.wire import Wire
from tailrace.scenarios.urls import endpoint, root_of

CHAT = "openai-chat"
TURNED_AWAY = frozenset(
    {"http_400", "http_401", "http_403", "http_404", "http_405", "http_410", "http_501"}
    | {"not_sse", "not_json"}
)
"""Error classes of a cold request after which another dialect may be the right one."""
WITHIN_S = 10.0
_NOT_ALLOWED = 405
"""What a path that is there says to a GET, where only POST is served."""

Headers = Sequence[tuple[str, str]]


class Found(NamedTuple):
    """A dialect, and the sign by which it was known."""

    dialect: str
    how: str


async def other_dialect(wire: Wire, base_url: str, model: str, headers: Headers) -> Found | None:
    """What the server speaks, where that is not chat; None when nothing says so."""
    with anyio.move_on_after(WITHIN_S):
        return await _Looking(wire, base_url, headers).other(model)
    return None


class _Looking:
    """GETs of one server."""

    def __init__(self, wire: Wire, base_url: str, headers: Headers) -> None:
        self._wire = wire
        self._base_url = base_url
        self._root = root_of(base_url)
        self._headers = dialect_of("anthropic-messages").headers(headers)

    async def other(self, model: str) -> Found | None:
        status, body = await self._get(endpoint(self._base_url, "/models"))
        if _is_anthropic(body):
            return Found("anthropic-messages", "GET …/models answered as Anthropic does")
        listed = [entry.id for entry in models_in(body)] if status == 200 else []
        if listed and model not in listed:
            return None
        if await self._is_served("/chat/completions"):
            return None
        return await self._by_server() or await self._by_path()

    async def _by_server(self) -> Found | None:
        """Servers that tell themselves by a path of their own."""
        _, version = await self._get(endpoint(self._root, "/api/version"))
        if isinstance(version.get("version"), str):
            return Found("ollama-chat", "GET /api/version answered as Ollama does")
        _, props = await self._get(endpoint(self._root, "/props"))
        if "default_generation_settings" in props:
            return Found("llamacpp-completion", "GET /props answered as llama.cpp does")
        return None

    async def _by_path(self) -> Found | None:
        """Paths that are there, but not for a GET."""
        for dialect, path in _PATHS:
            if await self._is_served(path):
                return Found(dialect, f"GET …{path} answered that it is to be a POST")
        return None

    async def _is_served(self, path: str) -> bool:
        status, body = await self._get(endpoint(self._base_url, path))
        return status == _NOT_ALLOWED or (path == "/messages" and _is_anthropic(body))

    async def _get(self, url: str) -> tuple[int | None, dict[str, Any]]:
        """Status and object of an answer; nothing where there is none."""
        try:
            status, body = await ask_url(self._wire, httpx.URL(url), self._headers)
            found = orjson.loads(body)
        except WireError:
            return None, {}
        except orjson.JSONDecodeError:
            return status, {}
        return status, found if isinstance(found, dict) else {}


_PATHS = (
    ("anthropic-messages", "/messages"),
    ("openai-responses", "/responses"),
    ("openai-completions", "/completions"),
)


def _is_anthropic(body: dict[str, Any]) -> bool:
    """An error, or a list of models, in Anthropic's shape."""
    if body.get("type") == "error" and isinstance(body.get("error"), dict):
        return bool(body["error"].get("type") != "not_found_error")
    entries = body.get("data")
    if not isinstance(entries, list) or not entries or not isinstance(entries[0], dict):
        return False
    return entries[0].get("type") == "model" and "object" not in entries[0]
