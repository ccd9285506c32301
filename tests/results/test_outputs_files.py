"""Two runs' answers compared from their folders, and where their texts part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tailrace.results import outputs_files
from tailrace.results.journal import JournalReader
from tailrace.results.outputs import output_hash
from tailrace.results.outputs_files import compare_runs
from tailrace.results.schema import Row

from .builders import row, run_folder


def made(path: Path, answers: Mapping[str, tuple[str, str]], kept: bool = True) -> Path:
    """A run that was answered (reasoning, text) to each prompt."""
    rows = [
        row(
            100 * number,
            prompt=prompt,
            output_hash=output_hash(text, reasoning),
            text=text if kept else None,
            reasoning=reasoning if kept else None,
        )
        for number, (prompt, (reasoning, text)) in enumerate(answers.items())
    ]
    run_folder(path, rows).rebuild()
    return path


def test_each_changed_prompt_has_its_own_first_difference(tmp_path: Path) -> None:
    a = made(tmp_path / "a", {"1": ("", "cat"), "2": ("", "same"), "3": ("so", "x")})
    b = made(tmp_path / "b", {"1": ("", "cap"), "2": ("", "same"), "3": ("as", "x")})
    found = compare_runs(a, b)
    assert found.same == 1
    assert {changed.prompt: changed.difference for changed in found.changed} == {
        "1": "character 3: 'cat' and 'cap'",
        "3": "reasoning, character 1: 'so' and 'as'",
    }


def test_without_both_texts_there_is_no_difference_to_show(tmp_path: Path) -> None:
    a = made(tmp_path / "a", {"1": ("", "cat")})
    b = made(tmp_path / "b", {"1": ("", "cap")}, kept=False)
    (changed,) = compare_runs(a, b).changed
    assert changed.difference is None


def test_a_journal_is_read_once_however_many_prompts_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a = made(tmp_path / "a", {str(n): ("", f"a{n}") for n in range(5)})
    b = made(tmp_path / "b", {str(n): ("", f"b{n}") for n in range(5)})
    read: list[Path] = []

    class Counted(JournalReader):
        def __iter__(self) -> Iterator[Row]:
            read.append(self.path)
            return super().__iter__()

    monkeypatch.setattr(outputs_files, "JournalReader", Counted)
    assert len(compare_runs(a, b).changed) == 5
    assert read == [a / "m" / "requests.jsonl", b / "m" / "requests.jsonl"]
