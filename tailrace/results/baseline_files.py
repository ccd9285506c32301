"""Baselines: what comparing needs of a run, in a small folder that can be committed.

    .tailrace/baselines/<name>/
      baseline.json             when it was set, of which run
      run.json
      <model>/result.json  <model>/figures.npz

``figures.npz`` holds the figures of each level (see compare_figures) in numpy's own compressed
format: whole microseconds, no text, no id. ``result.json`` lacks what only charts need. A baseline
compares exactly as its run did.
"""

from __future__ import annotations

import io
import shutil
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import orjson

from tailrace.errors import ResultError, UsageError
from tailrace.results.atomic import write_atomic
from tailrace.results.compare_figures import LATENCIES, Figures, Samples
from tailrace.results.facts import RunFacts
from tailrace.results.files import safe_name
from tailrace.results.reading import read_json

SCHEMA = "tailrace.baseline/1"
FIGURES = "figures.npz"
FOLDER = Path(".tailrace") / "baselines"
DEFAULT_NAME = "main"
_NOTE = "baseline.json"
MOST_BYTES = 500_000_000
"""Of a model's figures, unpacked: those of 30 million samples."""


class Note(msgspec.Struct):
    """``baseline.json``."""

    schema: str
    name: str
    run: str
    """The name of the run's folder."""
    started_at: str
    models: list[str]


def baseline_path(parent: Path, name: str) -> Path:
    """Where a baseline of that name lies; raises UsageError for one that is no file name."""
    if name != safe_name(name):
        raise UsageError(f"--name {name!r} cannot be a folder's name; {safe_name(name)!r} can")
    return parent / name


def is_baseline(path: Path) -> bool:
    """Whether a baseline lies there."""
    return (path / _NOTE).is_file()


def write_baseline(
    parent: Path, name: str, run: Path, facts: RunFacts, levels: Mapping[str, Mapping[str, Figures]]
) -> Path:
    """Set the baseline of that name to a run, in place of the one that is there; its folder.

    Raises UsageError where the folder cannot be written.
    """
    path = baseline_path(parent, name)
    fresh = path.with_name(f".{name}.part")
    models = list(levels)
    note = Note(SCHEMA, name, run.resolve().name, facts.started_at, models)
    try:
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        shutil.copyfile(run / "run.json", fresh / "run.json")
        for model in facts.models:
            folder = fresh / safe_name(model.folder)
            folder.mkdir()
            result = read_json(run / safe_name(model.folder) / "result.json")
            write_atomic(folder / "result.json", orjson.dumps(_without_charts(result)))
            if model.model in levels:
                write_atomic(folder / FIGURES, packed(levels[model.model]))
        document = orjson.dumps(msgspec.to_builtins(note), option=orjson.OPT_INDENT_2)
        write_atomic(fresh / _NOTE, document + b"\n")
        _replace(path, fresh)
    except OSError as exc:
        raise UsageError(f"the baseline {str(path)!r} cannot be written: {exc.strerror}") from None
    return path


def _without_charts(result: dict[str, Any]) -> dict[str, Any]:
    """A model's result less what only its charts need, which is most of it."""
    drawn = ("over_time", "curves")
    stages = [
        {key: value for key, value in stage.items() if key not in drawn}
        for stage in result["stages"]
    ]
    return result | {"stages": stages}


