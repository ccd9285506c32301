"""Opened: runs that have ended, read to be set beside each other.

``RUN`` is a run's folder; ``RUN:MODEL`` is one model of it. Nothing is written.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tailrace.errors import UsageError
from tailrace.results.compare import Measured, blurred_of
from tailrace.results.converted import converted_note
from tailrace.results.facts import ModelFacts, RunFacts
from tailrace.results.files import RunFolder
from tailrace.results.selection import Ran
from tailrace.results.tags import tags_of, text_tag
from tailrace.results.variants import Side
from tailrace.results.verdict import judge


def ran(path: Path) -> Ran:
    """A run with its documents; raises ResultError where a file is missing."""
    folder = RunFolder(path)
    facts = folder.read_facts()
    results = folder.read_results(facts)
    label = facts.scenario.get("label") or path.resolve().name
    return Ran(str(label), facts, results, not judge(facts, results).reasons)


def sides(first: str, second: str) -> tuple[Side, Side]:
    """Both sides of a comparison; by their labels, or by their places where labels are the same."""
    a, b = _side(first), _side(second)
    if a.label == b.label:
        return replace(a, label=first), replace(b, label=second)
    return a, b


def measured(text: str) -> Measured:
    """A run, one model of it, or a baseline, with the figures of its requests."""
    from tailrace.results.compare_files import read_levels

    path, wanted = _split(text)
    folder = RunFolder(path)
    facts = folder.read_facts()
    results = folder.read_results(facts)
    verdict = judge(facts, results)
    levels = read_levels(path, facts)
    if wanted is not None and wanted not in levels:
        raise UsageError(
            f"{str(path)!r} measured no model {wanted!r}; it has {', '.join(levels) or 'none'}"
        )
    if not levels:
        raise UsageError(f"{str(path)!r} has no measured request, so there is nothing to compare")
    if wanted is not None:
        levels = {wanted: levels[wanted]}
    reasons, blurred = verdict.reasons, frozenset(blurred_of(results))
    note = converted_note(text, facts, results)
    return Measured(text, facts, reasons, levels, wanted is not None, blurred, note)


def _side(text: str) -> Side:
    """The model that ``RUN`` or ``RUN:MODEL`` names; raises UsageError where that is not one."""
    path, wanted = _split(text)
    found = ran(path)
    models = found.facts.models
    listed = ", ".join(model.model for model in models)
    places = [place for place, model in enumerate(models) if wanted in (None, model.model)]
    if not places:
        raise UsageError(f"{str(path)!r} has no model {wanted!r}; it has {listed or 'none'}")
    if len(places) > 1:
        raise UsageError(f"{str(path)!r} has several models; name one, as RUN:MODEL, of {listed}")
    model = models[places[0]]
    label = _label(path, found.facts, model)
    return Side(label, found.facts, model, found.results[places[0]], found.valid)


def _split(text: str) -> tuple[Path, str | None]:
    """The folder and the model; both may hold colons, so the longest folder that exists is it."""
    if (Path(text) / "run.json").exists():
        return Path(text), None
    parts = text.split(":")
    for end in range(len(parts) - 1, 0, -1):
        path = Path(":".join(parts[:end]))
        if (path / "run.json").exists():
            return path, ":".join(parts[end:])
    return Path(text), None


def _label(path: Path, facts: RunFacts, model: ModelFacts) -> str:
    """The run's label, else the model's variant, else where it stands."""
    name = facts.scenario.get("label") or text_tag(tags_of(facts, model), "variant")
    return str(name) if name else f"{path.resolve().name}:{model.model}"
