"""Outputs of run folders: reads what ``outputs.json`` and the journals hold of two runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from tailrace.errors import ResultError
from tailrace.results.files import RunFolder, safe_name
from tailrace.results.journal import JOURNAL, JournalReader
from tailrace.results.outputs import ModelOutputs, outputs_from_json
from tailrace.results.outputs_compare import (
    Changed,
    Comparison,
    compare,
    differing_hashes,
    first_difference,
)
from tailrace.results.reading import read_bytes


def compare_runs(a: Path, b: Path) -> Comparison:
    """Compare the answers of two run folders; raises ResultError when they cannot be compared."""
    folders = _folders(a), _folders(b)
    outputs = _read(a, folders[0]), _read(b, folders[1])
    found = compare(*outputs, (repr(str(a)), repr(str(b))))
    found.changed = _with_differences(found.changed, *folders)
    return found


def _folders(run: Path) -> dict[str, Path]:
    """Model -> its folder, as the run's facts say."""
    models = RunFolder(run).read_facts().models
    return {model.model: run / safe_name(model.folder) for model in models}


def _read(run: Path, folders: dict[str, Path]) -> dict[str, ModelOutputs]:
    found = {}
    for model, folder in folders.items():
        path = folder / "outputs.json"
        if path.exists():  # a model that failed has no answers
            found[model] = outputs_from_json(read_bytes(path), repr(str(path)))
    if not found:
        raise ResultError(
            f"{str(run)!r} has no outputs.json, so nothing can be compared: make the run with "
            "--deterministic, or rebuild one that was killed with `tailrace report`"
        )
    return found


def _with_differences(
    changed: Sequence[Changed], a: dict[str, Path], b: dict[str, Path]
) -> list[Changed]:
    """The same with the first difference of each, where both runs kept what was answered."""
    shown = [(each.model, *differing_hashes(each)) for each in changed]
    texts_a = _kept(a, [(model, one) for model, one, _ in shown])
    texts_b = _kept(b, [(model, other) for model, _, other in shown])
    return [
        replace(
            each, difference=_difference(texts_a.get((model, one)), texts_b.get((model, other)))
        )
        for each, (model, one, other) in zip(changed, shown, strict=True)
    ]


def _kept(
    folders: dict[str, Path], answers: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], tuple[str, str]]:
    """(Model, hash) -> (reasoning, text), each journal read once."""
    wanted: defaultdict[str, set[str]] = defaultdict(set)
    for model, name in answers:
        wanted[model].add(name)
    return {
        (model, name): text
        for model, names in wanted.items()
        for name, text in _texts(folders[model], names).items()
    }


def _difference(a: tuple[str, str] | None, b: tuple[str, str] | None) -> str | None:
    """Of (reasoning, text), the reasoning comes first; None where one of them was not kept."""
    if a is None or b is None:
        return None
    if a[0] != b[0]:
        return f"reasoning, {first_difference(a[0], b[0])}"
    return first_difference(a[1], b[1])


def _texts(folder: Path, hashes: Collection[str]) -> dict[str, tuple[str, str]]:
    """Hash -> (reasoning, text) of the answers that the journal keeps."""
    found: dict[str, tuple[str, str]] = {}
    for row in JournalReader(folder / JOURNAL):
        name = row.output_hash
        if name is not None and name in hashes and row.text is not None:
            found[name] = (row.reasoning or "", row.text)
            if len(found) == len(hashes):
                break
    return found
