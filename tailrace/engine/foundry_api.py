"""Foundry Local's own HTTP API, in both its generations, behind the same few verbs.

The runtime since 2 (and CLI 0.10) has ``/status`` and ``/models/…``; the services up to 0.8 have
``/openai/status``, ``/openai/…`` and ``/foundry/list``. Traps, all seen:

- runtime 2.2.1: loading takes the alias and not the id, chat the id and not the alias; its
  ``/v1/models`` lists the catalog and not what is loaded; facts are in a file that only this
  machine can read.
- services: loading takes the id; a model is unloaded after 600 s without a request, unless ``ttl``
  says otherwise.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import orjson

from tailrace.engine.bounded import told
from tailrace.engine.foundry_catalog import CatalogModel, catalog_of, ids_of, marked
from tailrace.engine.foundry_cli import SERVER, SERVICE
from tailrace.engine.loader import LoadError
from tailrace.engine.stock import StockTransport

ASK_S = 10.0
CATALOG_S = 60.0
"""A service may fetch its catalog from the internet first."""
CATALOG_NAME = "foundry.modelinfo.json"
_CACHED = "*/*/inference_model.json", "*/inference_model.json", "*/*/*/inference_model.json"
_SHOWN_CHARS = 300


class FoundryApi:
    """One running service; make one with ``look``."""

    def __init__(self, root: str, group: str, status: dict[str, Any], headers: Headers) -> None:
        """``group`` is the generation, by its CLI's word: ``server`` or ``service``."""
        self.root = root
        self.group = group
        self._status = status
        self._headers = list(headers)

    @property
    def base_url(self) -> str:
        """Where chat is."""
        return self.root + "/v1"

    @property
    def pid(self) -> int | None:
        """Its process on its machine; services up to 0.8 do not say."""
        pid = self._status.get("pid")
        return pid if type(pid) is int and pid > 0 else None

    async def models(self) -> list[CatalogModel]:
        """The catalog, with what is cached and loaded; raises LoadError."""
        if self.group == SERVICE:
            catalog = await self._catalog()
            cached: list[str] | None = ids_of(await self._json("/openai/models"))
        else:
            catalog, cached = await asyncio.to_thread(_on_disk, self._status.get("modelCachePath"))
            if not catalog:
                listed = ids_of(await self._json("/v1/models", CATALOG_S))
                catalog, cached = catalog_of([{"id": model_id} for model_id in listed]), None
        return marked(catalog, cached, await self.loaded())

    async def _catalog(self) -> list[CatalogModel]:
        """A service's catalog; without the internet it may have none, and serves all the same."""
        try:
            return catalog_of(await self._json("/foundry/list", CATALOG_S))
        except LoadError:
            return []

    async def loaded(self) -> list[str]:
        """Ids of the models in memory; raises LoadError."""
        path = "/openai/loadedmodels" if self.group == SERVICE else "/models/loaded"
        return ids_of(await self._json(path))

    async def load(self, name: str, within_s: float, ttl_s: int | None = None) -> bool:
        """Load by what this generation wants; False where it was loaded. Raises LoadError."""
        if self.group == SERVICE:
            query = "" if ttl_s is None else f"?ttl={ttl_s}"
            await self._get(f"/openai/load/{_segment(name)}{query}", within_s)
            return True
        answer = await self._json(f"/models/load/{_segment(name)}", within_s)
        return not (isinstance(answer, dict) and answer.get("status") == "already_loaded")

    async def unload(self, name: str, within_s: float) -> None:
        """Unload at once; raises LoadError."""
        if self.group == SERVICE:
            await self._get(f"/openai/unload/{_segment(name)}?force=true", within_s)
        else:
            await self._get(f"/models/unload/{_segment(name)}", within_s)

    async def _json(self, path: str, within_s: float = ASK_S) -> Any:
        body = await self._get(path, within_s)
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError:
            shown = " ".join(body[:_SHOWN_CHARS].decode("utf-8", "replace").split())
            raise LoadError(
                f"GET {self.root}{path} answered no JSON: {shown!r}; is Foundry Local there?",
                "bad_body",
            ) from None

    async def _get(self, path: str, within_s: float) -> bytes:
        """The body of a 200; raises LoadError for anything else."""
        url = self.root + path
        try:
            async with asyncio.timeout(within_s), _client(self._headers) as client:
                answer = await told(client, "GET", url)
        except TimeoutError:
            raise LoadError(
                f"GET {url} did not answer within {within_s:g} s", "load_timeout"
            ) from None
        except (httpx.HTTPError, httpx.InvalidURL) as exc:
            raise LoadError(f"GET {url} failed: {_words(exc)}", "unreachable") from None
        if answer.status != httpx.codes.OK:
            raise LoadError(
                f"GET {url} answered HTTP {answer.status}: {_message(answer.body)}",
                f"http_{answer.status}",
            )
        return answer.body


Headers = Sequence[tuple[str, str]]


async def look(root: str, headers: Headers = (), within_s: float = ASK_S) -> FoundryApi | str:
    """The service at a root URL, or why there is none, fit for half a sentence."""
    codes = []
    try:
        async with asyncio.timeout(within_s), _client(headers) as client:
            for path, group in (("/status", SERVER), ("/openai/status", SERVICE)):
                answer = await told(client, "GET", root + path)
                status = _object(answer.body) if answer.status == httpx.codes.OK else None
                if status is not None and {"modelcachepath", "endpoints", "modeldirpath"} & {
                    key.lower() for key in status
                }:
                    return FoundryApi(root, group, status, headers)
                codes.append(f"GET {path}: {answer.status}")
    except TimeoutError:
        return f"does not answer within {within_s:g} s"
    except (httpx.HTTPError, httpx.InvalidURL) as exc:
        return f"does not answer ({_words(exc)})"
    return f"is no Foundry Local ({', '.join(codes)})"


def _client(headers: Headers) -> httpx.AsyncClient:
    transport = StockTransport(trust_env=False)
    return httpx.AsyncClient(transport=transport, timeout=None, headers=list(headers))


def _segment(name: str) -> str:
    return quote(name, safe=":")


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def _words(exc: Exception) -> str:
    return str(exc) or type(exc).__name__


def _message(body: bytes) -> str:
    """The message of an error object, else the text, cut."""
    found = _object(body) or {}
    error = found.get("error")
    text = error.get("message") if isinstance(error, dict) else error or found.get("detail")
    text = text if isinstance(text, str) else body[: 4 * _SHOWN_CHARS].decode("utf-8", "replace")
    return " ".join(text.split())[:_SHOWN_CHARS] or "nothing"


def _on_disk(folder: Any) -> tuple[list[CatalogModel], list[str] | None]:
    """The catalog's copy and the cached ids in the model folder of this machine."""
    if not isinstance(folder, str):
        return [], None
    path = Path(folder)
    try:
        catalog = catalog_of(orjson.loads((path / CATALOG_NAME).read_bytes()))
    except (OSError, ValueError):
        return [], None
    names = (_name_in(found) for pattern in _CACHED for found in path.glob(pattern))
    return catalog, [name for name in names if name]


def _name_in(path: Path) -> str | None:
    try:
        found = orjson.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    name = found.get("Name") if isinstance(found, dict) else None
    return name if isinstance(name, str) else None
