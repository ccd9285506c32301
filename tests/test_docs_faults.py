"""docs/faults.md says of each fault what the tests say, and names the limits that the code has."""

from __future__ import annotations

from pathlib import Path

from tailrace.engine.answer import WHOLE_LIMIT_BYTES
from tailrace.engine.exchange import ANSWER_LIMIT_BYTES, DEFAULT_TIMEOUTS, HEAD_LIMIT_BYTES
from tailrace.engine.sse import EVENT_LIMIT_BYTES
from tailrace.simulate import CATALOGUE

from .faults.table import TABLE

TEXT = (Path(__file__).resolve().parents[1] / "docs" / "faults.md").read_text(encoding="utf-8")


def test_every_fault_is_a_row_with_its_sentence_and_its_classes() -> None:
    for row in TABLE:
        classes = ", ".join(f"`{name}`" for name in row.classes) or "none: ok"
        assert f"| `{row.fault}` | {CATALOGUE[row.fault].about} | {classes} | " in TEXT


def test_no_row_is_of_a_fault_that_is_gone() -> None:
    told = [line.split("`")[1] for line in TEXT.splitlines() if line.startswith("| `")]
    assert told == list(CATALOGUE)


def test_the_limits_are_those_of_the_code() -> None:
    for size in (
        f"{HEAD_LIMIT_BYTES >> 10} KiB",
        *(f"{limit >> 20} MiB" for limit in (EVENT_LIMIT_BYTES, WHOLE_LIMIT_BYTES)),
        f"{ANSWER_LIMIT_BYTES >> 30} GiB",
        *(f"{seconds:g} s" for seconds in DEFAULT_TIMEOUTS if seconds is not None),
    ):
        assert f"| {size}" in TEXT
