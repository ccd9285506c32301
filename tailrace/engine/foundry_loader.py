"""A model of the queue that lives on Foundry Local: found, loaded for its turn, let go again.

Rule: what was loaded before stays loaded, and its load is not timed, since there was none; what
this turn loaded is unloaded at its end, unless it is to be kept. A service unloads a model that
nobody asks for a while (600 s by default). So loading asks for a longer time to live, and while the
turn lasts the load is said again, in shorter steps than that default: it costs a request that
finds the model there, and where it does not, that is counted, for what was measured was then cold.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import anyio

from tailrace.engine.foundry_api import ASK_S, Headers
from tailrace.engine.foundry_catalog import (
    CatalogModel,
    ambiguous,
    bare,
    matches,
    narrowed,
    unknown,
)
from tailrace.engine.foundry_cli import CATALOG_LINE, SERVICE, download_line, load_line, start_line
from tailrace.engine.foundry_command import installed_version
from tailrace.engine.foundry_discovery import Found, discover
from tailrace.engine.foundry_process import Process
from tailrace.engine.loader import Loaded, LoadError
from tailrace.scenarios.model_entry import ModelEntry

TTL_S = 3600
"""Asked for at each load, counted from the last request."""
AGAIN_S = 200.0
"""Between two loads while the turn lasts: a third of the services' default time to live."""
_NOT_CACHED = ("not cached", "must be downloaded", "no openaiservice provider")


