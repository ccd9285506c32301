"""Outputs of run folders: reads what ``outputs.json`` and the journals hold of two runs."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from tailrace.errors import ResultError
from tailrace.results.files import RunFolder, safe_name
from tailrace.results.journal import JournalReader
from tailrace.results.outputs import ModelOutputs, outputs_from_json
from tailrace.results.outputs_compare import (
    Changed,
    Comparison,
    compare,
    differing_hashes,
    first_difference,
)


def compare_runs(a: Path, b: Path) -> Comparison:
    """Compare the answers of two run folders; raises ResultError when they cannot be compared."""
    folders = _folders(a), _folders(b)
    outputs = _read(a, folders[0]), _read(b, folders[1])
    found = compare(*outputs, (repr(str(a)), repr(str(b))))
    found.changed = [
        _with_difference(changed, folders[0][changed.model], folders[1][changed.model])
        for changed in found.changed
    ]
    return found


def _folders(run: Path) -> dict[str, Path]:
    """Model -> its folder, as the run's facts say."""
    models = RunFolder(run).read_facts().models
    return {model.model: run / safe_name(model.folder) for model in models}


def _read(run: Path, folders: dict[str, Path]) -> dict[str, ModelOutputs]:
    found = {}
    for model, folder in folders.items():
        path = folder / "outputs.json"
        try:
            found[model] = outputs_from_json(path.read_bytes(), repr(str(path)))
        except FileNotFoundError:
            continue  # a model that failed has no answers
        except OSError as exc:
            raise ResultError(f"{str(path)!r} cannot be read: {exc.strerror}") from None
    if not found:
        raise ResultError(
            f"{str(run)!r} has no outputs.json, so nothing can be compared: make the run with "
            "--deterministic, or rebuild one that was killed with `tailrace report`"
        )
    return found


def _with_difference(changed: Changed, a: Path, b: Path) -> Changed:
    """The same with the first difference, where both runs kept what was answered."""
    one, other = differing_hashes(changed)
    text_a, text_b = _texts(a, {one}).get(one), _texts(b, {other}).get(other)
    if text_a is None or text_b is None:
        return changed
    return replace(changed, difference=_difference(text_a, text_b))


def _difference(a: tuple[str, str], b: tuple[str, str]) -> str:
    """Of (reasoning, text): the reasoning comes first."""
    if a[0] != b[0]:
        return f"reasoning, {first_difference(a[0], b[0])}"
    return first_difference(a[1], b[1])


def _texts(folder: Path, hashes: Collection[str]) -> dict[str, tuple[str, str]]:
    """Hash -> (reasoning, text) of the answers that the journal keeps."""
    found: dict[str, tuple[str, str]] = {}
    for row in JournalReader(folder / "requests.jsonl"):
        name = row.output_hash
        if name is not None and name in hashes and row.text is not None:
            found[name] = (row.reasoning or "", row.text)
            if len(found) == len(hashes):
                break
    return found
