"""Turn: one model's way through the queue, step by step: resolve, load, warm, run, unload.

Rule: the step is on disk before it is begun, so that a run that was killed says where. A model that
fails keeps the step at which it did, the class and the reason, and what it was given is taken back
all the same; the next one goes on. How long each step took is kept, but for the run itself, whose
levels say it, and for what was broken off. Of a resumed run the first sitting's times stay: in a
later one files and caches are warm.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio

from tailrace.engine.clock import now_ns
from tailrace.engine.loader import Given, Loaded, Loader, LoadError
from tailrace.engine.loaders import loader_for
from tailrace.engine.served import Served
from tailrace.engine.stop import Stop, until_asked
from tailrace.engine.worker import SecretHeaders
from tailrace.hidden import without_secrets
from tailrace.results.facts import ModelFacts, Step
from tailrace.scenarios.model_entry import ModelEntry

LOOK_S = 0.25
"""Between two looks whether the model's server is still there."""


class Turn:
    """The steps of one model; ``write`` puts the facts on disk, ``say`` tells who watches."""

    def __init__(
        self,
        model: ModelFacts,
        entry: ModelEntry,
        place: str,
        write: Callable[[], None],
        say: Callable[[str], None],
    ) -> None:
        """``place`` is its place in the queue: ``2/3``."""
        self.model = model
        self.entry = entry
        self._place = place
        self._write = write
        self._say = say
        self._loader: Loader | None = None
        self._timed: Step | None = None
        self._began_ns = 0

    def at(self, step: Step, what: str = "") -> None:
        """It comes to a step; silent where there is nothing to say of it."""
        self._close_step()
        self.model.step = step
        self._write()
        self._timed, self._began_ns = step, now_ns()
        if what:
            self._say(f"[{self._place}] {self.model.model}: {step}: {what}")

    def _close_step(self) -> None:
        step, self._timed = self._timed, None
        if step not in (None, "run") and self.model.status != "interrupted":
            seconds = round((now_ns() - self._began_ns) / 1e9, 6)
            self.model.steps_s.setdefault(step, seconds)

    async def resolve(
        self, base_url: str, folder: Path, headers: SecretHeaders, stop: Stop
    ) -> None:
        """Decide how it is reached; raises LoadError when it cannot be."""
        self.at("resolve")
        loader = loader_for(self.entry, base_url, folder, headers, self._say)
        if not isinstance(loader, Given):
            try:
                await self._held(loader.find, stop)
            finally:
                self._note_tags(loader)
        self._loader = loader

    async def _held(self, step: Callable[[], Awaitable[Any]], stop: Stop) -> Any:
        """What a step of the loader returns; None when the user wants to end the run."""
        found: Any = None
        failed: LoadError | None = None
        async with until_asked(stop):
            try:
                found = await step()
            except LoadError as error:  # not through a task group, which would wrap it
                failed = error
        if failed is not None:
            raise failed
        return found

    async def load(self, stop: Stop) -> Loaded | None:
        """Have it served; None when the user wants to end the run. Raises LoadError."""
        assert self._loader is not None
        if not self.watched:
            return await self._loader.load()
        about = self._loader.about
        if about:
            self.at("load", about)
        loaded: Loaded | None = await self._held(self._loader.load, stop)
        if loaded is None:
            self.model.status = "interrupted"
        self._close_step()
        self._note_tags(self._loader)
        if loaded is not None and about:
            took_s = (now_ns() - self._began_ns) / 1e9
            self._say(f"[{self._place}] {self.model.model}: loaded in {took_s:.2f} s")
        return loaded

    @property
    def watched(self) -> bool:
        """Whether something was done to have it served, so that its end is looked for."""
        return self._loader is not None and not isinstance(self._loader, Given)

    @property
    def holder_pid(self) -> int | None:
        """The process whose children are its server, where that is ours."""
        return self._loader.holder_pid if isinstance(self._loader, Served) else None

    def ended(self) -> str | None:
        """Why its server is gone; None while it is there."""
        return None if self._loader is None else self._loader.ended()

    async def until_ended(self) -> None:
        """Returns when its server is gone, and not before."""
        while self.ended() is None:  # noqa: ASYNC110 - a process tells nobody
            await anyio.sleep(LOOK_S)

    def fail(self, error_class: str | None, reason: str) -> None:
        """It has failed at the step where it is."""
        model, reason = self.model, without_secrets(reason)
        model.status, model.error_class, model.error = "failed", error_class, reason
        self._say(f"{model.model}: {reason}")

    async def unload(self) -> None:
        """Take back what it was given, whatever became of it."""
        failed_at = self.model.step if self.model.status == "failed" else None
        if self._loader is not None and self.watched:
            if self._loader.about:
                self.at("unload", self._farewell())
            await self._loader.unload()
            self._note_footprint(self._loader.footprint)
            self._note_tags(self._loader)
        self._close_step()
        self.model.step = failed_at

    def _note_tags(self, loader: Loader) -> None:
        """What its server knows of it, where the models file says nothing."""
        if loader.tags:
            self.model.tags = loader.tags | self.entry.tags

    def _farewell(self) -> str:
        if self.ended() is not None:
            return ""
        if self.entry.serve:
            return "ending its server"
        return "it stays loaded" if self.entry.keep_loaded else "out of the server's memory"

    def _note_footprint(self, found: dict[str, Any] | None) -> None:
        """Of several sittings the largest stays."""
        known = self.model.footprint or {"peak_rss_bytes": 0}
        if found is not None and found["peak_rss_bytes"] > known["peak_rss_bytes"]:
            self.model.footprint = found
