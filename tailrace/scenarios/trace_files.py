"""Trace files: lines of a trace read as they are needed, and the one pass that checks it first.

Rule: memory does not grow with the file. The whole file is checked before anything is sent; it is
read again while the run goes, by each worker for itself, as far as the run comes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import orjson

from tailrace.errors import TailraceError, UsageError
from tailrace.scenarios.items import Item, with_system
from tailrace.scenarios.model import Scenario
from tailrace.scenarios.sources import source_of
from tailrace.scenarios.trace_formats import READERS, Line, detect
from tailrace.scenarios.traces import (
    REACH,
    REACH_OF_A_JOURNAL,
    FormatName,
    Skip,
    Survey,
    Trace,
    TraceRow,
    due,
    in_order,
)

MOST_LINE_BYTES = 16 * 2**20
MOST_PROMPTS = 100_000
"""Items of a past run that are looked through for its prompts."""


def named(path: str) -> str:
    """How a trace is called in an error."""
    return f"--trace file {path!r}"


def survey(
    path: str, wanted: FormatName | None, window: tuple[float, float | None] = (0.0, None)
) -> Trace:
    """Read all of a trace once, and say what of it is to be replayed; UsageError names the line."""
    where = named(path)
    name = wanted or _detected(path, where)
    reach = REACH_OF_A_JOURNAL if name == "tailrace" else REACH
    prompts_of = _run_of(path) if name == "tailrace" else None
    rows = _Rows(path, name, past_prompts(prompts_of))
    found = Survey(*window)
    for row in in_order(iter(rows), reach, where):
        found.note(row)
    if not found.total and rows.skipped:
        reasons = ", ".join(sorted(rows.skipped))
        raise UsageError(f"{where} holds no request that could be replayed: {reasons}")
    found.check(where)
    return Trace(
        path=path,
        format=name,
        rows=found.rows,
        zero_ns=found.zero_ns or 0,
        last_s=found.last_ns / 1e9,
        reach=reach if rows.went_back else 0,
        before=found.before,
        from_s=window[0],
        until_s=window[1],
        prompts_of=prompts_of,
        input_tokens=found.input_tokens,
        output_tokens=found.output_tokens,
        skipped=tuple(sorted(rows.skipped.items())),
    )


def replay(trace: Trace, prompts: Container[str] = ()) -> Iterator[tuple[int, TraceRow]]:
    """When each row of the trace is due, in ns since the schedule began, read as it is needed.

    ``prompts`` are the ids of the past prompts that are known.
    """
    rows = _Rows(trace.path, trace.format, prompts)
    return due(in_order(iter(rows), trace.reach, named(trace.path)), trace)


def past_prompts(run_json: str | None) -> dict[str, Item]:
    """The items of a past run, by id; none where they are not to be had any more."""
    if run_json is None:
        return {}
    try:
        document: Any = orjson.loads(Path(run_json).read_bytes())
        scenario = msgspec.convert(document["scenario"], Scenario)
        source = source_of(scenario)
    except (OSError, ValueError, KeyError, TypeError, TailraceError):
        return {}  # its lengths are replayed all the same
    count = min(source.distinct or 0, MOST_PROMPTS)
    items = (source.item(sequence) for sequence in range(count))
    return {
        item.id: replace(item, messages=with_system(item.messages, scenario.system))
        for item in items
    }


def lines_of(path: str, where: str) -> Iterator[Line]:
    """The lines of a text file; UsageError for a file, or a line, that cannot be read."""
    try:
        with Path(path).open("rb") as file:
            number = 0
            while data := file.readline(MOST_LINE_BYTES):
                number += 1
                yield number, _text(data, number, where)
    except OSError as exc:
        raise UsageError(f"{where} cannot be read: {exc.strerror}; name another file") from None


def _text(data: bytes, number: int, where: str) -> str:
    if len(data) == MOST_LINE_BYTES:
        raise UsageError(
            f"{where} line {number} is longer than {MOST_LINE_BYTES:,} bytes; a trace has one "
            "request a line"
        )
    try:
        return data.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError:
        raise UsageError(
            f"{where} line {number} is not UTF-8 text; save the file as UTF-8"
        ) from None


class _Rows:
    """The requests of a file as they stand in it, and what was noticed on the way."""

    def __init__(self, path: str, name: FormatName, prompts: Container[str]) -> None:
        self._path = path
        self._name = name
        self._prompts = prompts
        self.skipped: Counter[str] = Counter()
        self.went_back = False
        """Some row's time lay before that of the row before it."""

    def __iter__(self) -> Iterator[TraceRow]:
        where = named(self._path)
        last_ns: int | None = None
        for row in READERS[self._name](lines_of(self._path, where), where):
            if isinstance(row, Skip):
                self.skipped[row.why] += 1
            elif row.input_tokens is None and row.prompt not in self._prompts:
                self.skipped["neither its input tokens nor its prompt is known"] += 1
            else:
                self.went_back |= last_ns is not None and row.at_ns < last_ns
                last_ns = row.at_ns
                yield row


def _detected(path: str, where: str) -> FormatName:
    for _, text in lines_of(path, where):
        return detect(text, where)
    raise UsageError(f"{where} is empty; a trace has one request a line")


def _run_of(path: str) -> str | None:
    """The run.json of the run that a journal belongs to, if it lies where a run has it."""
    found = Path(path).parent / ".." / "run.json"
    return str(found) if found.is_file() else None
