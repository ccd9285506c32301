"""Runs and baselines read to be compared: their figures, level by level. Nothing is written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tailrace.results.baseline_files import FIGURES, is_baseline, unpacked
from tailrace.results.compare import load_of
from tailrace.results.compare_figures import Figures, FiguresMaker, joined
from tailrace.results.facts import ModelFacts, RunFacts
from tailrace.results.files import safe_name
from tailrace.results.journal import JOURNAL, JournalReader
from tailrace.results.reading import read_bytes

Levels = Mapping[str, Figures]


def read_levels(path: Path, facts: RunFacts) -> dict[str, Levels]:
    """Model -> load -> figures, of every model that came to a level."""
    found = {}
    for model in facts.models:
        folder = path / safe_name(model.folder)
        levels = _kept(folder) if is_baseline(path) else _measured(folder, facts, model)
        if levels:
            found[model.model] = levels
    return found


def _kept(folder: Path) -> Levels:
    path = folder / FIGURES
    if not path.exists():
        return {}  # the model failed before its first level
    return unpacked(read_bytes(path), repr(str(path)))


def _measured(folder: Path, facts: RunFacts, model: ModelFacts) -> Levels:
    makers = {
        stage.index: FiguresMaker(stage.measure_from_ns, stage.measure_until_ns)
        for stage in model.stages
    }
    for row in JournalReader(folder / JOURNAL):
        if row.stage in makers:
            makers[row.stage].add(row)
    rounds: dict[str, list[Figures]] = {}
    for stage in model.stages:
        made = makers[stage.index].made()
        if len(made.failed):
            rounds.setdefault(load_of(facts, stage.index), []).append(made)
    return {load: joined(parts) for load, parts in rounds.items()}
