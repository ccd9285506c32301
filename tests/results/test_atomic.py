"""A file is replaced whole or not at all, and what stands in the way is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from tailrace.errors import ResultError
from tailrace.results.atomic import atomic, write_atomic


def test_a_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    for data in (b"old", b"new"):
        write_atomic(path, data)
        assert path.read_bytes() == data
    assert list(tmp_path.iterdir()) == [path]


def test_a_fault_on_the_way_leaves_the_old(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    write_atomic(path, b"old")
    with pytest.raises(TypeError), atomic(path) as file:
        file.writelines([b"half", None])
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_another_program_has_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, target: Path) -> None:
        raise PermissionError(13, "Access is denied")

    path = tmp_path / "summary.csv"
    write_atomic(path, b"old")
    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(ResultError, match="close the program that has it open"):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
