"""Chosen: the part of a finished run that is exported: its facts, results, verdict and rows.

Rule: rows are read from the journals one at a time, so a form that streams needs no more memory
for a long run than for a short one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from tailrace.errors import UsageError
from tailrace.results.export.flat import flat
from tailrace.results.export.placed import Placed
from tailrace.results.facts import ModelFacts, RunFacts
from tailrace.results.files import RunFolder, safe_name
from tailrace.results.journal import JOURNAL, JournalReader
from tailrace.results.verdict import Verdict, judge

EXPORT_SCHEMA = "tailrace.export/1"


class Chosen(NamedTuple):
    """What is exported; ``results`` run parallel to ``facts.models``.

    Exporters of other packages get one; docs/plugins.md says what of it they may use.
    """

    path: Path
    facts: RunFacts
    results: list[dict[str, Any]]
    verdict: Verdict
    whole: bool
    """Whether no level was asked for, so that cold first requests belong to it."""

    @property
    def name(self) -> str:
        """The run's, as its folder is named."""
        return self.path.resolve().name

    def document(self) -> dict[str, Any]:
        """run.json and each model's result.json, with schema ``tailrace.export/1``."""
        return {
            "schema": EXPORT_SCHEMA,
            "run": self.facts.to_dict() | {"verdict": self.verdict.to_dict()},
            "results": self.results,
        }

    def requests(self) -> Iterator[dict[str, Any]]:
        """Every request as one line of a table, with the columns that ``tailrace query`` has."""
        return (flat(self.name, placed) for placed in self.rows())

    def rows(self) -> Iterator[Placed]:
        """Every request, in the order of the journals."""
        for model in self.facts.models:
            stages = {stage.index: stage for stage in model.stages}
            for row in JournalReader(self.path / safe_name(model.folder) / JOURNAL):
                stage = stages.get(row.stage)
                if stage is not None or (self.whole and row.phase == "cold"):
                    yield Placed(model, stage, row)


def chosen(path: Path, model: str | None = None, level: str | None = None) -> Chosen:
    """A run folder, or of it one model and one load as the tables name it (``8``, ``50/s``).

    The verdict is that of the whole run. Raises ResultError where the folder is no finished run,
    and UsageError that lists what there is where it has no such model or load.
    """
    folder = RunFolder(path)
    facts = folder.read_facts()
    results = folder.read_results(facts)
    verdict = judge(facts, results)
    pairs = list(zip(facts.models, results, strict=True))
    if model is not None:
        names = [each.model for each, _ in pairs]
        _require("--model", model, names)
        pairs = [pair for pair in pairs if pair[0].model == model]
    if level is not None:
        loads = list(dict.fromkeys(s["load"] for _, result in pairs for s in result["stages"]))
        _require("--level", level, loads)
        pairs = [_of_level(*pair, level) for pair in pairs]
    facts = replace(facts, models=[each for each, _ in pairs])
    return Chosen(path, facts, [result for _, result in pairs], verdict, level is None)


def _require(option: str, value: str, there: list[str]) -> None:
    if value not in there:
        listed = ", ".join(map(repr, there)) or "none"
        raise UsageError(f"{option} {value!r} is not in the run; it has {listed}")


def _of_level(
    model: ModelFacts, result: dict[str, Any], level: str
) -> tuple[ModelFacts, dict[str, Any]]:
    kept = [stage for stage in result["stages"] if stage["load"] == level]
    indices = {stage["index"] for stage in kept}
    stages = [stage for stage in model.stages if stage.index in indices]
    return replace(model, stages=stages), result | {"stages": kept}
