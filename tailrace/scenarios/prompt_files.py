"""Prompt files: from a file on disk to records. Reads files; what records mean is in records.py.

The format goes by the file's ending: ``.json`` (a list of texts or objects, ShareGPT included),
``.jsonl``, ``.csv``, ``.tsv``, ``.parquet``. ``sample:chat`` names a file of the package, and
``plugin:NAME`` what another package makes (plugin_prompts.py).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from tailrace.errors import UsageError
from tailrace.scenarios.files import read_bytes
from tailrace.scenarios.plugin_prompts import PREFIX, plugin_records
from tailrace.scenarios.records import Record

OPTION = "--prompts"
SAMPLE = "sample:"


class Loaded(NamedTuple):
    """A file's records, and what tells it from another."""

    records: list[Record]
    sha256: str


def load_records(path: str) -> Loaded:
    """All records of the file; raises UsageError naming file and line."""
    if path.startswith(PREFIX):
        records, data = plugin_records(path, named(path))
        return Loaded(records, sha256(data).hexdigest())
    where = named(path)
    data, suffix = _bytes(path)
    reader = _READERS.get(suffix)
    if reader is None:
        known = ", ".join(_READERS)
        raise UsageError(f"{where} has none of the endings {known}; give it the one that it is")
    return Loaded(list(reader(data, where)), sha256(data).hexdigest())


def named(path: str) -> str:
    """The option and what it was given, to begin a sentence with."""
    return f"{OPTION} {path!r}" if path.startswith(PREFIX) else f"{OPTION} file {path!r}"


def samples() -> list[str]:
    """Names of the package's own prompt files."""
    folder = files("tailrace.scenarios") / "samples"
    return sorted(entry.name.removesuffix(".json") for entry in folder.iterdir())


def _bytes(path: str) -> tuple[bytes, str]:
    """The file's bytes and its ending."""
    if path.startswith(SAMPLE):
        name = path.removeprefix(SAMPLE)
        if name not in samples():
            raise UsageError(f"{OPTION} {path!r} is no sample; there are {', '.join(samples())}")
        sample = files("tailrace.scenarios") / "samples" / f"{name}.json"
        return sample.read_bytes(), ".json"
    return read_bytes(path, f"{OPTION} file"), Path(path).suffix.lower()


def _text(data: bytes, where: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        line = data.count(b"\n", 0, exc.start) + 1
        raise UsageError(f"{where} line {line} is not UTF-8 text; save it as UTF-8") from None


def _json(data: bytes, where: str) -> Iterator[Record]:
    text = _text(data, where)
    try:
        document: Any = orjson.loads(text)
    except orjson.JSONDecodeError as exc:
        hint = "; one object a line is a .jsonl file" if text.lstrip().startswith("{") else ""
        raise UsageError(f"{where} line {exc.lineno} is not JSON: {exc.msg}{hint}") from None
    if not isinstance(document, list):
        raise UsageError(
            f'{where} is not a list; write prompts as ["first", "second"] or as objects'
        )
    return (Record(f"{where} record {n}", value) for n, value in enumerate(document, 1))


def _jsonl(data: bytes, where: str) -> Iterator[Record]:
    for number, line in enumerate(_text(data, where).split("\n"), 1):
        if not line.strip():
            continue
        try:
            yield Record(f"{where} line {number}", orjson.loads(line))
        except orjson.JSONDecodeError as exc:
            raise UsageError(
                f"{where} line {number} is not JSON: {exc.msg}; write one object a line"
            ) from None


def _table(delimiter: str) -> Callable[[bytes, str], Iterator[Record]]:
    def read(data: bytes, where: str) -> Iterator[Record]:
        csv.field_size_limit(2**31 - 1)
        lines = io.StringIO(_text(data, where), newline="")
        rows = csv.reader(lines, delimiter=delimiter, strict=True)
        names: list[str] = []
        line = 1
        try:
            for cells in rows:
                if not names:
                    names = _names(cells, f"{where} line {line}")
                elif cells:
                    yield Record(f"{where} line {line}", _row(names, cells, where, line))
                line = rows.line_num + 1
        except csv.Error as exc:
            raise UsageError(
                f"{where} line {line} is not CSV: {exc}; text with a quote or a line break in it "
                "stands in quotes, and quotes inside are doubled"
            ) from None

    return read


def _names(cells: list[str], where: str) -> list[str]:
    names = [cell.strip() for cell in cells]
    if not all(names):
        raise UsageError(f"{where} names a column with nothing; the first line names them all")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f"{where} names the column {twice!r} twice; rename one of them")
    return names


def _row(names: list[str], cells: list[str], where: str, line: int) -> dict[str, str]:
    if len(cells) != len(names):
        raise UsageError(
            f"{where} line {line} has {len(cells)} fields where the first line names "
            f"{len(names)}; text with a comma in it stands in quotes"
        )
    return dict(zip(names, cells, strict=True))


def _parquet(data: bytes, where: str) -> Iterator[Record]:
    try:
        from pyarrow import ArrowException, BufferReader
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise UsageError(
            f"{where} needs the package pyarrow; install it with: pip install 'tailrace[data]'"
        ) from None
    number = 0
    try:
        file = ParquetFile(BufferReader(data))
        for batch in file.iter_batches():
            for row in batch.to_pylist():
                number += 1
                yield Record(f"{where} row {number}", row)
    except (ArrowException, OSError, ValueError) as exc:
        reason = str(exc).splitlines()[0]
        raise UsageError(f"{where} is not a whole Parquet file: {reason}") from None


_READERS: dict[str, Callable[[bytes, str], Iterator[Record]]] = {
    ".json": _json,
    ".jsonl": _jsonl,
    ".ndjson": _jsonl,
    ".csv": _table(","),
    ".tsv": _table("\t"),
    ".parquet": _parquet,
}
