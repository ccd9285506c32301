"""Repair: the journals of a run that was broken off, made ready to be appended to.

Rows of levels that were not finished move to ``requests-set-aside.jsonl`` beside the journal: they
are in no figure, and none is lost. A last line that was half written is dropped and counted, for
the next would be written into it. Each file is replaced whole, the set-aside one first and by row
id, so that a repair which is itself broken off can be done again and doubles nothing.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from tailrace.results.atomic import atomic
from tailrace.results.facts import ModelFacts, RunFacts
from tailrace.results.files import RunFolder, safe_name
from tailrace.results.journal import JOURNAL, JournalReader
from tailrace.results.parts import EARLIER
from tailrace.results.schema import Row

SET_ASIDE = "requests-set-aside.jsonl"

_SEQUENCE = re.compile(r"-(\d+)$")


class Found(NamedTuple):
    """What the journals of a run say of where it was."""

    last_ns: int
    """The latest end of a request, ns since the origin."""
    next_sequence: dict[str, int]
    """By model's folder: the number behind the last request of its finished levels."""


def mend_journals(folder: RunFolder, facts: RunFacts) -> Found:
    """Make every journal hold whole lines of the levels in ``facts`` and nothing else.

    Counts what it drops and sets aside in the models' facts. Raises ResultError of a line that is
    no request.
    """
    folder.join(facts)
    last_ns = 0
    following: dict[str, int] = {}
    for model in facts.models:
        path = folder.path / safe_name(model.folder) / JOURNAL
        model.dropped_lines += model.torn_lines
        model.torn_lines = 0
        reader = JournalReader(path)
        aside = 0
        for row in reader:
            aside += not _stays(row, model)
            last_ns = max(last_ns, row.ended_ns)
            if (number := _SEQUENCE.search(row.id)) and _stays(row, model):
                behind = int(number[1]) + 1
                following[model.folder] = max(behind, following.get(model.folder, 0))
        if aside or reader.torn_lines:
            model.dropped_lines += reader.torn_lines
            _split(path, model)
        model.set_aside_rows = sum(1 for _ in JournalReader(path.with_name(SET_ASIDE)))
    return Found(last_ns, following)


def _stays(row: Row, model: ModelFacts) -> bool:
    return row.phase == "cold" or row.stage < len(model.stages)


def _split(path: Path, model: ModelFacts) -> None:
    aside_path = path.with_name(SET_ASIDE)
    before = {row.id: row for row in JournalReader(aside_path)}
    # Of two in one statement, the last is closed first, and so takes its place first.
    with atomic(path) as kept, atomic(aside_path) as aside:
        for row in before.values():
            aside.write(row.to_json())
        for row in JournalReader(path):
            if _stays(row, model):
                kept.write(row.to_json())
            elif row.id not in before:
                aside.write(row.to_json())


def make_parts(folder: RunFolder, facts: RunFacts) -> None:
    """Turn each model's journal into a part, for a sitting of several workers."""
    for model in facts.models:
        path = folder.path / safe_name(model.folder) / JOURNAL
        if path.exists():
            path.replace(path.with_name(EARLIER))
