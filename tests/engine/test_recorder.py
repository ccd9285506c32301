"""The recorder: rows wait, settle in order, and reach the journal and the sums alike."""

from __future__ import annotations

import pytest

from tailrace.engine.recorder import Recorder
from tailrace.results.schema import Row, parse_row
from tailrace.results.tally import Tally


def row(number: int) -> Row:
    return Row(f"r{number}", 0, number, "measure", number, sent_ns=number, ended_ns=number)


def test_a_row_waits_until_it_is_settled() -> None:
    lines: list[bytes] = []
    tally = Tally()
    recorder = Recorder(tally, lines.append)
    recorder.add(row(1))
    assert lines == []
    assert tally.outcomes_all.total() == 0
    assert recorder.settle() is False
    assert [parse_row(line, "here").id for line in lines] == ["r1"]
    assert tally.outcomes_all.total() == 1


def test_add_says_when_a_settling_must_be_called_for() -> None:
    recorder = Recorder(Tally(), lambda line: None)
    assert recorder.add(row(1)) is True
    assert recorder.add(row(2)) is False
    recorder.settle()
    assert recorder.add(row(3)) is True


@pytest.mark.parametrize(("at_most", "turns"), [(None, 1), (1, 10), (3, 4), (10, 1), (99, 1)])
def test_rows_settle_in_order_and_in_slices(at_most: int | None, turns: int) -> None:
    lines: list[bytes] = []
    recorder = Recorder(Tally(), lines.append)
    for number in range(10):
        recorder.add(row(number))
    left = [recorder.settle(at_most) for _ in range(turns)]
    assert left == [True] * (turns - 1) + [False]
    assert len(lines) == turns  # one write for all rows of a slice
    assert all(line.endswith(b"\n") for line in lines)
    found = [parse_row(line, "here").id for line in b"".join(lines).splitlines()]
    assert found == [f"r{n}" for n in range(10)]


def test_rows_that_could_not_be_written_wait_on() -> None:
    lines: list[bytes] = []
    tally = Tally()

    def write(data: bytes) -> None:
        if not tally.outcomes_all.total() and not lines:
            lines.append(b"")
            raise OSError("no space left")
        lines.append(data)

    recorder = Recorder(tally, write)
    recorder.add(row(1))
    recorder.add(row(2))
    with pytest.raises(OSError, match="no space"):
        recorder.settle()
    assert tally.outcomes_all.total() == 0
    assert recorder.settle() is False
    assert b"".join(lines).count(b"\n") == 2


def test_nothing_waiting_is_nothing_to_do() -> None:
    lines: list[bytes] = []
    assert Recorder(Tally(), lines.append).settle() is False
    assert lines == []