def _replace(path: Path, fresh: Path) -> None:
    """Put the new folder there; the old one is gone only when the new one is whole."""
    old = path.with_name(f".{path.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if path.exists():
        path.rename(old)
    fresh.rename(path)
    shutil.rmtree(old, ignore_errors=True)


def read_note(path: Path) -> Note:
    """``baseline.json`` of a folder; raises ResultError where there is none."""
    file = path / _NOTE
    try:
        note = msgspec.json.decode(file.read_bytes(), type=Note)
    except OSError as exc:
        raise ResultError(f"{str(path)!r} is not a baseline: {_NOTE}: {exc.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise ResultError(f"{str(file)!r} is not a baseline's note: {exc}") from None
    if note.schema != SCHEMA:
        raise ResultError(f"{str(file)!r} has schema {note.schema!r}, this reads {SCHEMA!r}")
    return note


def list_baselines(parent: Path) -> list[tuple[Note, int]]:
    """Every baseline by name, with the bytes of its files."""
    if not parent.is_dir():
        return []
    found = [path for path in sorted(parent.iterdir()) if is_baseline(path)]
    return [
        (read_note(path), sum(f.stat().st_size for f in path.rglob("*") if f.is_file()))
        for path in found
    ]


def require_baseline(parent: Path, name: str) -> Path:
    """The folder of a baseline; raises UsageError naming those that there are."""
    path = baseline_path(parent, name)
    if not is_baseline(path):
        there = ", ".join(note.name for note, _ in list_baselines(parent)) or "none"
        raise UsageError(
            f"there is no baseline {name!r} in {str(parent)!r} (there is: {there}); "
            f"set it with `tailrace baseline set RUN --name {name}`"
        )
    return path


def remove_baseline(parent: Path, name: str) -> Path:
    """Take it away; returns where it was."""
    path = require_baseline(parent, name)
    shutil.rmtree(path)
    return path


def packed(levels: Mapping[str, Figures]) -> bytes:
    """The figures of a model's levels as bytes, the same for the same figures."""
    arrays: dict[str, Any] = {"loads": np.array(list(levels), dtype=np.str_)}
    for place, figures in enumerate(levels.values()):
        arrays |= {f"{place}/{key}": array for key, array in _arrays(figures).items()}
    out = io.BytesIO()
    np.savez_compressed(out, **arrays)
    return out.getvalue()


def _arrays(figures: Figures) -> dict[str, Any]:
    found: dict[str, Any] = {
        "failed": figures.failed,
        "slices": np.stack([figures.slice_s, figures.slice_tokens, figures.slice_answers]),
        "tokens_known": np.array(figures.tokens_known),
    }
    for name, samples in figures.samples.items():
        bound = -1 if samples.bound_us is None else samples.bound_us
        found[f"{name}/values_us"] = _narrow(samples.values_us)
        found[f"{name}/counts"] = _narrow(samples.counts)
        found[f"{name}/bound_us"] = np.array(bound, dtype=np.int64)
    return found


def _narrow(values: Any) -> Any:
    """In 32 bits where they all fit."""
    fits = not len(values) or int(np.abs(values).max()) < 2**31
    return values.astype(np.int32 if fits else np.int64)


_NOT_ARRAYS = (
    *(ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile, zlib.error, struct.error),
    *(RuntimeError, AttributeError, IndexError, TypeError, MemoryError),
)
"""What NumPy and zipfile raise of bytes that are damaged, or no archive of the arrays."""


def unpacked(data: bytes, where: str) -> dict[str, Figures]:
    """What ``packed`` made; raises ResultError naming ``where`` if it is something else."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            _require_bounded(file.zip, where)
            return {str(load): _figures(file, place) for place, load in enumerate(file["loads"])}
    except _NOT_ARRAYS as exc:
        raise ResultError(f"{where} does not hold a baseline's figures: {exc}") from None


def _require_bounded(archive: zipfile.ZipFile, where: str) -> None:
    """A few kilobytes can be packed gigabytes."""
    size = sum(member.file_size for member in archive.infolist())
    if size > MOST_BYTES:
        raise ResultError(
            f"{where} would take {size / 1e9:.1f} GB; a baseline's figures have at most "
            f"{MOST_BYTES / 1e9:.1f}"
        )


def _figures(file: Any, place: int) -> Figures:
    def take(key: str) -> Any:
        return file[f"{place}/{key}"]

    samples = {}
    for name in LATENCIES:
        bound = int(take(f"{name}/bound_us"))
        samples[name] = Samples(
            take(f"{name}/values_us").astype(np.int64),
            take(f"{name}/counts").astype(np.int64),
            None if bound < 0 else bound,
        )
    slices = take("slices")
    return Figures(
        failed=take("failed"),
        samples=samples,
        slice_s=slices[0],
        slice_tokens=slices[1],
        slice_answers=slices[2],
        tokens_known=bool(take("tokens_known")),
    )
