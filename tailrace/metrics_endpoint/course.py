"""Course: what has come of a run so far, from its files while they grow.

Rule: nothing is written, and rows are taken a number at a time, so that whoever waits for an answer
meanwhile is not kept waiting by a long journal.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from tailrace.results.export.level_figures import LevelFigures, of_tally
from tailrace.results.export.openmetrics import Exposed, Now
from tailrace.results.facts import ModelFacts
from tailrace.results.files import RunFolder
from tailrace.results.tally import Tally
from tailrace.watching import Growing, facts_now, journals_of

ROWS = 200
"""At a time: some 5 ms of work."""
_Place = tuple[str, int]
"""A model's folder and the index of a level."""


class Course:
    """One run, from its first row."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._facts = folder.read_facts()
        self._journals: dict[Path, Growing] = {}
        self._tallies: defaultdict[_Place, Tally] = defaultdict(Tally)
        self._over: dict[_Place, LevelFigures] = {}
        """Levels that will not change, without the megabytes of their tallies."""

    def follow(self) -> Iterator[None]:
        """Take in what is new, with a pause after each ROWS."""
        self._facts = facts_now(self._folder, self._facts)
        for model in self._facts.models:
            for path in journals_of(self._folder.path / model.folder):
                journal = self._journals.setdefault(path, Growing(path))
                while self._take(model, journal):
                    yield
        self._settle()

    def _settle(self) -> None:
        """Lay by the levels that are over: the facts said so before the journals were read."""
        for model in self._facts.models:
            for stage in model.stages:
                place = model.folder, stage.index
                if stage.ended_ns is not None and place not in self._over:
                    figures = of_tally(model, stage, self._tallies.pop(place, Tally()))
                    self._over[place] = figures._replace(users=None)  # it asks for nobody now

    def _take(self, model: ModelFacts, journal: Growing) -> bool:
        """Whether there may be more."""
        taken = 0
        for row in islice(journal.rows(), ROWS):
            taken += 1
            if row.stage >= 0:
                self._tallies[model.folder, row.stage].add(row)
        return taken == ROWS

    def exposed(self, now: Now | None) -> Exposed:
        """As it stands; ``now`` is what only the run itself knows."""
        models = self._facts.models
        levels = [figures for model in models for figures in self._levels(model)]
        if now is not None and (not levels or now[:2] != (levels[-1].model, levels[-1].level)):
            now = None  # of another level than the files know
        turns = {m.model: m.status == "ok" for m in models if m.status in ("ok", "failed")}
        return Exposed(
            run=self._facts.name,
            version=str(self._facts.tool.get("version", "")),
            levels=levels,
            now=now,
            models=turns,
        )

    def _levels(self, model: ModelFacts) -> Iterator[LevelFigures]:
        for stage in model.stages:
            place = model.folder, stage.index
            yield self._over.get(place) or of_tally(model, stage, self._tallies[place])
