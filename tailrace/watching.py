"""Watching: a run that another process makes, as its files show it while they grow.

Rule: nothing is written, and nothing is asked of the process that measures: it must not be held up
by who looks on. So what only that process knows is not shown (requests in flight), and what is
shown is what is in the journals, a fraction of a second behind.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tailrace.engine.progress import seen_of, take_snapshot
from tailrace.errors import ResultError
from tailrace.results.facts import ModelFacts, RunFacts, StageFacts
from tailrace.results.files import RunFolder
from tailrace.results.glance import Glance
from tailrace.results.journal import JOURNAL
from tailrace.results.parts import EARLIER
from tailrace.results.render.live import Snapshot
from tailrace.results.schema import Row, parse_row


def journals_of(folder: Path) -> list[Path]:
    """A model's journal, and those of several workers."""
    return [folder / JOURNAL, *sorted(folder.glob("requests.*.jsonl"))]


def facts_now(folder: RunFolder, known: RunFacts) -> RunFacts:
    """The facts as they are now, or as they were known."""
    try:
        return folder.read_facts()
    except ResultError:  # on Windows a file that is being replaced cannot be opened
        return known


class Growing:
    """A journal that somebody appends to: each look gives the rows that are new and whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_bytes = 0

    def rows(self) -> Iterator[Row]:
        """Those since the last look; a line that is half written waits for the next."""
        try:
            with self._path.open("rb") as file:
                if file.seek(0, 2) < self._read_bytes:
                    self._read_bytes = 0  # replaced by another file
                file.seek(self._read_bytes)
                for line in file:
                    if not line.endswith(b"\n"):
                        return
                    self._read_bytes += len(line)
                    yield parse_row(line, repr(str(self._path)))
        except FileNotFoundError:
            return


class _Level(NamedTuple):
    """The level that is being watched."""

    model: str
    stage: int
    began_ns: int


class Watching:
    """One run; ``look`` says how it stands."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._level: _Level | None = None
        self._glance = Glance()
        self._journals: dict[Path, Growing] = {}
        self._ok = self._failed = 0
        self.facts = folder.read_facts()

    def look(self, at_wall_ns: int) -> Snapshot | None:
        """The level under way, or None where there is none; ``facts`` are read anew.

        ``at_wall_ns``: ``time.time_ns()``, as the two processes share no other clock.
        """
        self.facts = facts_now(self._folder, self.facts)
        found = under_way(self.facts)
        if found is None:
            return None
        model, stage = found
        self._take_up(model, stage)
        for row in self._new_rows(model):
            if row.stage == stage.index and row.ended_ns >= stage.began_ns:
                self._glance.add(row)
                self._ok += row.outcome == "ok"
                self._failed += row.outcome in ("error", "timeout") and not row.retried
        at_ns = at_wall_ns - self.facts.origin_wall_ns
        until_ns = stage.measure_until_ns
        progress = seen_of(
            self._glance,
            at_ns,
            draining=until_ns is not None and at_ns >= until_ns,
            ok=self._ok,
            failed=self._failed,
            in_flight=None,
        )
        return take_snapshot(self.facts, stage, progress, at_ns)

    @property
    def word(self) -> str:
        """Changes when anything was heard of the run."""
        return f"{self._level} {self._ok} {self._failed} {[m.step for m in self.facts.models]}"

    def _take_up(self, model: ModelFacts, stage: StageFacts) -> None:
        level = _Level(model.folder, stage.index, stage.began_ns)
        if level != self._level:
            if self._level is None or self._level.model != model.folder:
                self._journals.clear()
            self._level = level
            self._glance = Glance(stage.measure_from_ns, stage.measure_until_ns)
            self._ok = self._failed = 0

    def _new_rows(self, model: ModelFacts) -> Iterator[Row]:
        for path in journals_of(self._folder.path / model.folder):
            if path.name != EARLIER:
                yield from self._journals.setdefault(path, Growing(path)).rows()


def under_way(facts: RunFacts) -> tuple[ModelFacts, StageFacts] | None:
    """The model and the level that have begun and not ended."""
    for model in reversed(facts.models):
        if model.stages and model.stages[-1].ended_ns is None:
            return model, model.stages[-1]
    return None