class FoundryLoader:
    """See loader.Loader; ``find`` comes first, so that only loading is timed as loading."""

    footprint: dict[str, Any] | None = None

    def __init__(
        self,
        entry: ModelEntry,
        url: str | None,
        headers: Headers = (),
        keep: bool = False,
        say: Callable[[str], None] = lambda text: None,
        ttl_s: int = TTL_S,
        again_s: float = AGAIN_S,
    ) -> None:
        """``url`` is what the user gives, None to look for it; ``keep``: leave it loaded."""
        self._entry = entry
        self._url = url
        self._headers = headers
        self._keep = keep
        self._say = say
        self._ttl_s = ttl_s
        self._again_s = again_s
        self._found: Found | None = None
        self._process: Process | None = None
        self._chosen: CatalogModel | None = None
        self._load_name = ""
        self._is_ours = False
        self._was_loaded = False
        self._warming: asyncio.Task[None] | None = None
        self.about = ""
        self.went_cold = 0

    async def find(self) -> None:
        """Find the service and the model there; raises LoadError."""
        self._found = await discover(self._url, os.environ, self._headers)
        api, name = self._found.api, self._entry.model
        self._process = Process.of(api.root, api.pid)
        models = await api.models()
        found = narrowed(matches(name, models))
        where = f"Foundry Local at {api.root}"
        no_aliases = not any(model.alias for model in models)
        if not found and (api.group == SERVICE or not no_aliases):
            raise LoadError(unknown(name, models, where, CATALOG_LINE), "model_not_found")
        if len(found) > 1 and (api.group == SERVICE or len({m.alias for m in found}) > 1):
            raise LoadError(ambiguous(name, found, where), "model_ambiguous")
        self._chosen = found[0] if len(found) == 1 else None
        self._load_name = self._name_to_load(name, found)
        not_here = self._chosen is not None and self._chosen.cached is False
        if self._chosen is not None and not_here and api.group == SERVICE:  # the runtime says so
            raise LoadError(
                f"{where} does not have model {self._chosen.id!r} on this machine; get it with "
                f"{download_line(self._chosen.alias or self._chosen.id)}",
                "model_not_cached",
            )
        self._was_loaded = self._chosen is not None and self._chosen.loaded
        self.about = "" if self._was_loaded else f"{self._load_name} on {where}"
        if self._was_loaded:
            self._say(
                f"{self._entry.alias}: is loaded already, so it stays so and has no load time"
            )

    def _name_to_load(self, name: str, found: list[CatalogModel]) -> str:
        """Services load by id; the runtime by alias, or by the name as given if there is none."""
        if self._chosen is not None and self._found is not None:
            by_id = self._found.api.group == SERVICE or not self._chosen.alias
            return self._chosen.id if by_id else self._chosen.alias
        return found[0].alias if found else name

    @property
    def tags(self) -> dict[str, Any]:
        """What the catalog knows of the model, and how it was come by; known after ``find``."""
        if self._found is None:
            return {}
        known = {} if self._chosen is None else self._chosen.tags()
        foundry: dict[str, Any] = {
            "endpoint": self._found.api.root,
            "found_by": self._found.by,
            "api": self._found.api.group,
            "load": "was loaded already" if self._was_loaded else "loaded for its turn",
            "went_cold": self.went_cold,
        }
        if self._chosen is not None and self._chosen.alias:
            foundry["alias"] = self._chosen.alias
        return known | {"foundry": foundry}

    async def load(self) -> Loaded:
        """See Loader.load."""
        if self._found is None:
            await self.find()
        assert self._found is not None
        api = self._found.api
        self._is_ours = not self._was_loaded
        try:
            await self._load()
        except LoadError as error:
            raise await self._explained(error) from None
        self._chosen = await self._loaded_variant()
        self._warming = asyncio.create_task(self._keep_warm())
        return Loaded(api.base_url, self._chosen.id)

    async def _load(self) -> bool:
        """Ask for it; a runtime that does not know the alias is asked by id."""
        assert self._found is not None
        api, within_s = self._found.api, self._entry.ready_s
        try:
            return await api.load(self._load_name, within_s, self._ttl_s)
        except LoadError as error:
            by_id = self._chosen.id if self._chosen is not None else self._load_name
            if error.error_class != "http_404" or by_id == self._load_name:
                raise
            cold = await api.load(by_id, within_s, self._ttl_s)
            self._load_name = by_id
            return cold

    async def _loaded_variant(self) -> CatalogModel:
        """What is in memory now under that name; raises LoadError when it is another variant."""
        assert self._found is not None
        api = self._found.api
        if self._chosen is not None:
            loaded = [self._chosen.id] if api.group == SERVICE else await api.loaded()
            if self._chosen.id in loaded:
                return self._chosen
            if (other := self._other_version(loaded)) is not None:
                return other
            raise LoadError(
                f"Foundry Local at {api.root} was asked for {self._chosen.id!r} and loaded another "
                f"variant; loaded are {', '.join(map(repr, loaded)) or 'none'}: load it with "
                f"{load_line(None, self._chosen.id)}, or write the other's id",
                "other_variant",
            )
        models = await api.models()
        there = [model for model in models if model.loaded]
        found = narrowed([model for model in matches(self._entry.model, models) if model.loaded])
        if len(found) != 1 and len(there) == 1:
            found = there
        if len(found) != 1:
            several = ambiguous(self._entry.model, found or there or models, api.root)
            raise LoadError(several, "model_ambiguous")
        return found[0]

    def _other_version(self, loaded: list[str]) -> CatalogModel | None:
        """What was loaded in place of the newest version, where the user named no version."""
        assert self._chosen is not None
        same = [model_id for model_id in loaded if bare(model_id) == self._chosen.name]
        if len(same) != 1 or self._entry.model == self._chosen.id:
            return None
        return replace(self._chosen, id=same[0])

    async def _explained(self, error: LoadError) -> LoadError:
        """With the line that mends it, where it is the user's to mend."""
        if (why := self.ended()) is not None:
            return LoadError(why, "server_ended")
        said = str(error)
        if any(words in said.lower() for words in _NOT_CACHED):
            line = download_line(self._load_name)
            return LoadError(f"{said}; get it with {line}", "model_not_cached")
        if error.error_class == "unreachable":
            start = start_line(await installed_version())
            return LoadError(f"{said}; start Foundry Local with {start}", error.error_class)
        if error.error_class == "load_timeout":
            return LoadError(f"{said}; give more time with 'ready_s'", error.error_class)
        return error

    async def _keep_warm(self) -> None:
        """Say the load again and again, and count how often it had been unloaded."""
        assert self._found is not None
        api = self._found.api
        while True:
            await asyncio.sleep(self._again_s)
            with contextlib.suppress(LoadError):
                cold = api.group == SERVICE and not await self._is_there()
                cold = await self._load() and (api.group != SERVICE or cold)
                if cold:
                    self.went_cold += 1
                    self._say(f"{self._entry.alias}: had been unloaded, and is loaded again")

    async def _is_there(self) -> bool:
        assert self._found is not None
        assert self._chosen is not None
        loaded = await self._found.api.loaded()
        return self._chosen.id in loaded or self._chosen.name in loaded

    def ended(self) -> str | None:
        """See Loader.ended; only a service on this machine that says its process can be watched."""
        if self._process is None or self._process.runs():
            return None
        return (
            f"Foundry Local (process {self._process.pid}) has ended; start it again with "
            f"{start_line(None)}"
        )

    async def unload(self) -> None:
        """See Loader.unload."""
        if self._warming is not None:
            self._warming.cancel()
            self._warming = None
        ours, self._is_ours = self._is_ours, False
        if not ours or self._keep or self._found is None or self.ended() is not None:
            return
        try:
            with anyio.CancelScope(shield=True):
                await self._found.api.unload(self._load_name, ASK_S)
        except LoadError as error:
            self._say(f"{self._entry.alias}: is not unloaded: {error}")
