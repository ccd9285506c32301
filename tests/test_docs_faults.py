"""docs/faults.md says of each fault what the tests say and which they are, and names the limits
that the code has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tailrace.engine.answer import WHOLE_LIMIT_BYTES
from tailrace.engine.exchange import ANSWER_LIMIT_BYTES, DEFAULT_TIMEOUTS, HEAD_LIMIT_BYTES
from tailrace.engine.sse import EVENT_LIMIT_BYTES
from tailrace.simulate import CATALOGUE

from .faults.table import TABLE
from .faults.test_stacks import ALIKE

TESTS = Path(__file__).resolve().parent
TEXT = (TESTS.parent / "docs" / "faults.md").read_text(encoding="utf-8")


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def tables(text: str) -> list[list[list[str]]]:
    """Each as rows of cells; the first is its head, and the rule under it is left out."""
    found = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    return [[cells(line) for line in one.splitlines() if "|---" not in line] for one in found]


def known_tests() -> set[str]:
    """Names of test files, and of the tests in them."""
    files = list(TESTS.rglob("test_*.py"))
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    names = set(re.findall(r"^(?:async )?def (test_\w+)\(", text, re.MULTILINE))
    return names | {path.stem for path in files}


def nameless(text: str, known: set[str]) -> list[str]:
    """Rows of tables with a column ``test`` that name none in it, or one that is not known."""
    with_tests = [table for table in tables(text) if table[0][-1] == "test"]
    rows = [row for table in with_tests for row in table[1:]]
    named = [(row, re.findall(r"`(test_\w+)`", row[-1])) for row in rows]
    return [row[0] for row, names in named if not names or not known.issuperset(names)]


def test_every_row_names_known_tests() -> None:
    heads = [table[0][-1] for table in tables(TEXT)]
    assert heads.count("test") == 6
    assert nameless(TEXT, known_tests()) == []


WHOLE_FILES = (
    *("faults/test_client_faults.py", "faults/test_clock_step.py", "faults/test_http2_faults.py"),
    "faults/test_out_of_memory.py",
    *("faults/test_tls.py", "faults/test_tls_midway.py", "network/test_local_ports.py"),
    *("network/test_network.py", "servers/test_faults_on_llama.py"),
)
"""Each of their tests is a row, or a part of one."""


def test_every_test_of_faults_is_told() -> None:
    for name in WHOLE_FILES:
        source = (TESTS / name).read_text(encoding="utf-8")
        found = re.findall(r"^(?:async )?def (test_\w+)\(", source, re.MULTILINE)
        missing = [test for test in found if f"`{test}`" not in TEXT]
        assert missing in ([], ["test_the_limits_of_this_machine_are_not_the_server_s"])


@pytest.mark.parametrize("cell", ["", "`test_gone`", "test_here", "`test_here`, `test_gone`"])
def test_a_row_without_a_test_is_found(cell: str) -> None:
    text = f"| what | test |\n|---|---|\n| a | `test_here` |\n| b | {cell} |\n"
    assert nameless(text, {"test_here"}) == ["b"]


def test_every_fault_is_a_row_with_its_sentence_and_its_classes() -> None:
    for row in TABLE:
        classes = ", ".join(f"`{name}`" for name in row.classes) or "none: ok"
        (line,) = [line for line in TEXT.splitlines() if line.startswith(f"| `{row.fault}` |")]
        confirmed = ", `test_stacks`" * (row.fault in ALIKE)
        assert line.startswith(f"| `{row.fault}` | {CATALOGUE[row.fault].about} | {classes} | ")
        assert line.endswith(f" | `test_outcomes`{confirmed} |")


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
