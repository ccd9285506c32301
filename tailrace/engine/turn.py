"""Turn: one model's way through the queue, step by step: resolve, load, warm, run, unload.

Rule: the step is on disk before it is begun, so that a run that was killed says where. A model that
fails keeps the step at which it did, the class and the reason, and what it was given is taken back
all the same; the next one goes on. How long each step took is kept, but for the run itself, whose
levels say it, and for what was broken off. Of a resumed run the first sitting's times stay: in a
later one files and caches are warm.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio

from tailrace.engine.clock import now_ns
from tailrace.engine.loader import Given, Loaded, Loader, LoadError
from tailrace.engine.served import Served
from tailrace.engine.stop import Stop, until_asked
from tailrace.engine.worker import SecretHeaders
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

    def resolve(self, base_url: str, folder: Path, headers: SecretHeaders) -> None:
        """Decide how it is reached; raises LoadError when it cannot be."""
        self.at("resolve")
        entry = self.entry
        if entry.serve:
            self._loader = Served(entry, folder, headers)
        elif not (entry.url or base_url):
            raise LoadError("it has no URL; give --url, or a 'url' in the models file", "no_url")
        else:
            self._loader = Given(entry.url or base_url, entry.model)

    async def load(self, stop: Stop) -> Loaded | None:
        """Have it served; None when the user wants to end the run. Raises LoadError."""
        assert self._loader is not None
        if not self.watched:
            return await self._loader.load()
        self.at("load", self._loader.about)
        loaded: Loaded | None = None
        failed: LoadError | None = None
        async with until_asked(stop):
            try:
                loaded = await self._loader.load()
            except LoadError as error:  # not through a task group, which would wrap it
                failed = error
        if failed is not None:
            raise failed
        if loaded is None:
            self.model.status = "interrupted"
        self._close_step()
        if loaded is not None:
            took_s = (now_ns() - self._began_ns) / 1e9
            self._say(f"[{self._place}] {self.model.model}: loaded in {took_s:.2f} s")
        return loaded

    @property
    def watched(self) -> bool:
        """Whether its server is ours, so that its end is noticed."""
        return bool(self.entry.serve)

    def ended(self) -> str | None:
        """Why its server is gone; None while it is there."""
        return None if self._loader is None else self._loader.ended()

    async def until_ended(self) -> None:
        """Returns when its server is gone, and not before."""
        while self.ended() is None:  # noqa: ASYNC110 - a process tells nobody
            await anyio.sleep(LOOK_S)

    def fail(self, error_class: str | None, reason: str) -> None:
        """It has failed at the step where it is."""
        model = self.model
        model.status, model.error_class, model.error = "failed", error_class, reason
        self._say(f"{model.model}: {reason}")

    async def unload(self) -> None:
        """Take back what it was given, whatever became of it."""
        failed_at = self.model.step if self.model.status == "failed" else None
        if self._loader is not None and self.watched:
            self.at("unload", "ending its server" if self.ended() is None else "")
            await self._loader.unload()
            self._note_footprint(self._loader.footprint)
        self._close_step()
        self.model.step = failed_at

    def _note_footprint(self, found: dict[str, Any] | None) -> None:
        """Of several sittings the largest stays."""
        known = self.model.footprint or {"peak_rss_bytes": 0}
        if found is not None and found["peak_rss_bytes"] > known["peak_rss_bytes"]:
            self.model.footprint = found
