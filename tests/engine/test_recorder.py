"""The recorder: a row reaches the journal, then the sums, at once."""

from __future__ import annotations

import pytest

from tailrace.engine.recorder import Recorder
from tailrace.results.schema import Row, parse_row
from tailrace.results.tally import Tally


def row(number: int) -> Row:
    return Row(f"r{number}", 0, number, "measure", number, sent_ns=number, ended_ns=number)


def test_a_row_is_sealed_and_written_at_once() -> None:
    lines: list[bytes] = []
    tally = Tally()

    def seal(row: Row) -> None:
        row.output_hash = f"of {row.id}"

    recorder = Recorder(tally, lines.append, seal)
    for number in range(3):
        recorder.add(row(number))
        assert len(lines) == tally.outcomes_all.total() == number + 1
    found = [parse_row(line, "here") for line in lines]
    assert [(each.id, each.output_hash) for each in found] == [
        (f"r{n}", f"of r{n}") for n in range(3)
    ]


def test_what_is_not_written_is_not_counted() -> None:
    tally = Tally()

    def write(line: bytes) -> None:
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        Recorder(tally, write).add(row(1))
    assert tally.outcomes_all.total() == 0
