"""Parts: the journals of several workers, joined into the model's one.

Rule: each worker appends to a file of its own (``requests.<k>.jsonl``), for two that append to one
file may tear each other's lines on some systems. While a part exists the parts are the truth and a
``requests.jsonl`` beside them is an unfinished join; they go once it is whole. So a crash at any
moment loses no line and doubles none, and joining again gives the same file.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from heapq import merge
from pathlib import Path

from tailrace.results.atomic import atomic
from tailrace.results.facts import ModelFacts
from tailrace.results.journal import JOURNAL, JournalReader
from tailrace.results.merge import in_flight_of
from tailrace.results.schema import Row

EARLIER = "requests.earlier.jsonl"
"""The part that holds what earlier sittings of a resumed run have finished."""


def join_parts(folder: Path, model: ModelFacts) -> bool:
    """Join what parts there are, by the time of each row's end; fill in what follows from all rows.

    Torn last lines are kept out of the join and counted in the model's facts. False where there are
    no parts: one worker wrote the journal itself.
    """
    paths = sorted(folder.glob("requests.*.jsonl"), key=_number)
    if not paths:
        return False
    readers = [JournalReader(path) for path in paths]
    spans: dict[int, array[int]] = {}
    with atomic(folder / JOURNAL) as out:
        for row in merge(*map(_rows, readers), key=lambda row: row.ended_ns):
            out.write(row.to_json())
            if row.sent_ns is None and row.attempt > 1:
                continue  # it waited to be sent again, or found no connection: not in flight
            began_ns = row.intended_ns if row.sent_ns is None else row.sent_ns
            spans.setdefault(row.stage, array("q")).extend((began_ns, max(began_ns, row.ended_ns)))
    for stage in model.stages:
        from_ns, until_ns = stage.measure_from_ns or 0, stage.measure_until_ns or 0
        stage.in_flight_ns, stage.max_in_flight = in_flight_of(
            spans.get(stage.index, ()), from_ns, until_ns
        )
    model.torn_lines = sum(reader.torn_lines for reader in readers)
    return True


def remove_parts(folder: Path) -> None:
    """To be called when the facts that came of a join are on disk as well."""
    for path in folder.glob("requests.*.jsonl"):
        path.unlink()


def _rows(reader: JournalReader) -> Iterator[Row]:
    yield from reader


def _number(path: Path) -> int:
    text = path.name.split(".")[1]
    return int(text) if text.isdigit() else -1
